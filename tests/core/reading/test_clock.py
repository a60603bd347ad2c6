"""Times of day and durations as seconds."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core.contract import Column, Contract, read
from shipway.core.errors import UsageError
from shipway.core.reading import clock, texts
from shipway.core.reading.spelling import Spelling, number_pattern, plain_number

FORMS = ("%H:%M", "%H:%M:%S", "%M:%S", "%I:%M %p", "%d days %H:%M:%S", "%Hh %Mm", "PT%HH%MM%SS")


def contract(form: str, **keys: object) -> Contract:
    times = Column(type="number", format=form, **keys)  # type: ignore[arg-type]
    return Contract(target="y", columns={"x": times, "y": Column(type="category", levels=["a", "b"])})


def read_by_polars(cells: list[str], form: str) -> list[str | None]:
    frame = pl.DataFrame({"x": cells * texts.FEW}).select(texts.plain_numbers(pl.col("x"), Spelling(".", None, (), form)))
    return frame["x"].to_list()[: len(cells)]


@pytest.mark.parametrize(
    ("form", "text", "seconds"),
    [
        ("%H:%M", "14:35", 52_500),
        ("%H:%M:%S", "1:02:03.5", 3_723.5),
        ("%H:%M:%S", "40:00:00", 144_000),
        ("%H:%M:%S", "-1:00:00", -3_600),
        ("%M:%S", "75:10", 4_510),
        ("%I:%M %p", "12:05 AM", 300),
        ("%I:%M %p", "2:35PM", 52_500),
        ("%d days %H:%M:%S", "3 days 04:05:06", 273_906),
        ("%H:%M", "PT5M", 300),
        ("%H:%M", "P1DT2H0.5S", 93_600.5),
        ("%H:%M", "14:60", None),
        ("%H:%M", "P", None),
        ("%H:%M", "52500", None),
        ("%I:%M %p", "13:00 PM", None),
    ],
)
def test_a_text_of_a_time_is_read_as_seconds(form: str, text: str, seconds: float | None) -> None:
    records = read(contract(form), [{"x": text}], target=False)
    frame = read(contract(form), pl.DataFrame({"x": [text] * 100}), target=False)
    assert records.frame["x"].to_list() == [seconds]
    assert set(frame.frame["x"].to_list()) == {seconds}
    assert [breach.message for breach in records.breaches] == (
        [] if seconds is not None else [f"expected a time as {form}, got text"]
    )


def test_a_typed_number_is_seconds_already() -> None:
    assert read(contract("%H:%M"), [{"x": 300}, {"x": 1.5}], target=False).frame["x"].to_list() == [300.0, 1.5]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(FORMS), st.lists(st.text("0123456789:.,PTHMSDWAapmMhd +-days", max_size=14), min_size=1, max_size=5))
def test_python_and_polars_read_the_same_and_the_pattern_says_what(form: str, cells: list[str]) -> None:
    written = Spelling(".", None, (), form)
    read_one_by_one = [plain_number(cell, written) for cell in cells]
    assert read_by_polars(cells, form) == read_one_by_one
    for cell, number in zip(cells, read_one_by_one, strict=True):
        if number is not None:
            assert re.search(number_pattern(written), cell) is not None


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_what_is_written_is_read_back(hours: int, minutes: int, seconds: int) -> None:
    total = 3_600.0 * hours + 60 * minutes + seconds
    assert clock.seconds(f"{hours:02}:{minutes:02}:{seconds:02}", "%H:%M:%S") == total
    assert clock.seconds(f"PT{hours}H{minutes}M{seconds}S", "%H:%M") == total
    assert clock.seconds(f"{hours}h {minutes}m {seconds}s", "%Hh %Mm %Ss") == total


@pytest.mark.parametrize(
    ("form", "words"),
    [("%Y-%m", "%Y is not known"), ("h:m", "days, hours"), ("%M:%H", "in this order"), ("%H:%H", "once"), ("%I:%M", "goes with")],
)
def test_a_format_that_says_no_time_is_refused(form: str, words: str) -> None:
    assert words in (clock.fault(form) or "")


def test_a_number_is_written_as_a_time_or_as_a_number() -> None:
    from shipway.core import contract_rules

    with pytest.raises(UsageError, match="keep one"):
        contract_rules.check(contract("%H:%M", decimal=","), "contract.toml")
    with pytest.raises(UsageError, match="once each"):
        contract_rules.check(contract("h"), "contract.toml")
