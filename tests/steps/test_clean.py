from __future__ import annotations

from typing import Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.steps.said import Said

from shipway.core.artifacts import Checked
from shipway.core.contract import Column, Contract
from shipway.core.errors import DataError
from shipway.steps.clean import clean

CONTRACT = Contract(
    target="y",
    key=["id"],
    columns={
        "id": Column(type="integer"),
        "x": Column(type="number", nullable=True),
        "y": Column(type="category", levels=["a", "b"]),
    },
)
SCHEMA = {"id": pl.Int64, "x": pl.Float64, "y": pl.String}


Row = tuple[int, float | None, str]


def cleaned(rows: list[Row], duplicates: Literal["drop", "keep", "fail"] = "drop", said: Said | None = None) -> list[Row]:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    result = clean(Checked(frame, pl.DataFrame(), 0), contract=CONTRACT, progress=said or Said(), duplicates=duplicates)
    return result.rows()


def test_exact_duplicates_are_dropped_and_rows_equal_but_for_the_key_are_kept() -> None:
    said = Said()
    assert cleaned([(1, 1.0, "a"), (1, 1.0, "a"), (2, 1.0, "a")], said=said) == [(1, 1.0, "a"), (2, 1.0, "a")]
    assert said.notes == ["2 rows, 1 duplicates dropped"]
    assert said.warnings == []


def test_dropping_most_of_the_rows_is_warned_of() -> None:
    said = Said()
    cleaned([(1, 1.0, "a")] * 3, said=said)
    assert said.warnings[0].startswith("most rows (2 of 3)")


def test_duplicates_may_be_kept_or_refused() -> None:
    rows: list[Row] = [(1, None, "a"), (1, None, "a")]
    assert cleaned(rows, "keep") == rows
    with pytest.raises(DataError, match="1 rows repeat"):
        cleaned(rows, "fail")


def test_conflicting_labels_are_counted_and_kept() -> None:
    said = Said()
    rows: list[Row] = [(1, None, "a"), (2, None, "b"), (3, 2.0, "a"), (4, 2.0, "a")]
    assert cleaned(rows, said=said) == rows
    assert len(said.warnings) == 1
    assert said.warnings[0].startswith("1 groups of rows (2 rows)")


cells = st.tuples(st.integers(0, 2), st.sampled_from([None, 0.5, 1.0]), st.sampled_from(["a", "b"]))


@given(st.lists(cells, min_size=1))
def test_what_is_left_is_each_row_once_in_the_order_of_first_appearance(rows: list[Row]) -> None:
    assert cleaned(rows) == list(dict.fromkeys(rows))
