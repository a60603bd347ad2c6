"""Bytes sent to a service, and what came back: for what no HTTP client would send."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

PATIENCE = 30.0
RECORD = b'{"SepalLengthCm": 5.1, "PetalLengthCm": 1.4}'
PREDICT = b"POST /iris/predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
WHOLE = PREDICT + b"Content-Length: %d\r\n\r\n" % len(RECORD) + RECORD
LIVE = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The answer as a problem, which it must be."""
        assert self.headers["content-type"] == "application/problem+json", self
        told: dict[str, Any] = json.loads(self.body)
        assert told["status"] == self.status
        assert {"type", "title", "detail"} <= told.keys()
        return told


class Reader:
    """Reads answers from a socket, in order."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire, self.file = wire, wire.makefile("rb")

    def next(self) -> Answer | None:
        """The next answer; None where the connection has ended in order. Raises ConnectionError where it was cut."""
        line = self.file.readline()
        if not line:
            return None
        assert line.startswith(b"HTTP/1.1 "), line
        headers: dict[str, str] = {}
        while (field := self.file.readline()) != b"\r\n":
            if not field.endswith(b"\n"):
                raise ConnectionError("the answer is cut")
            name, _, value = field.decode("latin-1").rstrip().partition(": ")
            headers[name.lower()] = value
        size = int(headers.get("content-length", 0))
        body = self.file.read(size)
        if len(body) < size:
            raise ConnectionError("the answer is cut")
        return Answer(int(line.split()[1]), headers, body)

    def rest(self) -> list[Answer]:
        """All answers up to the end of the connection."""
        answers = []
        while (answer := self.next()) is not None:
            answers.append(answer)
        return answers


@contextlib.contextmanager
def wire(client: httpx.Client, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """A connection to the service that *client* asks."""
    with socket.socket() as made:
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.settimeout(PATIENCE)
        made.connect((client.base_url.host, client.base_url.port))
        yield made


def tell(client: httpx.Client, *pieces: bytes) -> list[Answer]:
    """Send *pieces* on one connection, and give all answers up to its end, which the service makes."""
    with wire(client) as made:
        for piece in pieces:
            made.sendall(piece)
        return Reader(made).rest()
