"""Predictions and labels on their way into the journal: committed in groups off the event loop, and held while it is away."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from shipway.core import journal as journals
from shipway.core.errors import DataError, OutsideError
from shipway.core.journal import Feedback, Prediction
from shipway.serving.entries import Entry, Journalling
from shipway.serving.problems import RETRY_SECONDS, Problem

GATHER_SECONDS = 0.05
"""How long the first of a group waits for others. A commit with its sync costs milliseconds, whatever the size of the group."""

LATE_SECONDS = 0.1
"""Once the oldest waits longer, answers wait for their commit: so no more than this and a group's own time is ever answered and
not kept (200 ms in all), however slow the disk is."""

GROUP = 2_000
"""Records of one commit: tens of milliseconds in SQLite."""

PAUSES = (0.1, 5.0)
"""Seconds between two attempts to reach a journal that is away: they double from the first to the second."""

DRAIN_SECONDS = 5.0
"""For what still waits when the service is told to stop; within the time that platforms give between SIGTERM and SIGKILL."""

BESIDE_LIMIT = 5_000
"""Predictions of versions in the shadow that wait, beside the limit of those that were answered: 5 MB."""

PRUNE_SECONDS, PRUNE_AT_ONCE = 3600.0, 2_000
"""How often old predictions are looked for, and how many go in one transaction, so that commits wait for none for long."""

log = logging.getLogger("shipway.serving")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How the journal is.

    Attributes:
        state: `away` after a write that failed, `full` once no more can be held.
        lag: Seconds that the oldest prediction has waited for its commit.
        waiting: Predictions that are not committed yet.
        lost: Predictions that were answered and not kept, since the start.
    """

    state: Literal["ok", "away", "full"]
    lag: float
    waiting: int
    lost: int


class Writer:
    """The one thread of a worker that writes to the journal. All methods but `keep_beside` are called on the event loop."""

    def __init__(self, journalling: Journalling) -> None:
        self.journalling = journalling
        self._changed = threading.Condition()
        self._queue: deque[Entry] = deque()
        self._beside: deque[Entry] = deque()
        self._flying: list[Entry] = []
        self._waiting = self._lost = self._hurried = self._waiting_beside = 0
        self._away = self._filled = self._closing = False
        self._deadline = self._pruning = 0.0

    def start(self) -> None:
        """Begin to write, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._closing = False
        # A daemon, as a process that is ended twice skips `stop` and would wait for its threads for ever.
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        atexit.register(self._finish)

    async def stop(self, seconds: float = DRAIN_SECONDS) -> None:
        """Write what waits, and end; a journal that is away is given *seconds* to come back."""
        await asyncio.get_running_loop().run_in_executor(None, self._finish, seconds)
        atexit.unregister(self._finish)

    def state(self) -> State:
        with self._changed:
            name: Literal["ok", "away", "full"] = "full" if self._full else "away" if self._away else "ok"
            return State(state=name, lag=round(self._lag, 3), waiting=self._waiting, lost=self._lost)

    def refuses(self, *projects: str) -> bool:
        """Whether requests of one of *projects* can't be answered now, as they could not be kept."""
        keepings = [keeping for name in projects if (keeping := self.journalling.keeping(name)) is not None]
        return any(one.when_away == "refuse" and (self._full or (self._away and one.durable)) for one in keepings)

    def admit(self, project: str) -> None:
        """Raise Problem 503 for a request that would be refused in the end."""
        if self.refuses(project):
            raise _refusal()

    async def keep(self, project: str, predictions: Sequence[Prediction]) -> None:
        """Hand over predictions that are about to be answered, and wait for their commit where that is asked for.

        Raises:
            Problem: 503 where they can't be kept and must not be answered then.
        """
        keeping, done = self.journalling.keeping(project), None
        if keeping is None or not predictions:
            return
        strict = keeping.durable and keeping.when_away == "refuse"
        with self._changed:
            self.admit(project)
            full = self._full
            if full:
                self._lost += len(predictions)
            else:
                waits = not self._away and (keeping.durable or self._lag > LATE_SECONDS)
                done = self._put(predictions, (), waits=waits, strict=strict)
            told, self._filled = self._filled, self._filled or full
        if full and not told:
            log.error("the journal is full: %d predictions wait, and no more can be held", self.journalling.limit)
        if done is not None and await done is None and strict:
            raise _refusal()

    def keep_beside(self, predictions: Sequence[Prediction]) -> bool:
        """Take what a version in the shadow made, to be written when there is room beside what was answered; any thread may call.

        Gives whether it was taken: not while as many wait already as may.
        """
        with self._changed:
            if self._closing or self._waiting_beside + len(predictions) > BESIDE_LIMIT:
                return False
            self._beside.append(Entry(predictions, (), time.monotonic(), None, strict=False, beside=True))
            self._waiting_beside += len(predictions)
            if len(self._beside) == 1:
                self._changed.notify()
        return True

    async def label(self, feedback: Sequence[Feedback]) -> int:
        """Keep labels, and say how many of them have their prediction already. Raises Problem 503 where they can't be kept."""
        if not feedback:
            return 0
        with self._changed:
            if self._away or self._full:
                raise _refusal()
            done = self._put((), feedback, waits=True, strict=True)
        assert done is not None
        joined = await done
        if joined is None:
            raise _refusal()
        return joined

    @property
    def _full(self) -> bool:
        return self._waiting >= self.journalling.limit

    @property
    def _lag(self) -> float:
        oldest = self._flying if self._flying and not self._flying[0].beside else self._queue
        return time.monotonic() - oldest[0].since if oldest else 0.0

    def _put(
        self, predictions: Sequence[Prediction], feedback: Sequence[Feedback], *, waits: bool, strict: bool
    ) -> asyncio.Future[int | None] | None:
        done = self._loop.create_future() if waits else None
        self._queue.append(Entry(predictions, feedback, time.monotonic(), done, strict))
        self._waiting += len(predictions)
        self._hurried += waits
        if waits or len(self._queue) == 1 or self._waiting >= GROUP:
            self._changed.notify()
        return done

    def _finish(self, seconds: float = DRAIN_SECONDS) -> None:
        with self._changed:
            self._closing, self._deadline = True, time.monotonic() + seconds
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        pause = PAUSES[0]
        entries: list[Entry] | None = []  # the first write is empty: it makes the tables, and shows whether the journal is there
        while entries is not None:
            try:
                joined = self._write(entries)
            except DataError:
                self._sift(entries)
            except Exception as error:  # noqa: BLE001 - nobody else keeps predictions: a bug shows as a journal that is away
                self._failed(entries, error)
                if not self._rest(pause):
                    break
                pause = min(2 * pause, PAUSES[1])
            else:
                self._committed(entries, joined)
                pause = PAUSES[0]
                self._prune()
            entries = self._gather()
        self.journalling.journal.close()

    def _write(self, entries: Sequence[Entry]) -> list[int]:
        """Commit *entries*; gives how many labels of each have their prediction."""
        journal = self.journalling.journal
        predictions = [one for entry in entries for one in entry.predictions]
        journal.write(predictions, [one for entry in entries for one in entry.feedback])
        return [journal.joined(entry.feedback) if entry.feedback else 0 for entry in entries]

    def _sift(self, entries: Sequence[Entry]) -> None:
        """Commit *entries* one by one, and give up the one that can't be."""
        for place, entry in enumerate(entries):
            try:
                joined = self._write([entry])
            except DataError as error:
                self._give_up(entry, error)
            except Exception as error:  # noqa: BLE001 - as above
                self._failed(entries[place:], error)
                return
            else:
                self._committed([entry], joined)

    def _give_up(self, entry: Entry, error: DataError) -> None:
        """Let go of what the journal will never take, as nothing after it would be kept either."""
        with self._changed:
            count = len(entry.predictions)
            if entry.beside:
                self._waiting_beside -= count
            else:
                self._waiting -= count
                self._lost += count
            self._land([entry])
        self._resolve([entry], lambda place: None)
        log.error("%d predictions and %d labels can't be kept: %s", count, len(entry.feedback), error)

    def _land(self, entries: Sequence[Entry]) -> None:
        """Note that *entries* are on their way no more."""
        landed = set(entries)
        self._flying = [entry for entry in self._flying if entry not in landed]

    def _gather(self) -> list[Entry] | None:
        """The next group. Empty: only to see whether the journal is back. None: all is written, and the service stops."""
        with self._changed:
            if not self._away:
                self._changed.wait_for(lambda: self._queue or self._beside or self._closing, self._pruning - time.monotonic())
                if self._queue or self._beside:
                    self._changed.wait_for(
                        lambda: self._hurried or self._closing or self._waiting >= GROUP, GATHER_SECONDS - self._lag
                    )
            if self._closing and not self._queue and not self._beside:
                return None
            count = 0
            while self._queue and count < GROUP:
                entry = self._queue.popleft()
                self._hurried -= entry.done is not None
                count += len(entry.predictions) + len(entry.feedback)
                self._flying.append(entry)
            while self._beside and count < GROUP:
                entry = self._beside.popleft()
                count += len(entry.predictions)
                self._flying.append(entry)
            return list(self._flying)

    def _committed(self, entries: Sequence[Entry], joined: Sequence[int]) -> None:
        with self._changed:
            self._waiting -= sum(len(entry.predictions) for entry in entries if not entry.beside)
            self._waiting_beside -= sum(len(entry.predictions) for entry in entries if entry.beside)
            self._land(entries)
            back = self._away or (self._filled and not self._full)
            self._away, self._filled = False, self._filled and self._full
        self._resolve(entries, lambda place: joined[place])
        if back:
            log.info("the journal is back; %d predictions wait, %d were not kept", self._waiting, self._lost)

    def _failed(self, entries: Sequence[Entry], error: Exception) -> None:
        with self._changed:
            for entry in reversed(entries):
                if entry.beside:
                    self._beside.appendleft(entry)
                elif entry.strict:
                    self._waiting -= len(entry.predictions)
                else:
                    # no longer waited for: it stays to be written when the journal is back
                    self._queue.appendleft(Entry(entry.predictions, (), entry.since, None, strict=False))
            self._land(entries)
            told, self._away = self._away, True
        self._resolve(entries, lambda place: None)
        if not told:
            bug = None if isinstance(error, OutsideError) else error
            log.error("the journal is away: %s", error, exc_info=bug)

    def _rest(self, pause: float) -> bool:
        """Wait before the next attempt; False where there is no time for one."""
        with self._changed:
            if self._closing and time.monotonic() > self._deadline:
                self._lost += self._waiting
                log.error("the journal is away: %d predictions were answered and not kept", self._waiting)
                return False
            if self._closing:
                self._changed.wait(PAUSES[0])
            else:
                self._changed.wait_for(lambda: self._closing, pause)
        return True

    def _resolve(self, entries: Sequence[Entry], result: Callable[[int], int | None]) -> None:
        waiting = [(entry.done, result(place)) for place, entry in enumerate(entries) if entry.done is not None]
        if waiting and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, waiting)

    def _prune(self) -> None:
        """Delete what is older than its project keeps it, a piece at a time."""
        if time.monotonic() < self._pruning:
            return
        left = 0
        for project, keeping in dict(self.journalling.keepings).items():  # which may grow meanwhile
            if keeping.age is not None:
                before = journals.now() - int(keeping.age.total_seconds() * 1e6)
                try:
                    left += self.journalling.journal.prune(project, before, PRUNE_AT_ONCE)
                except Exception as error:  # noqa: BLE001 - the thread writes what comes all the same
                    log.warning("old predictions of %s could not be deleted: %s", project, error)
        self._pruning = time.monotonic() + (0 if left else PRUNE_SECONDS)


def _settle(waiting: Sequence[tuple[asyncio.Future[int | None], int | None]]) -> None:
    for done, result in waiting:
        if not done.done():
            done.set_result(result)


def _refusal() -> Problem:
    return Problem(
        503, "Predictions and labels can't be kept at the moment; try again.", {"Retry-After": RETRY_SECONDS}, reason="unkept"
    )
