"""Recent traffic: what the last hour's requests were, minute by minute."""

from __future__ import annotations

import bisect
import threading
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from shipway.serving.outcomes import Outcome

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the counts of latency, in seconds; one more count is of what took longer."""

MINUTES = 60


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """One minute's requests to a project.

    Attributes:
        start: Seconds since 1970, a multiple of 60.
        errors: Requests that got no answer, by reason.
        labels: Predictions given of each label, by its text.
        latency: Requests by the first of `BUCKETS` that they did not exceed, and one more for those beyond.
    """

    start: int
    requests: int
    errors: dict[str, int]
    records: int
    labels: dict[str, int]
    latency: list[int]


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """The last hour's minutes in which there were requests, oldest first."""

    minutes: list[Minute]


class Traffic:
    """Counts of this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minutes: defaultdict[str, dict[int, Minute]] = defaultdict(dict)

    def count(self, outcome: Outcome, seconds: float) -> None:
        """Count a request that took so long."""
        if outcome.project is None:
            return
        start = int(time.time()) // 60 * 60
        with self._lock:
            kept = self._minutes[outcome.project]
            before = kept.get(start) or Minute(
                start=start, requests=0, errors={}, records=0, labels={}, latency=[0] * (len(BUCKETS) + 1)
            )
            latency = before.latency.copy()
            latency[bisect.bisect_left(BUCKETS, seconds)] += 1
            kept[start] = Minute(
                start=start,
                requests=before.requests + 1,
                errors=dict(Counter(before.errors) + Counter([outcome.reason] if outcome.reason else [])),
                records=before.records + outcome.records,
                labels=dict(Counter(before.labels) + outcome.labels),
                latency=latency,
            )
            for old in [one for one in kept if one < start - MINUTES * 60]:
                del kept[old]

    def recent(self, project: str) -> Recent:
        """What the last hour's requests to *project* were."""
        since = int(time.time()) - MINUTES * 60
        with self._lock:
            return Recent(minutes=[one for start, one in sorted(self._minutes.get(project, {}).items()) if start >= since])


class Counting:
    """Counts the requests of an application."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self.app, self.traffic = app, traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        outcome = scope.setdefault("state", {})["outcome"] = Outcome()
        began = time.perf_counter()
        try:
            await self.app(scope, receive, send)
        finally:
            self.traffic.count(outcome, time.perf_counter() - began)
