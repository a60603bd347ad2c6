from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.test_quarantine import ROWS, VISITS, apart

from shipway.core import mending, quarantine
from shipway.core.contract import read
from shipway.core.errors import UsageError


def mendable(part: pl.DataFrame) -> pl.DataFrame:
    return mending.mendable(part, mending.types_of([part]))


def save(part: pl.DataFrame, file: Path) -> None:
    """Written line by line, as parts of one line."""
    mending.save(lambda: part.iter_slices(1), file)


def test_a_quarantine_without_rows_makes_a_table_without_rows() -> None:
    assert mendable(quarantine.empty()).columns == ["_source", "_row", "_rules"]


def test_a_table_to_mend_has_one_line_a_row_and_its_original_columns() -> None:
    table = mendable(apart(ROWS))
    assert table.columns == ["_source", "_row", "_rules", "age", "town", "back"]
    assert table.row(0) == (
        "a.csv",
        2,
        'age: expected at least 0, got less; town: expected one of "Bonn", "Kiel", got another',
        "-1",
        "Jena",
        "yes",
    )


def test_a_column_that_is_called_like_one_of_ours_keeps_its_name() -> None:
    table = mendable(apart(ROWS.with_columns(_row=pl.lit("mine"))))
    assert table.columns[:3] == ["_source", "__row", "_rules"]
    assert table["_row"].to_list() == ["mine"] * 3


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl", ".CSV"])
def test_rows_are_written_so_that_they_can_be_read_back(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"bad{ending}"
    save(apart(ROWS), file)
    reader: Any = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".jsonl": pl.read_ndjson}[ending.lower()]
    assert reader(file).select("_source", "_row", "town").rows() == [
        ("a.csv", 2, "Jena"),
        ("a.csv", 3, "Kiel"),
        ("b.csv", 2, "Kiel"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_an_ending_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv, \.parquet, \.jsonl, not in '\.xlsx'"):
        save(apart(ROWS), tmp_path / "bad.xlsx")


values: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.lists(st.none())
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "_row"]), values), min_size=1, max_size=4))
def test_rows_with_values_of_any_kind_can_be_mended(records: list[dict[str, Any]]) -> None:
    lines = [("s", row, "a", "type", "m", json.dumps(record, allow_nan=True)) for row, record in enumerate(records)]
    lines = [line for line in lines if "NaN" not in line[-1] and "Infinity" not in line[-1]]
    names = ["source", "row", "column", "rule", "message", "record"]
    table = mendable(pl.DataFrame(lines, schema=names, orient="row"))
    assert table.height == len(lines)
    written = table.select(pl.col(pl.String)).write_csv()
    assert pl.read_csv(io.StringIO(written), infer_schema=False).height == len(lines)


def test_what_was_set_apart_can_be_mended_and_fed_back(tmp_path: Path) -> None:
    save(apart(ROWS), tmp_path / "bad.csv")
    mended = (tmp_path / "bad.csv").read_text().replace("Jena", "Bonn").replace("-", "").replace(",x,", ",50,")
    reading = read(VISITS, pl.read_csv(io.StringIO(mended), infer_schema=False), target=True)
    assert (reading.breaches, reading.unknown) == ([], ["_source", "_row", "_rules"])


def test_values_whose_kind_changes_from_part_to_part_are_text_in_all(tmp_path: Path) -> None:
    lines = [("s", row, "a", "type", "m", json.dumps({"a": value})) for row, value in enumerate([1, "x", None])]
    save(pl.DataFrame(lines, schema=quarantine.empty().schema, orient="row"), tmp_path / "bad.parquet")
    assert pl.read_parquet(tmp_path / "bad.parquet")["a"].to_list() == ["1", "x", None]


def test_a_table_that_can_not_be_finished_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("as it was")

    def parts() -> Any:
        yield apart(ROWS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mending.save(parts, file)
    assert (file.read_text(), [path.name for path in tmp_path.iterdir()]) == ("as it was", ["bad.csv"])


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere"):
        save(apart(ROWS), tmp_path / "nowhere/bad.csv")
