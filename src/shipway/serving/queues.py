"""What waits to be scored for one project, by kind; which project is next is for `serving/turns.py` to say."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

JOINED = 512
"""Records of one call of a model. Measured on small models of this package, 256 records take 1.2 to 2.7 times as long as one, and
1,000 twice to three times: beyond, joining gains little, and others wait longer."""

Work = Callable[[list[Any]], Sequence[Any]]
"""Takes items, and gives for each a result, or the exception that it ended with. Called in a scoring thread."""


@dataclass(eq=False, slots=True)
class Job:
    """One piece of work that waits, or is worked on.

    Attributes:
        key: Of jobs that may be joined; None: this one may not.
        since: When it came, by the monotonic clock.
        gone: Whether the client is no longer there.
    """

    project: str
    key: Hashable
    cost: int
    work: Work
    item: Any
    done: asyncio.Future[Any]
    since: float
    gone: Callable[[], Awaitable[bool]] | None = None


class Large:
    """The kind of large pieces of work."""


@dataclass(eq=False)
class Account:
    """A project: what waits, and the seconds that its work took. `begun` are the times when work began that goes on now."""

    flows: dict[Hashable, deque[Job]] = field(default_factory=dict)
    requests: int = 0
    records: int = 0
    held: int = 0
    used: float = 0.0
    begun: list[float] = field(default_factory=list)

    def spent(self, now: float) -> float:
        return self.used + sum(now - one for one in self.begun)

    def put(self, kind: Hashable, job: Job) -> None:
        self.flows.setdefault(kind, deque()).append(job)
        self.requests += 1
        self.records += job.cost

    def kinds(self, *, large: bool) -> list[Hashable]:
        """The kinds of work that wait, in turn; `Large` only if *large*."""
        return [kind for kind in self.flows if large or kind is not Large]

    def take(self, kind: Hashable) -> list[Job]:
        """The first job of a kind, with those that may be joined; the other kinds come before it then."""
        flow = self.flows.pop(kind)
        taken = [flow.popleft()]
        left = JOINED - taken[0].cost
        while kind not in (None, Large) and flow and flow[0].cost <= left:
            taken.append(flow.popleft())
            left -= taken[-1].cost
        if flow:
            self.flows[kind] = flow
        self.requests -= len(taken)
        self.records -= sum(job.cost for job in taken)
        return taken

    def clean(self) -> None:
        """Forget what nobody waits for any longer."""
        for kind, flow in list(self.flows.items()):
            kept = deque(job for job in flow if not job.done.done())
            self.requests -= len(flow) - len(kept)
            self.records -= sum(job.cost for job in flow) - sum(job.cost for job in kept)
            if kept:
                self.flows[kind] = kept
            else:
                del self.flows[kind]
