"""uvicorn's server, which on a signal finishes what was begun within a set time, and ends in any case."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.server import HANDLED_SIGNALS

from shipway.serving.connections import SWEEP_SECONDS, Connections
from shipway.serving.tls import Renewal
from shipway.serving.wire import LINGER_SECONDS

TICK_SECONDS = 0.1
"""Of uvicorn's main loop."""

TOGETHER_SECONDS = 0.5
"""In which two signals are one: a supervisor's to all processes of a service, and that of the process which keeps the others."""

FAREWELL_SECONDS = 0.2
"""For the last answers to leave, before what is left is cut."""

ENDING_SECONDS = 0.5
"""For the process to end after the application has."""

log = logging.getLogger("shipway.serving")


class Server(uvicorn.Server):
    """Serves until a signal, then drains; a second signal ends the waiting, and a third one the process.

    Args:
        connections: Of the protocol that *config* names.
        seconds: From the first signal to the end of the process.
        kept: Of these, for what the application does when it stops: predictions that were answered are written down.
        renewal: Of the certificate, where there is one.
    """

    def __init__(
        self, config: uvicorn.Config, connections: Connections, *, seconds: float, kept: float, renewal: Renewal | None = None
    ) -> None:
        super().__init__(config)
        self._all, self._seconds, self._kept, self.renewal = connections, seconds, kept, renewal
        self._told = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's for sockets that are given, with times for both ends of TLS, which it leaves at a minute."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        loop, config = asyncio.get_running_loop(), self.config
        times: dict[str, Any] = {}
        if config.ssl is not None:
            times = {"ssl_handshake_timeout": self._all.limits.header_seconds, "ssl_shutdown_timeout": LINGER_SECONDS}

        def protocol() -> asyncio.Protocol:
            return self._all.protocol(config, self.server_state, self.lifespan.state, loop)

        self.servers = [
            await loop.create_server(protocol, sock=one, ssl=config.ssl, backlog=config.backlog, **times) for one in sockets or []
        ]
        self.started = True

    async def on_tick(self, counter: int) -> bool:
        if counter % round(SWEEP_SECONDS / TICK_SECONDS) == 0:
            self._all.sweep()
            if self.renewal is not None:
                self.renewal.look()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            self._told = time.monotonic()
            super().handle_exit(sig, frame)
        elif time.monotonic() > self._told + TOGETHER_SECONDS:
            self.force_exit = True
            for one in HANDLED_SIGNALS:
                signal.signal(one, signal.SIG_DFL)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, finish requests, cut what is left, and let the application end."""
        began = time.monotonic()
        last = threading.Timer(self._seconds, _give_up)
        last.daemon = True
        if self._captured_signals:  # else a program ends the server and goes on
            last.start()
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        self._all.drain()
        log.info("the service stops; %d requests are under way", self._all.busy)
        until = began + max(self._seconds - self._kept - FAREWELL_SECONDS - ENDING_SECONDS, 0)
        while (self._all.open or self.server_state.tasks) and time.monotonic() < until and not self.force_exit:
            await asyncio.sleep(TICK_SECONDS / 2)
            self._all.sweep()
        await self._cut(time.monotonic() - began)
        await self.lifespan.shutdown()
        last.cancel()

    async def _cut(self, passed: float) -> None:
        if busy := self._all.busy:
            log.warning("%d requests were cut, as they did not end within %.1f s", busy, passed)
        self._all.cut()
        for task in self.server_state.tasks:
            task.cancel()
        end = time.monotonic() + FAREWELL_SECONDS
        while (self._all.open or self.server_state.tasks) and time.monotonic() < end:
            await asyncio.sleep(TICK_SECONDS / 10)
        for connection in list(self._all.open):
            connection.wire.abort()


def _give_up() -> None:
    """End the process, whatever still runs: scoring can't be cancelled, and no operator waits longer than was said."""
    log.error("the service did not stop in time; what was still to be done is left")
    logging.shutdown()
    os._exit(0)
