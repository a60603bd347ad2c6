from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core.contract import Column, Contract, read

SPELLINGS = [
    "1",
    "-2",
    "0.5",
    "007",
    "+3",
    " 4",
    "5 ",
    "6.0",
    "7e1",
    "1e400",
    "nan",
    "inf",
    "x",
    "",
    "?",
    "-9",
    "9" * 20,
    "1,5",
    "$3",
]
COLUMNS = [
    Column(type="integer"),
    Column(type="number", nullable=True, missing=("", "?", "-9")),
    Column(type="integer", minimum=0, maximum=6, missing=("-9",)),
    Column(type="number", decimal=","),
    Column(type="number", affixes=("$",)),
]


def contract(column: Column) -> Contract:
    return Contract(target="y", columns={"x": column, "y": Column(type="category", levels=["a"])})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SPELLINGS) | st.none() | st.text(max_size=4), max_size=12), st.sampled_from(COLUMNS))
def test_a_frame_of_texts_is_read_as_records_of_the_same_texts_are(texts: list[str | None], column: Column) -> None:
    texts = [text for text in texts if text is None or text.isprintable()]
    frame = read(contract(column), pl.DataFrame({"x": texts}, schema={"x": pl.String}), target=False)
    records = read(contract(column), [{"x": text} for text in texts], target=False)
    assert frame.frame.equals(records.frame)
    assert frame.breaches == records.breaches


@pytest.mark.parametrize(("type_", "respelled"), [("integer", [2, 3]), ("number", [2])])
def test_the_rows_whose_text_is_no_plain_spelling_of_its_number_are_named(type_: str, respelled: list[int]) -> None:
    column = Column(type=type_, nullable=True)  # type: ignore[arg-type]
    reading = read(contract(column), pl.DataFrame({"x": ["1", "-2", " 3", "4.0", "x", "", None]}), target=False)
    assert reading.respelled["x"].to_list() == respelled


def test_texts_that_are_all_spelled_plainly_name_no_row() -> None:
    assert read(contract(Column(type="number")), pl.DataFrame({"x": ["1", "0.5"]}), target=False).respelled == {}
