"""Figures for Prometheus, of all workers together.

Imported only when the service is put together: prometheus_client looks at its environment once, when it is first imported.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter as Counts
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, exposition, multiprocess

from shipway.core.lineup import CHAMPION, FOLLOWED
from shipway.serving.outcomes import Outcome
from shipway.serving.service import Service
from shipway.serving.sharing import SHARED, alive

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latencies that are counted: a single record takes some milliseconds, a full batch seconds."""

RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)

OPENMETRICS = "application/openmetrics-text"
MODEL = ("project", "version")


disable_created_metrics()  # type: ignore[no-untyped-call]  # twice as many series, for times that figures of several workers do not have


class Metrics:
    """Counts each outcome, and tells how the service is whenever `look` is called."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._folder = Path(os.environ[SHARED]) if SHARED in os.environ else None
        self._registry = registry = CollectorRegistry()

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"shipway_{name}", words, labels, registry=registry)

        def gauge(name: str, words: str, *labels: str, of_workers: str = "livesum") -> Gauge:
            return Gauge(f"shipway_{name}", words, labels, registry=registry, multiprocess_mode=of_workers)  # type: ignore[arg-type]

        self.requests = counter(
            "requests", "Requests, by the status of their answer; 499 is a client that left.", *MODEL, "status"
        )
        self.errors = counter("errors", "Requests without an answer, by why.", *MODEL, "reason")
        self.seconds = Histogram(
            "shipway_request_seconds",
            "From a request's headers to the end of its answer.",
            MODEL,
            buckets=SECONDS,
            registry=registry,
        )
        self.records = Histogram(
            "shipway_request_records", "Records of an answered request.", MODEL, buckets=RECORDS, registry=registry
        )
        self.predictions = counter("predictions", "Predictions that were answered, by label.", *MODEL, "label")
        self.levels = counter("unseen_levels", "Values that training saw none of, by column.", *MODEL, "column")
        self.ranges = counter("far_values", "Values far from the range that training saw, by column.", *MODEL, "column")
        self.live = gauge("model_live", "Workers in which this version answers, and as what.", *MODEL, "alias")
        self.problems = gauge(
            "follow_problems", "Why what answers is not what the registry says.", "project", of_workers="livemax"
        )
        self.failures = counter(
            "swap_failures", "Versions that could not be brought to answer, each time they were tried.", *MODEL
        )
        self.shadow = counter(
            "shadow_records", "What became of records that a version in the shadow got a copy of.", *MODEL, "result"
        )
        self.refused = counter("refused", "Requests and connections that ended before they were read, by why.", "reason")
        self.queue = gauge("queue", "Requests that wait to be scored.", "project")
        self.lag = gauge("journal_lag_seconds", "How long the oldest prediction has waited for its commit.", of_workers="livemax")
        self.waiting = gauge("journal_waiting", "Predictions that are not committed yet.")
        self.lost = counter("journal_lost", "Predictions that were answered and not kept.")
        self.dropped = counter("log_dropped", "Lines of the access log that nobody read in time.")
        self._seen: Counts[object] = Counts()
        self._told: set[tuple[str, str, str]] = set()

    def __call__(self, outcome: Outcome) -> None:
        if outcome.probe or outcome.path == "/metrics":
            return
        model = outcome.project or "", outcome.version or ""
        self.requests.labels(*model, outcome.status).inc()
        if outcome.reason is not None:
            self.errors.labels(*model, outcome.reason).inc()
        if outcome.project is None:
            return
        self.seconds.labels(*model).observe(outcome.seconds)
        if outcome.reason is None and outcome.records:
            self.records.labels(*model).observe(outcome.records)
            for label, count in outcome.labels.items():
                self.predictions.labels(*model, label).inc(count)
            for (rule, column), count in outcome.remarks.items():
                (self.levels if rule == "level" else self.ranges).labels(*model, column).inc(count)

    def look(self, refused: Mapping[str, int], dropped: int) -> None:
        """Tell how this worker is at the moment: its models, queue and journal, and what was counted elsewhere.

        Args:
            refused: Why requests and connections ended before they were read, and how many.
            dropped: Lines of the access log that were not written.
        """
        models, writer = self._service.models, self._service.writer
        now = set()
        for name, champion in models.items():
            now.add((name, champion.release.version, CHAMPION))
            beside = {alias: models.led(name, alias) for alias in FOLLOWED if alias != CHAMPION}
            now |= {(name, live.release.version, alias) for alias, live in beside.items() if live is not None}
            self.problems.labels(name).set(len(models.problems.get(name, [])))
        for answering in now | self._told:
            self.live.labels(*answering).set(answering in now)
        self._told = now
        for version_of, count in list(models.failures.items()):
            self._raise(self.failures.labels(*version_of), version_of, count)
        for reason, count in dict(refused).items():
            self._raise(self.refused.labels(reason), ("refused", reason), count)
        self._raise(self.dropped, "dropped", dropped)
        for name, waiting in self._service.turns.waiting().items():
            self.queue.labels(name).set(waiting)
        if self._service.shadowing is not None:
            for (name, version, what), count in self._service.shadowing.counts().items():
                self._raise(self.shadow.labels(name, version, what), ("shadow", name, version, what), count)
        if writer is not None:
            state = writer.state()
            self.lag.set(state.lag)
            self.waiting.set(state.waiting)
            self._raise(self.lost, "lost", state.lost)

    def _raise(self, counter: Counter, what: object, count: int) -> None:
        """Bring *counter* to what has been counted elsewhere."""
        counter.inc(count - self._seen[what])
        self._seen[what] = count

    def page(self, accept: str) -> tuple[bytes, str]:
        """What all workers counted, and its media type: as OpenMetrics where that is asked for."""
        registry = self._registry
        if self._folder is not None:
            for file in self._folder.glob("gauge_live*_*.db"):
                if not alive(number := int(file.stem.rpartition("_")[2])):
                    multiprocess.mark_process_dead(number, str(self._folder))  # type: ignore[no-untyped-call]
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        asked = OPENMETRICS if OPENMETRICS in accept else "text/plain"  # not as the caller wrote it, which may be no version
        encode, media_type = exposition.choose_encoder(asked)
        return encode(registry), media_type


def add(app: FastAPI, metrics: Metrics) -> None:
    """Add the route to *app*."""

    @app.get("/metrics", summary="Figures for Prometheus", response_class=Response, tags=["service"])
    async def figures(request: Request) -> Response:
        """Counts of all workers since the service was started, in the text format of Prometheus or as OpenMetrics."""
        accept = request.headers.get("accept", "")
        content, media_type = await asyncio.get_running_loop().run_in_executor(None, metrics.page, accept)
        return Response(content, headers={"Content-Type": media_type, "Vary": "Accept"})
