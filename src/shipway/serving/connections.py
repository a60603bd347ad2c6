"""The open connections of a worker: how many there may be, how long each may take, and how they end when the service does.

llhttp, which reads the requests, is strict about their form and knows no limits; uvicorn adds none but that of idle connections.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shipway.serving.protocol import Connection, Stage

if TYPE_CHECKING:
    import asyncio

    from uvicorn.config import Config
    from uvicorn.server import ServerState

SWEEP_SECONDS = 0.2
"""Between two looks at all connections, and so how exact the times below are. One look at 1,000 takes about a millisecond."""

OVERFLOW = 100
"""Connections above the limit that are told so; those above these are dropped without a word."""


@dataclass(frozen=True)
class Limits:
    """What one worker takes from its clients.

    Attributes:
        connections: Open at one time.
        header_seconds: From the opening of a connection, or the first byte of a further request, to the end of the header; and
            for the handshake of TLS.
        header_bytes, headers: Of the request line and the header fields together, and how many fields; trailers count, too.
        body_seconds: For the body, to which each `rate` bytes that came add one.
        idle_seconds: Without a request, on a connection that had one.
        send_seconds: For the client to read the answer, to which each `rate` bytes that it took add one.
        rate: Bytes a second that a client must send or take in the long run. 64 kbit/s, as a slow mobile network has.
        bodies: Bytes of bodies under way, of all connections together.
    """

    connections: int = 1_000
    header_seconds: float = 10.0
    header_bytes: int = 32 * 1024
    headers: int = 100
    body_seconds: float = 30.0
    idle_seconds: float = 5.0
    send_seconds: float = 30.0
    rate: int = 8 * 1024
    bodies: int = 256 * 2**20


@dataclass(eq=False)
class Connections:
    """The open connections of one worker.

    Attributes:
        refused: How many requests and connections never reached the application, by one word for why.
        held: Bytes of bodies under way.
        draining: Since when, by the monotonic clock; None while requests are taken.
    """

    limits: Limits = field(default_factory=Limits)
    open: set[Connection] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    held: int = 0
    draining: float | None = None
    _swept: float = field(default_factory=time.monotonic)

    def protocol(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
    ) -> Connection:
        """What uvicorn calls for each connection."""
        return Connection(self, config, server_state, app_state, _loop)

    def sweep(self) -> None:
        """End what has taken too long."""
        now = time.monotonic()
        passed, self._swept = now - self._swept, now
        for connection in list(self.open):
            connection.look(now, passed)

    def make_room(self) -> bool:
        """Whether there is room for another connection; the one that has been idle for longest gives way."""
        if len(self.open) < self.limits.connections:
            return True
        idle = [one for one in self.open if one.stage is Stage.IDLE]
        if idle:
            min(idle, key=lambda one: one.due).end()
        return bool(idle)

    @property
    def crowded(self) -> bool:
        """Whether so many are above the limit that there is no time to tell them so."""
        return len(self.open) > self.limits.connections + OVERFLOW

    def drain(self) -> None:
        """From now on let each connection end with the request that is under way on it."""
        self.draining = time.monotonic()

    @property
    def busy(self) -> int:
        """Connections with a request that was begun and has no whole answer yet."""
        return sum(connection.busy for connection in self.open)

    def cut(self) -> None:
        """End all connections; where no answer has begun, one says that the service stops."""
        for connection in list(self.open):
            connection.cut()
