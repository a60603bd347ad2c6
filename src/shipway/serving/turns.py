"""Scoring in turns: a bounded queue for each project, from which few threads take work so that no project waits for another.

Which project is next is decided by the time that its work took so far, as in start-time fair queueing (Goyal, Vin and Cheng,
1996): the one that had least. A project that begins to ask again is counted from where the others are. Within a project, each
kind of work has its turn after the other: what can be joined for one model version, what can't, and large pieces.

All that waits for one model version is joined into one piece of work, up to `queues.JOINED` records: a model needs hardly longer
for a hundred records than for one. Nothing waits for others to come.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import threadpoolctl

from shipway.serving.problems import gone, overloaded
from shipway.serving.queues import Account, Job, Large, Work

SCORING_THREADS = 2
"""One keeps a core busy with scoring; the second lets a single record overtake a large batch."""

LARGE = 1_000
"""Records from which on a piece of work is large: one such piece is worked on at a time, which leaves a thread for others."""

SWEEP_SECONDS = 0.5
"""Between two looks at what has waited for longer than this: whether its client is still there, and whether it is too late."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Limits:
    """What may wait.

    Attributes:
        requests: Waiting, of one project. Joined, these are a few turns.
        records: The same in records; five of the largest batches. One piece of work is always taken.
        seconds: A request that waited longer is refused. Ten seconds are the limit for keeping a person's
            attention (Nielsen, "Response times: the three important limits"), and below the 30 to 60 s of proxies.
        body_bytes: Of the bodies that a worker holds of one project: four of the largest.
        all_bytes: Of all projects.
        assured_bytes: That each project may hold whatever the others do.
    """

    requests: int = 1_000
    records: int = 50_000
    seconds: float = 10.0
    body_bytes: int = 64 * 2**20
    all_bytes: int = 256 * 2**20
    assured_bytes: int = 2**20


@dataclass(frozen=True)
class _Turn:
    """Jobs that are worked on together, since *began*; *heavy* ones leave the other threads to what is not."""

    account: Account
    jobs: list[Job]
    began: float
    heavy: bool


class Turns:
    """The scoring threads of a worker, and what waits for them. All public methods are called on the event loop."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._accounts: dict[str, Account] = {}
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._large = self._over = False
        self._clock = 0.0
        self._held = 0

    def start(self) -> None:
        """Begin to work, on the running event loop."""
        self.loop, self._over = asyncio.get_running_loop(), False
        self._threads = [threading.Thread(target=self._run, name=f"scoring-{n}", daemon=True) for n in range(SCORING_THREADS)]
        for thread in self._threads:
            thread.start()
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """End once what is worked on is done; what waits is given up."""
        self._sweeper.cancel()
        with self._changed:
            for job in self._waiting():
                job.done.cancel()
            for account in self._accounts.values():
                account.clean()
            self._over = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def waiting(self) -> dict[str, int]:
        """How many requests of each project wait; of those that ever asked."""
        with self._changed:
            return {name: account.requests for name, account in self._accounts.items()}

    def admit(self, project: str, cost: int = 1) -> None:
        """Raise Problem 503 where a request of that project would not be taken now."""
        account, limits = self._account(project), self.limits
        if account.requests and (account.requests >= limits.requests or account.records + cost > limits.records):
            raise overloaded(project)

    def hold(self, project: str) -> Hold:
        """The bytes of one request's body, which are held until the block ends."""
        return Hold(self, project)

    async def run(self, project: str, cost: int, work: Callable[[], Result]) -> Result:
        """Call *work* in its turn, as if it were a batch of *cost* records.

        Raises:
            Problem: 503 where too much waits already, or it waited too long.
        """
        job = self._job(project, None, cost, lambda items: [work()], None)
        return await self._enter(job)  # type: ignore[no-any-return]

    async def join(
        self, project: str, cost: int, key: Hashable, work: Work, item: Any, gone: Callable[[], Awaitable[bool]] | None = None
    ) -> Any:
        """The result of *work* on *item*, together with other items of the same *key* that wait at the time.

        Raises:
            Problem: 503 as `run`; 400 to nobody, where *gone* says that the client is no longer there.
        """
        return await self._enter(self._job(project, key, cost, work, item, gone))

    def _job(
        self, project: str, key: Hashable, cost: int, work: Work, item: Any, gone: Callable[[], Awaitable[bool]] | None = None
    ) -> Job:
        return Job(project, key, cost, work, item, self.loop.create_future(), time.monotonic(), gone)

    async def _enter(self, job: Job) -> Any:
        self.admit(job.project, job.cost)
        self._put(self._account(job.project), Large if job.cost >= LARGE else job.key, job)
        return await job.done

    def _put(self, account: Account, kind: Hashable, job: Job) -> None:
        with self._changed:
            if not account.requests:
                account.used = max(account.used, self._clock)
            account.put(kind, job)
            self._changed.notify()

    def _account(self, project: str) -> Account:
        found = self._accounts.get(project)
        if found is None:
            with self._changed:
                found = self._accounts[project] = Account()
        return found

    def _waiting(self) -> list[Job]:
        return [job for account in self._accounts.values() for flow in account.flows.values() for job in flow]

    def _run(self) -> None:
        # A record is too small a piece of work to be shared among threads: starting them costs more than they save.
        threadpoolctl.threadpool_limits(limits=1)
        while (turn := self._awaited()) is not None:
            self._work(turn)

    def _awaited(self) -> _Turn | None:
        """What is worked on next, once there is something; None when all is over."""
        with self._changed:
            while not self._over:
                if (turn := self._next()) is not None:
                    return turn
                self._changed.wait()
        return None

    def _next(self) -> _Turn | None:
        """What is worked on next; None where nothing waits that may be."""
        now, large = time.monotonic(), not self._large
        asking = [account for account in self._accounts.values() if account.kinds(large=large)]
        if not asking:
            return None
        account = min(asking, key=lambda one: one.spent(now))
        self._clock = max(self._clock, account.spent(now))
        kind = account.kinds(large=large)[0]
        heavy = kind is Large
        self._large = self._large or heavy
        account.begun.append(now)
        return _Turn(account, account.take(kind), now, heavy)

    def _work(self, turn: _Turn) -> None:
        late = turn.began - self.limits.seconds
        settled: list[tuple[Job, Any]] = [(job, overloaded(job.project)) for job in turn.jobs if job.since < late]
        asked = [job for job in turn.jobs if job.since >= late and not job.done.done()]
        if asked:
            settled += zip(asked, _results(asked), strict=True)
        with self._changed:
            turn.account.begun.remove(turn.began)
            turn.account.used += time.monotonic() - turn.began
            self._large = self._large and not turn.heavy
        if settled and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(_settle, settled)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            with self._changed:
                aged = [job for job in self._waiting() if job.since < now - SWEEP_SECONDS]
            for job in aged:
                if job.since < now - self.limits.seconds:
                    _settle([(job, overloaded(job.project))])
                elif job.gone is not None and not job.done.done() and await job.gone():
                    _settle([(job, gone())])
            if aged:
                with self._changed:
                    for account in self._accounts.values():
                        account.clean()


class Hold:
    """The bytes of one body, counted while they come and until the block ends."""

    def __init__(self, turns: Turns, project: str) -> None:
        self._turns, self._project, self._account = turns, project, turns._account(project)
        self._size = 0

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: object) -> None:
        self._account.held -= self._size
        self._turns._held -= self._size

    def check(self, size: int) -> None:
        """Raise Problem 503 where *size* bytes more than are held can't be."""
        held, limits = self._account.held + size, self._turns.limits
        if held > limits.assured_bytes and (held > limits.body_bytes or self._turns._held + size > limits.all_bytes):
            raise overloaded(self._project)

    def add(self, size: int) -> None:
        """Hold *size* bytes more. Raises Problem as `check`."""
        self.check(size)
        self._size += size
        self._account.held += size
        self._turns._held += size


def caught(error: BaseException) -> Exception:
    """*error* as what an event loop passes on; it would take others, such as Polars' panics, for its own end."""
    if isinstance(error, Exception):
        return error
    failure = RuntimeError(f"a library gave up: {type(error).__name__}")
    failure.__cause__ = error
    return failure


def _results(jobs: Sequence[Job]) -> Sequence[Any]:
    try:
        return jobs[0].work([job.item for job in jobs])
    except BaseException as error:  # noqa: BLE001 - whoever waits gets it
        return [caught(error)] * len(jobs)


def _settle(settled: Sequence[tuple[Job, Any]]) -> None:
    for job, result in settled:
        if job.done.done():
            continue
        if not isinstance(result, BaseException):
            job.done.set_result(result)
        else:
            job.done.set_exception(result)
