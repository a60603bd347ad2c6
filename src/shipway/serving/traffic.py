"""Recent traffic: figures of each minute of the last hour, of all workers together, for the pages."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

import msgspec

from shipway.core import disk
from shipway.serving.outcomes import Outcome

MINUTES = 60
"""How far back it is told."""

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds of the counted latencies, in seconds; one more bucket has what took longer."""


class Minute(msgspec.Struct, kw_only=True):
    """The requests of one minute to one project.

    Attributes:
        start: Seconds since 1970, UTC.
        errors: Why requests were not answered, and how many.
        labels: How many predictions were given of each label, by its text.
        latency: Answered requests by `BUCKETS`, and those that took longer.
    """

    start: int
    requests: int = 0
    errors: dict[str, int] = {}
    records: int = 0
    labels: dict[str, int] = {}
    latency: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    def add(self, other: Minute) -> None:
        self.requests += other.requests
        self.records += other.records
        self.latency = [one + more for one, more in zip(self.latency, other.latency, strict=True)]
        for mine, theirs in ((self.errors, other.errors), (self.labels, other.labels)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count


class Recent(msgspec.Struct, kw_only=True):
    """The last hour of a project: each minute, oldest first, also those without a request."""

    minutes: list[Minute]


Minutes = dict[str, dict[int, Minute]]
"""Project -> start -> minute."""


class Traffic:
    """Counts the outcomes of this worker, and tells what all workers counted.

    Args:
        folder: Where each worker writes its figures, for the others; None where there is only one. They outlive the worker.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        # not the process alone, as its number comes again after a restart
        self._file = None if folder is None else folder / f"{os.getpid()}-{time.time_ns()}.json"
        self._mine: Minutes = {}
        self._changed = False
        self._lock = threading.Lock()

    def __call__(self, outcome: Outcome) -> None:
        if outcome.project is None:
            return
        start = int(time.time()) // 60 * 60
        with self._lock:
            minutes = self._mine.setdefault(outcome.project, {})
            if start not in minutes:
                for old in [one for one in minutes if one <= start - MINUTES * 60]:
                    del minutes[old]
            minute = minutes.setdefault(start, Minute(start=start))
            minute.requests += 1
            minute.records += outcome.records
            if outcome.reason is not None:
                minute.errors[outcome.reason] = minute.errors.get(outcome.reason, 0) + 1
            else:
                minute.latency[bisect_left(BUCKETS, outcome.seconds)] += 1
                for label, count in outcome.labels.items():
                    minute.labels[label] = minute.labels.get(label, 0) + count
            self._changed = True

    def write(self) -> None:
        """Tell the other workers, where there is something new."""
        if self._file is None:
            return
        with self._lock:
            if not self._changed:
                return
            content, self._changed = msgspec.json.encode(self._mine), False
        disk.write_file(self._file, content)

    def recent(self, project: str) -> Recent:
        """The last hour of *project*."""
        now = int(time.time()) // 60 * 60
        found = {start: Minute(start=start) for start in range(now - (MINUTES - 1) * 60, now + 60, 60)}
        with self._lock:
            mine = msgspec.convert(msgspec.to_builtins(self._mine.get(project, {})), dict[int, Minute], strict=False)
        for minutes in (mine, *(others.get(project, {}) for others in self._others())):
            for start, minute in minutes.items():
                if start in found:
                    found[start].add(minute)
        return Recent(minutes=list(found.values()))

    def _others(self) -> Iterable[Minutes]:
        if self._folder is None or not self._folder.is_dir():
            return
        for file in self._folder.glob("*.json"):
            with contextlib.suppress(OSError, msgspec.DecodeError):  # it was removed, or another version of ours wrote it
                if file == self._file:
                    continue
                if file.stat().st_mtime < time.time() - (MINUTES + 1) * 60:
                    file.unlink(missing_ok=True)
                else:
                    yield msgspec.json.decode(file.read_bytes(), type=Minutes)
