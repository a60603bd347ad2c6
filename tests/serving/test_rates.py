"""How often a key may ask."""

from __future__ import annotations

import logging
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from shipway.core.keys import Rate, rate_of
from shipway.serving.rates import Rates, admit

if TYPE_CHECKING:
    import pytest

NOW = 1_800_000_000 * 10**9
RATES = st.builds(Rate, st.integers(1, 20), st.sampled_from([timedelta(milliseconds=1), timedelta(seconds=1), timedelta(days=1)]))


def conforms(taken: list[int], now: int, rate: Rate) -> bool:
    """By the definition over all that was let through before: no stretch of time holds more than a count and what it is long."""
    later = range(len(taken), 0, -1)
    return all(many * rate.interval <= (rate.count - 1) * rate.interval + now - at for many, at in zip(later, taken, strict=True))


@given(rate=RATES, gaps=st.lists(st.floats(0, 3), max_size=60))
def test_it_lets_through_what_the_definition_says(rate: Rate, gaps: list[float]) -> None:
    taken: list[int] = []
    due, now = 0, NOW
    for gap in gaps:
        now += round(gap * rate.interval)
        due, wait = admit(due, now, rate)
        assert (wait == 0) == conforms(taken, now, rate)
        if not wait:
            taken.append(now)


@given(rate=RATES, gaps=st.lists(st.floats(0, 1), max_size=40))
def test_who_waits_as_long_as_told_is_let_through_and_not_a_moment_before(rate: Rate, gaps: list[float]) -> None:
    due, now = 0, NOW
    for gap in gaps:
        now += round(gap * rate.interval)
        due, wait = admit(due, now, rate)
        if wait:
            assert admit(due, now + wait - 1, rate)[1] == 1
            assert admit(due, now + wait, rate)[1] == 0


@given(rate=RATES, back=st.integers(1, 10**18))
def test_a_clock_that_is_set_back_keeps_nobody_out_for_longer_than_a_period(rate: Rate, back: int) -> None:
    due = 0
    for _ in range(rate.count):
        due, _ = admit(due, NOW, rate)
    assert admit(due, NOW - back, rate)[1] <= rate.count * rate.interval


def test_keys_are_counted_each_by_itself_and_on_after_a_restart(tmp_path: Path) -> None:
    rate = rate_of("2/h")
    told = [Rates(tmp_path / "rates", lambda: NOW).wait(number, rate) > 0 for number in (7, 0, 7, 7, 0, 0)]
    assert told == [False, False, False, True, False, True]


def ask(path: Path, times: int) -> int:
    rates = Rates(path)
    return sum(rates.wait(3, rate_of("500/d")) == 0 for _ in range(times))


def test_processes_that_ask_at_once_get_one_count_together(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        told = list(pool.map(ask, [tmp_path / "rates"] * 4, [400] * 4))
    # While they asked, less than the 172.8 s went by after which one more may come.
    assert sum(told) == 500


def test_where_nothing_can_be_counted_requests_go_on_and_it_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("shipway.serving"), "propagate", True)
    (tmp_path / "rates").mkdir()
    rates = Rates(tmp_path / "rates")
    assert [rates.wait(0, rate_of("1/d")) for _ in range(3)] == [0, 0, 0]
    assert rates.problem is not None
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    (tmp_path / "rates").rmdir()
    assert rates.wait(0, rate_of("1/d")) == 0
    assert rates.wait(0, rate_of("1/d")) > 0
    assert rates.problem is None


def test_counting_leaves_no_file_open(tmp_path: Path) -> None:
    rates = Rates(tmp_path / "rates")
    rates.wait(0, rate_of("10/s"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        rates.wait(0, rate_of("10/s"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
