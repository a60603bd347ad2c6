"""What a service does with clients that break the rules, send or read slowly, or are too many."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from tests.serving.served import serving
from tests.serving.wires import LIVE, PREDICT, RECORD, WHOLE, Reader, tell, wire
from tests.waiting import until

from shipway.serving import protocol
from shipway.serving.app import create_app
from shipway.serving.connections import Limits

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response
    from tests.serving.conftest import Releases

SHORT = Limits(
    connections=40, header_seconds=0.5, body_seconds=0.5, idle_seconds=0.5, send_seconds=0.5, header_bytes=4_000, headers=30
)


@pytest.fixture(scope="module")
def app(releases: Releases) -> FastAPI:
    return create_app(releases, body_limit=2_000_000)


@pytest.fixture(scope="module")
def quick(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of a service that has little patience."""
    with serving(app, limits=SHORT) as found:
        yield found


HOST = b"Host: a\r\n"
END = b"\r\n"
CHUNKED = PREDICT + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = {
    "no request": (400, b"\x00\x01\x02\x03"),
    "a TLS client": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "the preface of HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/0.9": (505, b"GET /\r\n\r\n"),
    "HTTP/2 without its preface": (505, b"GET / HTTP/2.0\r\n" + HOST + END),
    "a version that does not exist": (400, b"GET / HTTP/1.7\r\n" + HOST + END),
    "no version": (400, b"GET / HELLO\r\n" + HOST + END),
    "a method that does not exist": (400, b"GRAB / HTTP/1.1\r\n" + HOST + END),
    "a method in small letters": (400, b"get / HTTP/1.1\r\n" + HOST + END),
    "a proxy's method": (501, b"CONNECT a:443 HTTP/1.1\r\n" + HOST + END),
    "a space in the address": (400, b"GET /a b HTTP/1.1\r\n" + HOST + END),
    "an address that is none": (400, b"GET iris HTTP/1.1\r\n" + HOST + END),
    "a whole address that is none": (400, b"GET http://[/ HTTP/1.1\r\n" + HOST + END),
    "bytes above ASCII in the address": (400, "GET /ü HTTP/1.1\r\n".encode() + HOST + END),
    "no host": (400, b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "lines that end with LF": (400, b"GET / HTTP/1.1\nHost: a\n\n"),
    "one line that ends with LF": (400, b"GET / HTTP/1.1\r\nHost: a\n\r\n"),
    "a CR within a value": (400, b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
    "a zero byte in a value": (400, b"GET / HTTP/1.1\r\nHost: a\x00\r\n\r\n"),
    "a folded value": (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"),
    "a space before the colon": (400, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    "a space before the first field": (400, b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    "a field without a name": (400, b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
    "a field without a colon": (400, b"GET / HTTP/1.1\r\nHost: a\r\nhello\r\n\r\n"),
    "a length beside a coding": (400, PREDICT + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a coding beside a length": (400, PREDICT + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    "two lengths": (400, PREDICT + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
    "the same length twice": (400, PREDICT + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
    "a list of lengths": (400, PREDICT + b"Content-Length: 2, 2\r\n\r\n{}"),
    "a length with a sign": (400, PREDICT + b"Content-Length: +2\r\n\r\n{}"),
    "a length below zero": (400, PREDICT + b"Content-Length: -2\r\n\r\n{}"),
    "no length": (400, PREDICT + b"Content-Length: \r\n\r\n{}"),
    "a length of 24 digits": (400, PREDICT + b"Content-Length: 999999999999999999999999\r\n\r\n{}"),
    "a length above the limit": (413, PREDICT + b"Content-Length: 99999999999\r\n\r\n{}"),
    "a coding that is not known": (501, PREDICT + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "a coding that looks like chunked": (501, PREDICT + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "a coding after chunked": (400, PREDICT + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "chunked twice": (400, PREDICT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks of HTTP/1.0": (400, CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n"),
    "a chunk size that is no number": (400, CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with a prefix": (400, CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size below zero": (400, CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size of 80 bits": (400, CHUNKED + b"fffffffffffffffffffff\r\n{}"),
    "chunks that end with LF": (400, CHUNKED + b"2\n{}\n0\n\n"),
    "a chunk that is longer than its size": (400, CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n"),
    "an address that is too long": (414, b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\n" + HOST + END),
    "an address without an end": (414, b"GET /" + b"a" * 100_000),
    "a value that is too long": (431, b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 5_000 + b"\r\n\r\n"),
    "a value without an end": (431, b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100_000),
    "a name without an end": (431, b"GET / HTTP/1.1\r\n" + HOST + b"a" * 100_000),
    "too many fields": (431, b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X%d: b\r\n" % n for n in range(40)) + END),
    "a trailer that is too long": (431, CHUNKED + b"2\r\n{}\r\n0\r\nX: " + b"a" * 5_000 + b"\r\n\r\n"),
    "a trailer without an end": (431, CHUNKED + b"2\r\n{}\r\n0\r\nX: " + b"a" * 300_000),
    "a body in a coding": (415, PREDICT + b"Content-Encoding: gzip\r\nContent-Length: 2000\r\n\r\n"),
    "half a header": (408, b"GET / HTTP/1.1\r\nHo"),
    "half a header after nothing but ends of lines": (408, b"\r\n" * 50),
    "nothing": (408, b""),
    "half a body": (408, PREDICT + b"Content-Length: 100\r\n\r\n{"),
    "half a body in chunks": (408, CHUNKED + b"2\r\n{}\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_answered_gets_a_problem_and_the_connection_ends(quick: httpx.Client, name: str) -> None:
    status, sent = REFUSED[name]
    [answer] = tell(quick, sent)
    assert answer.status == status
    assert answer.problem["detail"]
    assert answer.headers["connection"] == "close"
    with wire(quick) as made:
        made.sendall(WHOLE)
        assert (other := Reader(made).next()) is not None
        assert other.status == 200


def test_an_unfinished_request_that_ends_is_no_answer_to_anybody(quick: httpx.Client) -> None:
    for sent in (b"", b"GET / HT", PREDICT + b"Content-Length: 100\r\n\r\n{"):
        with wire(quick) as made:
            made.sendall(sent)
            made.shutdown(socket.SHUT_WR)
            assert Reader(made).rest() == []


TAKEN = {
    "a whole address": (200, LIVE.replace(b"GET /", b"GET http://other:1/")),
    "a whole address without a path": (200, b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
    "all of the server": (404, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "HTTP/1.0 without a host": (200, b"GET /health/live HTTP/1.0\r\n\r\n"),
    "ends of lines before the request": (200, b"\r\n\r\n" + LIVE),
    "a method of WebDAV": (405, LIVE.replace(b"GET", b"PROPFIND")),
    "a path above the root": (404, LIVE.replace(b"/health/live", b"/../../etc/passwd")),
    "escapes that are none": (404, LIVE.replace(b"/health/live", b"/%zz%ff%00")),
    "bytes above ASCII in a value": (200, LIVE[:-2] + b"X-Name: \xff\xfe\r\n\r\n"),
    "a wish for websockets": (200, LIVE[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"),
    "a wish for HTTP/2": (200, LIVE[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n\r\n"),
    "a wish for HTTP/2 with a body": (200, WHOLE.replace(HOST, HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n")),
    "a body that nobody asked for": (200, LIVE[:-2] + b"Content-Length: 5\r\n\r\nhello"),
    "chunks with extensions and trailers": (
        200,
        CHUNKED + b"%x;a=b\r\n%s\r\n0\r\nContent-Type: text/html\r\nHost: b\r\n\r\n" % (len(RECORD), RECORD),
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_unusual_and_allowed_is_answered_once(quick: httpx.Client, name: str) -> None:
    status, sent = TAKEN[name]
    assert [answer.status for answer in tell(quick, sent)] == [status]


def test_a_request_byte_by_byte_is_read_as_one(quick: httpx.Client) -> None:
    pieces = [WHOLE[place : place + 1] for place in range(len(WHOLE))]
    assert [answer.status for answer in tell(quick, *pieces)] == [200]


def test_pipelined_requests_are_answered_in_order(quick: httpx.Client) -> None:
    records = [{"SepalLengthCm": 5.1, "PetalLengthCm": 1.0}, {"SepalLengthCm": 5.1, "PetalLengthCm": 6.0}] * 3
    bodies = [json.dumps(record).encode() for record in records]
    sent = b"".join(PREDICT + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies)
    answers = tell(quick, sent)
    alone = [quick.post("/iris/predict", json=record).json()["predictions"][0]["label"] for record in records]
    assert [json.loads(answer.body)["predictions"][0]["label"] for answer in answers] == alone
    assert len(set(alone)) == 2


def test_what_can_not_be_read_is_answered_after_the_requests_before_it(quick: httpx.Client) -> None:
    assert [answer.status for answer in tell(quick, WHOLE + LIVE + b"HELLO\r\n\r\n" + LIVE)] == [200, 200, 400]
    assert [answer.status for answer in tell(quick, WHOLE + CHUNKED + b"zz\r\n" + LIVE)] == [200, 400]


def test_requests_beyond_those_that_may_wait_are_left_and_the_client_is_told_by_the_end(quick: httpx.Client) -> None:
    answers = tell(quick, WHOLE * 200)
    assert [answer.status for answer in answers] == [200] * (protocol.PIPELINED + 1)
    assert ["connection" in answer.headers for answer in answers] == [False] * protocol.PIPELINED + [True]


def test_what_follows_a_body_is_no_header(quick: httpx.Client) -> None:
    body = b"%x\r\n%s\r\n0\r\n" % (len(RECORD), RECORD)
    bare = CHUNKED.replace(b"Content-Type: application/json\r\n", b"")
    [answer] = tell(quick, bare + body + b"Content-Type: application/json\r\n\r\n")
    assert answer.status == 415


def test_a_client_that_asks_first_sends_no_body_that_is_too_large(quick: httpx.Client) -> None:
    [answer] = tell(quick, PREDICT + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
    assert answer.status == 413


def test_a_client_that_asks_first_is_told_to_go_on(quick: httpx.Client) -> None:
    with wire(quick) as made:
        made.sendall(PREDICT + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(RECORD))
        reader = Reader(made)
        first = reader.next()
        assert first is not None
        assert first.status == 100
        made.sendall(RECORD)
        second = reader.next()
        assert second is not None
        assert second.status == 200


def test_an_answer_before_the_end_of_the_body_reaches_a_client_that_goes_on_sending(quick: httpx.Client) -> None:
    [answer] = tell(quick, PREDICT + b"Content-Length: 3000000\r\n\r\n", *[b" " * 100_000] * 30)
    assert answer.status == 413


def trickle(made: socket.socket, first: bytes, piece: bytes) -> list[int]:
    """Send *piece* again and again until the service ends the connection; gives the statuses of its answers."""
    over = threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            made.sendall(first)
            while not over.wait(0.02):
                made.sendall(piece)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        return [answer.status for answer in Reader(made).rest()]
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    ("first", "piece", "statuses"),
    [
        (b"GET / HTTP/1.1\r\n", b"X", [408]),
        (b"\r\n", b"\r\n", [408]),
        (LIVE, b"\r\n", [200, 408]),
        (PREDICT + b"Content-Length: 1000\r\n\r\n", b" ", [408]),
        (CHUNKED, b"1\r\n \r\n", [408]),
        (CHUNKED + b"1", b";a=b", [408]),
        (CHUNKED + b"0\r\nX: ", b"b", [408]),
        (b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", b" ", [405]),
    ],
    ids=["header", "ends of lines", "ends of lines after a request", "body", "chunks", "extension", "trailers", "unread body"],
)
def test_a_trickle_does_not_extend_the_time(quick: httpx.Client, first: bytes, piece: bytes, statuses: list[int]) -> None:
    with wire(quick) as made:
        assert trickle(made, first, piece) == statuses


def test_an_idle_connection_ends_without_a_word(quick: httpx.Client) -> None:
    assert [answer.status for answer in tell(quick, LIVE)] == [200]


def test_a_client_that_does_not_read_is_cut(quick: httpx.Client, app: FastAPI) -> None:
    records = json.dumps({"records": [json.loads(RECORD)] * 10_000}).encode()
    refused = app.state.connections.refused
    with wire(quick, receive_buffer=4096) as made:
        made.sendall((PREDICT + b"Content-Length: %d\r\n\r\n" % len(records) + records) * 6)
        before = refused["unread"]
        until(lambda: refused["unread"] > before)
        with pytest.raises(ConnectionError):
            Reader(made).rest()


def test_bodies_that_are_too_much_together_are_refused_and_small_ones_are_not(releases: Releases) -> None:
    large = PREDICT + b"Content-Length: 300000\r\n\r\n" + b" " * 200_000
    app = create_app(releases)
    with serving(app, limits=Limits(bodies=500_000, idle_seconds=0.5)) as client, contextlib.ExitStack() as stack:
        first, second, third = (stack.enter_context(wire(client)) for _ in range(3))
        first.sendall(large)
        second.sendall(large)
        until(lambda: app.state.connections.held == 400_000)
        third.sendall(large)
        [answer] = Reader(third).rest()
        assert answer.status == 503
        assert answer.headers["retry-after"]
        assert [answer.status for answer in tell(client, WHOLE[:-1], b"}")] == [200]
        first.close()
        second.close()
        until(lambda: app.state.connections.held == 0)


def test_connections_beyond_the_limit_are_refused_and_idle_ones_give_way(releases: Releases) -> None:
    with (
        serving(create_app(releases), limits=Limits(connections=5)) as client,
        contextlib.ExitStack() as stack,
    ):
        client.close()
        idle = stack.enter_context(wire(client))
        idle.sendall(LIVE)
        assert (answer := Reader(idle).next()) is not None
        assert answer.status == 200
        for _ in range(4):
            stack.enter_context(wire(client)).sendall(b"GET")
        last = stack.enter_context(wire(client))
        last.sendall(LIVE)
        assert (answer := Reader(last).next()) is not None
        assert answer.status == 200
        assert Reader(idle).rest() == []
        last.sendall(b"GET")
        [refused] = tell(client, LIVE)
        assert refused.status == 503
        assert refused.headers["retry-after"]
        assert refused.problem["detail"].startswith("The service has as many connections")


def test_slow_clients_do_not_keep_others_from_their_answers(releases: Releases) -> None:
    app = create_app(releases)
    with serving(app, limits=Limits(header_seconds=1.0)) as client, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(wire(client)) for _ in range(200)]
        for made in slow:
            made.sendall(b"GET / HTTP/1.1\r\n")
        until(lambda: len(app.state.connections.open) > 200)
        for made in slow:
            made.sendall(b"X: ")
            assert client.post("/iris/predict", json=json.loads(RECORD)).status_code == 200
        assert {answer.status for made in slow for answer in Reader(made).rest()} == {408}
        until(lambda: len(app.state.connections.open) == 1)


def test_a_header_that_comes_in_pieces_is_counted_as_a_whole(quick: httpx.Client) -> None:
    with wire(quick) as made:
        made.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 3_900 + b"\r\nB: 1\r\n")
        made.sendall(b"C: " + b"y" * 3_900 + b"\r\n\r\n")
        assert [answer.status for answer in Reader(made).rest()] == [431]


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ('Application/JSON ; Charset="UTF-8"; a=b', 200),
        ("application/json; charset=latin-1", 415),
        ("application/json; x=" + ";" * 3_000, 415),
        ("text/json", 415),
        ("", 415),
    ],
)
def test_the_type_of_a_body_is_read_as_it_is_written(quick: httpx.Client, written: str, status: int) -> None:
    assert quick.post("/iris/predict", content=RECORD, headers={"Content-Type": written}).status_code == status


def test_who_asks_from_this_machine_does_not_choose_what_is_said_of_the_client(releases: Releases) -> None:
    app = create_app(releases)
    seen: list[tuple[str, str]] = []

    @app.middleware("http")
    async def look(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        assert request.client is not None
        seen.append((request.client.host, request.url.scheme))
        return await go_on(request)

    with serving(app) as client:
        client.get("/health/live", headers={"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "https"})
    assert set(seen) == {("127.0.0.1", "http")}
