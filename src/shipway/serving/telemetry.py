"""What a worker tells of itself: the access log, the metrics and the page of recent traffic."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from shipway.serving import metrics
from shipway.serving.access_log import AccessLog
from shipway.serving.metrics import Metrics
from shipway.serving.service import Service
from shipway.serving.telling import Listener, Telling

if TYPE_CHECKING:
    from fastapi import FastAPI

SECONDS = 2.0
"""Between two looks at what changes without a request, and between two times that other workers are told of the traffic."""

log = logging.getLogger("shipway.serving")


class Telemetry:
    """Listens to the outcome of each request of an application.

    Args:
        access: None writes no access log.
    """

    def __init__(self, service: Service, access: AccessLog | None = None) -> None:
        self.metrics, self.traffic, self._access = Metrics(service), service.traffic, access
        self._over = threading.Event()

    def add(self, app: FastAPI) -> None:
        """Add the route of the metrics to *app*, and listen to all of its requests."""
        self._state = app.state
        metrics.add(app, self.metrics)
        listeners: list[Listener] = [self.metrics, self.traffic]
        listeners += [] if self._access is None else [self._access]
        build = app.build_middleware_stack
        # Outside of all that FastAPI adds, so that also the answer to a bug is counted, and carries the request's id.
        app.build_middleware_stack = lambda: Telling(build(), listeners)  # type: ignore[method-assign]

    def start(self) -> None:
        if self._access is not None:
            self._access.start()
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        if self._access is not None:
            self._access.stop()

    def _run(self) -> None:
        while True:
            over = self._over.wait(SECONDS)
            try:
                connections = getattr(self._state, "connections", None)  # which the server makes
                refused = {} if connections is None else connections.refused
                self.metrics.look(refused, 0 if self._access is None else self._access.dropped)
                self.traffic.write()
            except Exception:
                log.exception("figures of this worker could not be told")
            if over:
                return
