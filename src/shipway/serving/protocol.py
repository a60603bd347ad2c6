"""One connection of a client: uvicorn's HTTP protocol, with limits, and refusals as problems."""

from __future__ import annotations

import asyncio
import enum
import time
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shipway.serving import headers
from shipway.serving.problems import RETRY_SECONDS, Problem
from shipway.serving.wire import LINGER_SECONDS, Wire, refusal

if TYPE_CHECKING:
    from shipway.serving.connections import Connections, Limits

PIPELINED = 16
"""Requests of one connection that wait for the answer to another; after these the connection ends, and the client asks again."""

SMALL = 64 * 1024
"""Bytes of a body below which a request is not refused for what other requests hold."""

LAST_SECONDS = 1.0
"""For which idle connections stay open after the service is told to stop: what comes on them in that time is answered, and busy
clients learn by `Connection: close` to go elsewhere, rather than by a connection that ends as they write."""


class Stage(enum.Enum):
    """What a connection waits for."""

    OPENED = enum.auto()
    """The first byte."""
    HEADER = enum.auto()
    BODY = enum.auto()
    ANSWER = enum.auto()
    """The answer of the application: the request is whole."""
    IDLE = enum.auto()
    """The next request."""
    DEAF = enum.auto()
    """Answers; what else the client sends plays no part any more."""
    CLOSING = enum.auto()
    """The client's end of the connection."""


class Connection(HttpToolsProtocol):
    """One connection of a client.

    A request whose header can't be taken is refused here. What is wrong with a body is raised as a Problem where the application
    reads it, so that it is answered, counted and logged as any other.

    Attributes:
        due: When the patience with the client ends, by the monotonic clock.
    """

    wire: Wire

    def __init__(self, all_of_them: Connections, *given: Any) -> None:
        super().__init__(*given)
        self.all, self.limits = all_of_them, all_of_them.limits
        self.stage, self.due = Stage.OPENED, 0.0
        self._bytes = self._unfinished = self._messages = self._body = self._held = 0
        self._wrong: Problem | None = None
        self._refusal: Problem | None = None
        self._failed: Problem | None = None
        self._upgrading = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.wire = Wire(transport, lambda: self.stage not in (Stage.ANSWER, Stage.IDLE), self._linger)
        room = self.all.make_room()
        super().connection_made(cast("asyncio.Transport", self.wire))
        self.all.open.add(self)
        self._wait(Stage.OPENED, self.limits.header_seconds)
        if room:
            return
        self.all.refused["connections"] += 1
        if self.all.crowded:
            transport.abort()
        else:
            self._refuse(_later("The service has as many connections as it takes; try again.", "connections"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.all.open.discard(self)
        self._release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.stage in (Stage.DEAF, Stage.CLOSING):
            return
        if self.stage is Stage.IDLE:
            self._wait(Stage.HEADER, self.limits.header_seconds)
        elif self.stage is Stage.OPENED:
            self.stage = Stage.HEADER
        before = self.stage, self._messages, self._body
        self._feed(data)
        if before == (self.stage, self._messages, self._body) and self.stage in (Stage.HEADER, Stage.BODY):
            # Nothing but a part of a header, or of what may come after a chunk or a body: the parser keeps it until it ends.
            self._unfinished += len(data)
            if self._unfinished > self.limits.header_bytes:
                self._misread(_too_large(self.limits))
        elif self.stage is Stage.BODY:
            self._unfinished = 0

    def _feed(self, data: bytes) -> None:
        self._wrong = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._misread(self._wrong or Problem(400, "The request is not well-formed HTTP/1.1."))

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it asked for no other protocol, which a server may do (RFC 9110, section 7.8).

        The parser takes what follows the header for the other protocol's, and so a body for none.
        """
        self._upgrading = False
        line = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        kept = [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._feed(b"".join([line, *kept, b"\r\n", rest]))

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINED:
            self.cycle.keep_alive = False
            self._be_deaf()
            raise ValueError("no more requests are taken")
        super().on_message_begin()
        self._bytes = self._unfinished = 0
        if self.stage is not Stage.HEADER:
            self._wait(Stage.HEADER, self.limits.header_seconds)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limits.header_bytes:
            self._raise(Problem(414, f"The address is longer than {self.limits.header_bytes:,} bytes.", reason="too_large"))

    def on_header(self, name: bytes, value: bytes) -> None:
        after_body = self.stage is not Stage.HEADER
        self._bytes += len(name) + len(value)
        if self._bytes + len(self.url) > self.limits.header_bytes:
            self._raise(_too_large(self.limits))
        if not after_body:  # what comes after a body is no header, whatever it is called (RFC 9110, section 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._upgrading = True
            return
        if len(self.headers) > self.limits.headers:
            self._raise(_too_large(self.limits))
        version = self.parser.get_http_version()
        if (wrong := headers.fault(version, self.parser.get_method(), self.headers)) is not None:
            self._raise(wrong)
        if version == "1.0":
            self.expect_100_continue = False  # RFC 9110, section 10.1.1
        self.url = headers.origin_form(self.url)
        super().on_headers_complete()
        self._body = 0
        self._wait(Stage.BODY, self.limits.body_seconds)

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if self.cycle.response_complete:
            return
        super().on_body(body)
        self._held += len(body)
        self.all.held += len(body)
        if self.all.held > self.limits.bodies and self._held > SMALL:
            self._raise(_later("The service reads as much as it can hold at the moment; try again.", "busy"))

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        super().on_message_complete()
        self._messages += 1
        if not self.wire.is_closing():
            self._wait(Stage.ANSWER, None)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._release()
        if self.wire.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._refuse(self._refusal)
        elif self.stage is Stage.ANSWER:
            self._wait(Stage.IDLE, self.limits.idle_seconds)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            async def receive_sound() -> Any:
                message = await receive()
                if self._failed is not None and cycle is self.cycle and message["type"] == "http.request":
                    raise self._failed
                return message

            async def send_last(message: Any) -> None:
                # The rest of a body that nobody reads would be taken for the next request, or held against the client for ever.
                if message["type"] == "http.response.start" and (
                    cycle.more_body or (self.all.draining is not None and cycle is self.cycle)
                ):
                    cycle.keep_alive = False
                await send(message)

            try:
                await app(scope, receive_sound, send_last)
            except asyncio.CancelledError:
                if not cycle.disconnected:
                    raise

        super()._start_asgi_task(cycle, answer)

    def look(self, now: float, passed: float) -> None:
        """End the connection where it has taken too long.

        Args:
            passed: Seconds since the last look. Times in which the application let the client wait do not count.
        """
        if self.wire.stalled(now, self.limits.send_seconds, self.limits.rate):
            self.all.refused["unread"] += 1
            self.wire.abort()
        elif self.flow.read_paused and self.stage in (Stage.HEADER, Stage.BODY):
            self.due += passed
        elif self.all.draining is not None and self.stage in (Stage.OPENED, Stage.IDLE):
            if now >= self.all.draining + LAST_SECONDS:
                self.end()
        elif now >= self.due + (self._body / self.limits.rate if self.stage is Stage.BODY else 0):
            self._lose_patience()

    def _lose_patience(self) -> None:
        if self.stage in (Stage.IDLE, Stage.CLOSING):
            self.end()
        elif self.stage in (Stage.OPENED, Stage.HEADER):
            self._misread(Problem(408, f"The header did not come within {self.limits.header_seconds:g} seconds."))
        elif self.stage is Stage.BODY:
            self._misread(
                Problem(
                    408, f"The body took longer than {self.limits.body_seconds:g} s and one for each {self.limits.rate:,} bytes."
                )
            )

    @property
    def busy(self) -> bool:
        """Whether a request was begun and has no whole answer yet."""
        return self.cycle is not None and not self.cycle.response_complete and not self.wire.is_closing()

    def end(self) -> None:
        """Close without a word, once what was written is sent."""
        self._wait(Stage.CLOSING, None)
        self.wire.end()

    def cut(self) -> None:
        """End the connection, whatever is under way on it."""
        if self.stage is Stage.CLOSING or not (self.busy or self.stage is Stage.HEADER):
            self.end()
        elif self.busy and (self.pipeline or self.cycle.response_started):
            self.wire.abort()
        else:
            problem = _later("The service stops; try again.", "draining")
            if self.busy and (outcome := self.cycle.scope.get("state", {}).get("outcome")) is not None:
                outcome.status, outcome.reason = problem.status, problem.reason
            self.wire.write(refusal(problem))
            self.end()
        if self.cycle is not None:
            for cycle in (self.cycle, *(cycle for cycle, _ in self.pipeline)):
                cycle.disconnected = True
                cycle.message_event.set()

    def _raise(self, problem: Problem) -> None:
        """Let the parser stop, as what it calls must not know what is to be done then."""
        self._wrong = problem
        raise ValueError(problem.detail)

    def _misread(self, problem: Problem) -> None:
        """Answer what can't be read any further, after the requests before it."""
        if self.stage in (Stage.DEAF, Stage.CLOSING):
            return
        if self.stage is Stage.BODY:
            self._be_deaf()
            also = {**(problem.headers or {}), "Connection": "close"}
            self._failed = Problem(problem.status, problem.detail, also, reason=problem.reason)
            self.cycle.message_event.set()
            return
        self.all.refused[problem.reason] += 1
        self._be_deaf()
        if self.cycle is None or self.cycle.response_complete:
            self._refuse(problem)
        else:
            self._refusal = problem

    def _refuse(self, problem: Problem) -> None:
        self.stage = Stage.DEAF
        self.wire.write(refusal(problem))
        self.wire.close()

    def _be_deaf(self) -> None:
        self.flow.pause_reading()
        self._wait(Stage.DEAF, None)

    def _linger(self) -> None:
        """Let the client take the answer before the connection ends."""
        self.flow.resume_reading()
        self._wait(Stage.CLOSING, LINGER_SECONDS)

    def _wait(self, stage: Stage, seconds: float | None) -> None:
        self.stage = stage
        self.due = float("inf") if seconds is None else time.monotonic() + seconds

    def _release(self) -> None:
        self.all.held -= self._held
        self._held = 0


def _too_large(limits: Limits) -> Problem:
    told = f"The header is larger than {limits.header_bytes:,} bytes, or has more than {limits.headers} fields."
    return Problem(431, told, reason="too_large")


def _later(detail: str, reason: str) -> Problem:
    return Problem(503, detail, {"Retry-After": RETRY_SECONDS}, reason=reason)
