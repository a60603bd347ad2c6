from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shipway.serving.problems import Problem
from shipway.serving.queues import JOINED
from shipway.serving.turns import LARGE, SCORING_THREADS, Limits, Turns


class Gate:
    """Work that keeps every scoring thread busy until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def work(self) -> None:
        self.entered.release()
        self.opened.wait(60)


@asynccontextmanager
async def running(**limits: Any) -> AsyncIterator[Turns]:
    turns = Turns(Limits(**limits))
    turns.start()
    try:
        yield turns
    finally:
        await turns.stop()


@asynccontextmanager
async def busy(**limits: Any) -> AsyncIterator[tuple[Turns, Gate]]:
    """Turns whose threads all work for the project `gate`, until it is opened or the block ends."""
    async with running() as turns:
        gate = Gate()
        held = [asyncio.create_task(turns.run("gate", 1, gate.work)) for _ in range(SCORING_THREADS)]
        try:
            for _ in held:
                await asyncio.to_thread(gate.entered.acquire)
            turns.limits = Limits(**limits)
            yield turns, gate
        finally:
            gate.opened.set()
            await asyncio.gather(*held)


def begun(*waiting: Awaitable[Any]) -> list[asyncio.Future[Any]]:
    return [asyncio.ensure_future(one) for one in waiting]


async def came(turns: Turns, project: str, count: int) -> None:
    while turns.waiting().get(project, 0) < count:
        await asyncio.sleep(0)


def do(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), 60))  # type: ignore[arg-type]


def place_of_one_record(project: str, behind: str, count: int, size: int) -> int:
    """How many pieces of work come before a record of *project* that came last, after *count* of *size* for *behind*."""
    order: list[str] = []

    async def body() -> None:
        async with busy() as (turns, gate):
            before = begun(*(turns.run(behind, size, lambda: order.append("before")) for _ in range(count)))
            await came(turns, behind, count)
            last = begun(turns.run(project, 1, lambda: order.append("last")))
            await came(turns, project, count + 1 if project == behind else 1)
            gate.opened.set()
            await asyncio.gather(*before, *last)

    do(body)
    return order.index("last")


def test_a_project_is_not_held_up_by_the_queue_of_another() -> None:
    assert place_of_one_record("small", behind="flood", count=50, size=LARGE - 1) <= SCORING_THREADS


def test_two_projects_that_both_flood_are_worked_on_in_turns() -> None:
    order: list[str] = []
    pace = threading.Lock()

    def work(project: str) -> None:
        with pace:  # so that the work of both takes as long
            order.append(project)

    async def body() -> None:
        async with busy() as (turns, gate):
            floods = []
            for project in ("a", "b"):
                floods += begun(*(turns.run(project, 1, lambda project=project: work(project)) for _ in range(100)))
                await came(turns, project, 100)
            gate.opened.set()
            await asyncio.gather(*floods)

    do(body)
    assert 5 < order[:100].count("b") < 95


def test_a_record_overtakes_the_large_batches_of_its_own_project() -> None:
    assert place_of_one_record("p", behind="p", count=20, size=LARGE) <= SCORING_THREADS


def test_a_large_batch_leaves_a_thread_to_others() -> None:
    async def body() -> None:
        async with running() as turns:
            gate = Gate()
            large = begun(*(turns.run(project, LARGE, gate.work) for project in "ab" for _ in range(3)))
            await asyncio.to_thread(gate.entered.acquire)
            assert await turns.run("c", 1, lambda: "answered") == "answered"
            assert sum(turns.waiting().values()) == 5
            gate.opened.set()
            await asyncio.gather(*large)

    do(body)


def test_large_batches_come_to_their_turn_while_single_records_keep_coming() -> None:
    async def body() -> None:
        async with running() as turns:
            over = threading.Event()

            async def ask_on() -> None:
                while not over.is_set():
                    await turns.run("p", 1, lambda: None)

            small = begun(*(ask_on() for _ in range(20)))
            for _ in range(10):
                await turns.run("p", LARGE, lambda: None)
            over.set()
            await asyncio.gather(*small)

    do(body)


def test_what_waits_for_one_model_is_joined_and_each_gets_its_own_result() -> None:
    calls: list[list[int]] = []

    def double(items: list[int]) -> Sequence[Any]:
        calls.append(list(items))
        return [ValueError("seven") if item == 7 else 2 * item for item in items]

    async def body() -> None:
        async with busy() as (turns, gate):
            tasks = begun(*(turns.join("p", 1, "one model", double, item) for item in range(8)))
            await came(turns, "p", 8)
            tasks += begun(turns.join("p", 1, "another", double, 9))
            await came(turns, "p", 9)
            gate.opened.set()
            found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [*found[:7], found[8]] == [0, 2, 4, 6, 8, 10, 12, 18]
        assert isinstance(found[7], ValueError)

    do(body)
    assert sorted(calls) == [list(range(8)), [9]]


def test_no_more_records_are_joined_than_a_call_is_good_for() -> None:
    calls: list[int] = []

    def work(items: list[int]) -> Sequence[Any]:
        calls.append(sum(items))
        return items

    async def body() -> None:
        async with busy() as (turns, gate):
            tasks = begun(*(turns.join("p", cost, "model", work, cost) for cost in (JOINED - 1, 1, 1, JOINED + 1, 2)))
            await came(turns, "p", 5)
            gate.opened.set()
            await asyncio.gather(*tasks)

    do(body)
    assert sorted(calls) == [1, 2, JOINED, JOINED + 1]


@pytest.mark.parametrize(("limits", "cost"), [({"requests": 3}, 1), ({"records": 30}, 10)], ids=["requests", "records"])
def test_a_full_queue_refuses_and_those_of_others_do_not(limits: dict[str, int], cost: int) -> None:
    async def body() -> None:
        async with busy(**limits) as (turns, gate):
            tasks = begun(*(turns.run("p", cost, lambda: None) for _ in range(3)))
            await came(turns, "p", 3)
            with pytest.raises(Problem, match="too many requests for p") as refused:
                turns.admit("p")
            assert (refused.value.status, refused.value.reason) == (503, "overloaded")
            assert refused.value.headers is not None
            assert int(refused.value.headers["Retry-After"]) > 0
            with pytest.raises(Problem):
                await turns.run("p", 1, lambda: None)
            turns.admit("q")
            gate.opened.set()
            await asyncio.gather(*tasks)
            turns.admit("p")

    do(body)


def test_one_batch_is_taken_however_large() -> None:
    async def body() -> None:
        async with running(records=10) as turns:
            assert await turns.run("p", 1_000_000, lambda: 5) == 5

    do(body)


def test_who_waited_too_long_is_refused_while_the_threads_are_busy() -> None:
    async def body() -> None:
        async with busy(seconds=0.01) as (turns, _):
            with pytest.raises(Problem, match="Overloaded"):
                await turns.run("p", 1, lambda: None)
            await came(turns, "p", 0)

    do(body)


def test_nothing_is_done_for_who_does_not_wait_any_longer() -> None:
    done: list[str] = []

    async def left() -> bool:
        return True

    async def body() -> None:
        async with busy() as (turns, gate):
            (cancelled,) = begun(turns.run("p", 1, lambda: done.append("cancelled")))
            await came(turns, "p", 1)
            cancelled.cancel()
            with pytest.raises(Problem) as refused:
                await turns.join("p", 1, "model", lambda items: done.append("gone") or items, None, left)
            assert refused.value.reason == "gone"
            gate.opened.set()

    do(body)
    assert done == []


def test_a_fault_of_a_library_reaches_who_waits_and_not_the_thread() -> None:
    class Panic(BaseException):
        pass

    def fail() -> None:
        raise Panic

    async def body() -> None:
        async with running() as turns:
            for _ in range(2 * SCORING_THREADS):
                with pytest.raises(RuntimeError, match="Panic"):
                    await turns.run("p", 1, fail)
            assert await turns.run("p", 1, lambda: 5) == 5

    do(body)


def test_bodies_are_bounded_by_project_and_in_all_and_a_little_is_assured() -> None:
    async def body() -> None:
        turns = Turns(Limits(body_bytes=60, all_bytes=100, assured_bytes=5))
        with turns.hold("a") as first, turns.hold("b") as second, turns.hold("c") as third:
            first.add(60)
            with pytest.raises(Problem, match="too many requests for a"):
                first.add(1)
            second.add(40)
            with pytest.raises(Problem):
                second.check(1)
            third.add(5)
            with pytest.raises(Problem):
                third.add(1)
        with turns.hold("a") as again:
            again.add(60)

    do(body)


def test_work_that_is_done_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        async with running() as turns:
            before = {name: len(value) for name, value in vars(turns).items() if hasattr(value, "__len__")}
            for _ in range(20):
                await asyncio.gather(*(turns.join("p", 1, "key", lambda items: items, number) for number in range(50)))
            after = {name: len(value) for name, value in vars(turns).items() if hasattr(value, "__len__")}
            assert after == {**before, "_accounts": 1}
            assert turns.waiting() == {"p": 0}

    asyncio.run(scenario())
