from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core.rows import Rows, keep
from shipway.core.twins import first_equals

SCHEMA = {"a": pl.Int64, "b": pl.Float64, "c": pl.String}
Row = tuple[int | None, float | None, str | None]
row = st.tuples(st.sampled_from([None, 0, 1]), st.sampled_from([None, 0.5, 0.0]), st.sampled_from([None, "", "x"]))
tables = st.lists(row, min_size=1, max_size=25)


def in_parts(given: list[Row], folder: Path, size: int) -> Rows:
    frame = pl.DataFrame(given, schema=SCHEMA, orient="row")
    for place, part in enumerate(frame.iter_slices(size)):
        part.write_parquet(folder / f"part-{place:05}.parquet")
    return Rows(folder)


def same_hash(frame: pl.DataFrame) -> pl.Series:
    return pl.Series([7], dtype=pl.UInt64).new_from_index(0, frame.height)


def one_of_two(frame: pl.DataFrame) -> pl.Series:
    return frame.hash_rows() % 2


HASHES = [pl.DataFrame.hash_rows, same_hash, one_of_two]


def firsts(given: list[Row]) -> list[int]:
    return [given.index(one) for one in given]


@settings(max_examples=40, deadline=None)
@given(tables, st.integers(1, 9), st.sampled_from(HASHES), st.sampled_from([1, 60, 2**20]))
def test_each_row_is_led_to_the_first_that_equals_it_however_hashes_collide(
    given: list[Row], size: int, hash_of: Callable[[pl.DataFrame], pl.Series], held_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = first_equals(in_parts(given, Path(folder), size), hash_of=hash_of, held_bytes=held_bytes)
    assert (list(range(len(given))) if found is None else found.tolist()) == firsts(given)


def test_rows_are_compared_in_some_columns_where_told(tmp_path: Path) -> None:
    found = first_equals(keep(pl.DataFrame({"a": [1, 2, 1], "b": [1, 2, 3]}), tmp_path), ["a"])
    assert found is not None and found.tolist() == [0, 1, 0]


def test_where_no_two_hashes_are_equal_nothing_is_compared(tmp_path: Path) -> None:
    assert first_equals(keep(pl.DataFrame({"a": [1, 2, 3]}), tmp_path)) is None
