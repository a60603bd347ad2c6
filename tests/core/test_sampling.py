"""A bounded sample of a table of any height."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shipway.core.sampling import thin


def batched(frame: pl.DataFrame, size: int) -> list[pl.DataFrame]:
    return [frame.slice(start, size) for start in range(0, frame.height, size)]


@given(height=st.integers(1, 60), size=st.integers(1, 25))
def test_a_table_within_the_limit_is_kept_whole_and_in_order(height: int, size: int) -> None:
    frame = pl.DataFrame({"y": [str(row % 3) for row in range(height)], "x": [str(row) for row in range(height)]})
    sample, counted = thin(batched(frame, size), limit=60, target="y")
    assert counted == height
    assert_frame_equal(sample, frame)


@given(height=st.integers(101, 500), size=st.integers(1, 90))
def test_a_higher_table_is_thinned_evenly(height: int, size: int) -> None:
    frame = pl.DataFrame({"y": ["a"] * height, "x": [str(row) for row in range(height)]})
    sample, counted = thin(batched(frame, size), limit=100, target="y")
    rows = sample["x"].cast(pl.Int64)
    assert counted == height
    assert 50 <= len(rows) <= 100
    assert rows.diff().drop_nulls().n_unique() == 1


@given(rare=st.integers(0, 999), empty=st.integers(0, 999))
def test_no_class_and_no_empty_cell_is_missed(rare: int, empty: int) -> None:
    classes, cells = ["common"] * 1000, ["1"] * 1000
    classes[rare], cells[empty] = "rare", " "
    sample, _ = thin(batched(pl.DataFrame({"y": classes, "x": cells}), 70), limit=40, target="y")
    assert "rare" in sample["y"]
    assert " " in sample["x"]


def test_no_batch_makes_no_row() -> None:
    assert thin([], limit=10, target="y")[1] == 0
