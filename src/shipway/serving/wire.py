"""The sending side of a connection: refusals in bytes, a close that lets the client read them, clients that do not read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from shipway.serving import problems
from shipway.serving.problems import Problem

LINGER_SECONDS = 2.0
"""For which a connection whose request was not read to its end is read on after the answer, and what comes is dropped. A socket
that is closed with bytes unread sends a reset, which takes the answer from the client (RFC 9112, section 9.6)."""


def refusal(problem: Problem) -> bytes:
    """A whole answer that says *problem* and ends the connection, for what never reaches the application."""
    response = problems.respond(problem.status, problem.detail, headers={**(problem.headers or {}), "Connection": "close"})
    lines = [b"%s: %s\r\n" % (name, value) for name, value in response.raw_headers]
    return b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", bytes(response.body)])


class Wire:
    """A transport that closes in a way that suits what was read, and knows how far its client is behind with reading.

    Everything not said here is the transport's own.

    Args:
        unread: Whether more of a request may come than was read.
        lingers: Called when the close begins to wait for the client's.
    """

    def __init__(self, transport: asyncio.Transport, unread: Callable[[], bool], lingers: Callable[[], None]) -> None:
        self._transport, self._unread, self._lingers = transport, unread, lingers
        self._closing = False
        self._written = 0
        self._behind: tuple[float, int] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._closing:
            self._written += len(data)
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Close once all is sent: at once, or, where the client may still be sending, after `LINGER_SECONDS` of listening."""
        if self.is_closing():
            return
        self._closing = True
        if not self._unread():
            self._transport.close()
            return
        if self._transport.can_write_eof():  # TLS can't close one side only
            self._transport.write_eof()
        self._lingers()

    def end(self) -> None:
        """Close without listening any longer."""
        self._closing = True
        self._transport.close()

    def stalled(self, now: float, grace: float, rate: float) -> bool:
        """Whether the client takes fewer than *rate* bytes a second since it began to be behind, after *grace* seconds."""
        waiting = self._transport.get_write_buffer_size()
        if not waiting:
            self._behind = None
            return False
        sent = self._written - waiting
        if self._behind is None:
            self._behind = now, sent
        since, before = self._behind
        return now - since > grace + (sent - before) / rate
