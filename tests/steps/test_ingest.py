from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.steps.said import Said

from shipway.core.artifacts import ROW, SOURCE, DataVersion, Origin, Received
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import Staging
from shipway.core.rows import BATCH_ROWS
from shipway.steps.combine import combine
from shipway.steps.ingest import ingest


class Frames:
    """A source of frames that are there already."""

    def __init__(self, *batches: tuple[str, int, pl.DataFrame]) -> None:
        self.given = batches

    def batches(self, progress: object) -> Iterator[tuple[str, int, pl.DataFrame]]:
        yield from self.given

    def describe(self) -> Mapping[str, Any]:
        return {"source": "frames", "positions": {"a.csv": 2}, "stand_in": True}

    def fingerprint(self) -> str:
        return "fixed"


class Folders:
    """Data versions that are folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, version: DataVersion) -> Path:
        return self.folder


VERSION = DataVersion(name="x/2026-11", hash="", path="data/x", origin=Origin(source="frames", rows=3))
FIRST = ("a.csv", 1, pl.DataFrame({"x": ["1", " "], "y": ["a", "b"]}))
SECOND = ("b.csv", 4, pl.DataFrame({"x": ["3"], "z": ["new"]}))


def received(folder: Path, *batches: tuple[str, int, pl.DataFrame], said: Said | None = None) -> Received:
    folder.mkdir(exist_ok=True)
    return ingest(source=Frames(*batches), staging=Staging(folder), progress=said or Said())


def combined(folder: Path, said: Said | None = None, where: str | None = None) -> pl.DataFrame:
    staging = Staging(Path(tempfile.mkdtemp(dir=folder)))
    return combine(VERSION, versions=Folders(folder), staging=staging, progress=said or Said(), where=where).frame()


def test_rows_are_staged_as_received_with_where_they_stood(tmp_path: Path) -> None:
    said = Said()
    result = received(tmp_path, FIRST, SECOND, said=said)
    parts = [pl.read_parquet(path) for path in sorted(tmp_path.glob("part-*.parquet"))]
    assert parts[0].rows() == [("1", "a", "a.csv", 1), (" ", "b", "a.csv", 2)]
    assert parts[1].columns == ["x", "z", SOURCE, ROW]
    assert result.origin == Origin(source="frames", rows=3, positions={"a.csv": 2}, stand_in=True)
    assert said.notes == ["3 rows"]


def test_a_source_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'frames' has no rows"):
        received(tmp_path, ("a.csv", 1, pl.DataFrame({"x": []})))


def test_a_column_with_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="rename"):
        received(tmp_path, ("a.csv", 1, pl.DataFrame({ROW: [1]})))


def test_parts_with_other_columns_are_put_under_each_other(tmp_path: Path) -> None:
    received(tmp_path, FIRST, SECOND)
    rows = combined(tmp_path)
    assert rows.columns == ["x", "y", "z", SOURCE, ROW]
    assert rows["z"].to_list() == [None, None, "new"]
    assert rows[ROW].to_list() == [1, 2, 4]


def test_a_condition_keeps_rows_with_their_places(tmp_path: Path) -> None:
    received(tmp_path, FIRST, SECOND)
    said = Said()
    rows = combined(tmp_path, said, where="x = '3' OR y = 'a'")
    assert rows[ROW].to_list() == [1, 4]
    assert said.notes == ["2 of 3 rows"]


@pytest.mark.parametrize("where", ["x =", "nowhere = 1", "x", "x + 1 ="])
def test_what_is_no_condition_is_refused(tmp_path: Path, where: str) -> None:
    received(tmp_path, FIRST)
    with pytest.raises(UsageError, match="is no condition"):
        combined(tmp_path, where=where)


def test_a_condition_that_no_row_meets_is_refused(tmp_path: Path) -> None:
    received(tmp_path, FIRST)
    with pytest.raises(DataError, match="leaves none of the 2 rows"):
        combined(tmp_path, where="x = 'none'")


def test_a_number_beside_texts_of_another_part_is_spelled_as_the_contract_spells_it(tmp_path: Path) -> None:
    received(tmp_path, FIRST, ("b.parquet", 1, pl.DataFrame({"x": [84.0, 0.5]})))
    rows = combined(tmp_path)
    assert rows["x"].to_list() == ["1", " ", "84", "0.5"]


def test_enumerations_with_other_levels_fit_together(tmp_path: Path) -> None:
    parts = (pl.DataFrame({"x": pl.Series([level], dtype=pl.Enum([level]))}) for level in "ab")
    received(tmp_path, *((f"{place}.parquet", 1, part) for place, part in enumerate(parts)))
    assert combined(tmp_path)["x"].to_list() == ["a", "b"]


def test_dates_of_one_part_do_not_become_numbers_beside_those_of_another(tmp_path: Path) -> None:
    received(tmp_path, ("a.parquet", 1, pl.DataFrame({"x": [1.0]})), ("b.parquet", 1, pl.DataFrame({"x": [date(2026, 1, 2)]})))
    with pytest.raises(DataError, match="'x' holds dates or times and numbers"):
        combined(tmp_path)


def test_parts_of_one_kind_are_linked_and_not_written_again(tmp_path: Path) -> None:
    result = received(tmp_path / "parts", FIRST, ("b.csv", 1, FIRST[2]))
    staging = Staging(tmp_path / "staging")
    staging.mkdir()
    rows = combine(VERSION, versions=Folders(result.folder), staging=staging, progress=Said())
    assert [part.stat().st_ino for part in rows.parts] == [part.stat().st_ino for part in sorted(result.folder.glob("*.parquet"))]


def test_a_large_batch_is_staged_in_parts_that_keep_where_each_row_stood(tmp_path: Path) -> None:
    count = BATCH_ROWS + 1
    result = received(tmp_path, ("a.csv", 5, pl.DataFrame({"x": ["1"] * count})))
    parts = [pl.read_parquet(path) for path in sorted(result.folder.glob("part-*.parquet"))]
    assert [part.height for part in parts] == [BATCH_ROWS, 1]
    assert parts[1][ROW].to_list() == [5 + BATCH_ROWS]
