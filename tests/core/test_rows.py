from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core import rows as rows_module
from shipway.core.rows import Rows, RowsWriter, keep


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 12))
def test_batches_give_each_row_once_in_order_however_the_parts_are_cut(heights: list[int], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "BATCH_ROWS", size)
        start = 0
        for place, height in enumerate(heights):
            pl.DataFrame({"x": range(start, start + height), "y": ["a"] * height}).cast(
                {"x": pl.Int64, "y": pl.String}
            ).write_parquet(Path(folder) / f"part-{place:05}.parquet")
            start += height
        rows = Rows(Path(folder))
        batches = list(rows.batches())
        assert [value for batch in batches for value in batch["x"].to_list()] == list(range(start))
        assert rows.frame()["x"].to_list() == list(range(start))
        assert rows.height == start
        assert all(0 < batch.height <= 2 * size for batch in batches)
        assert [batch.columns for batch in rows.batches(["y"])] == [["y"]] * len(batches)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=9), st.integers(1, 9))
def test_what_is_written_in_pieces_comes_back_whole(heights: list[int], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "BATCH_ROWS", size)
        writer = RowsWriter(Path(folder))
        frames = [pl.DataFrame({"x": [float(place)] * height}, schema={"x": pl.Float64}) for place, height in enumerate(heights)]
        for frame in frames:
            writer.write(frame)
        rows = writer.finish()
        assert rows.frame().equals(pl.concat(frames))
        assert len(rows.parts) <= max(1, -(-sum(heights) // size))


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    rows = keep(pl.DataFrame(schema={"x": pl.Int64, "y": pl.String}), tmp_path)
    assert (rows.height, rows.columns, rows.frame().height, list(rows.batches())) == (0, ["x", "y"], 0, [])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40), st.integers(1, 50), st.integers(1, 9))
def test_a_sample_is_even_and_names_the_places_of_its_rows(height: int, at_most: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "BATCH_ROWS", size)
        rows = keep(pl.DataFrame({"x": pl.int_range(height, eager=True)}), Path(folder))
        frame, places = rows.sample(at_most)
    assert frame["x"].to_list() == places.to_list()
    assert frame.height == min(height, at_most)
    gaps = places.diff().drop_nulls()
    assert gaps.is_empty() or gaps.max() - gaps.min() <= 1  # type: ignore[operator]


def test_rows_are_kept_by_linking_their_parts(tmp_path: Path) -> None:
    rows = keep(pl.DataFrame({"x": [1]}), tmp_path / "a")
    (tmp_path / "b").mkdir()
    rows.save(tmp_path / "b")
    assert Rows.load(tmp_path / "b").parts[0].stat().st_ino == rows.parts[0].stat().st_ino


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 9))
def test_chosen_rows_come_in_order(wanted: list[bool], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "BATCH_ROWS", size)
        rows = keep(pl.DataFrame({"x": range(len(wanted))}), Path(folder))
        found = [value for batch in rows.chosen(np.array(wanted)) for value in batch["x"].to_list()]
    assert found == [place for place, one in enumerate(wanted) if one]
