from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core import quarantine
from shipway.core.artifacts import ROW, SOURCE
from shipway.core.contract import Column, Contract, read
from shipway.core.errors import UsageError

VISITS = Contract(
    target="back",
    columns={
        "age": Column(type="integer", minimum=0),
        "town": Column(type="category", levels=["Bonn", "Kiel"], closed=True),
        "back": Column(type="category", levels=["no", "yes"]),
    },
)
ROWS = pl.DataFrame(
    {
        "age": ["30", "-1", "x", "40", "-2"],
        "town": ["Bonn", "Jena", "Kiel", "Kiel", "Kiel"],
        "back": ["no", "yes", "no", "yes", "yes"],
        SOURCE: ["a.csv"] * 3 + ["b.csv"] * 2,
        ROW: [1, 2, 3, 1, 2],
    }
)


def apart(rows: pl.DataFrame) -> pl.DataFrame:
    return quarantine.of(rows, read(VISITS, rows.drop(SOURCE, ROW), target=True).broken)


def test_each_broken_rule_is_a_line_with_where_the_row_stood_and_the_row_as_received() -> None:
    found = apart(ROWS)
    assert found.select("source", "row", "column", "rule").rows() == [
        ("a.csv", 2, "age", "minimum"),
        ("a.csv", 2, "town", "level"),
        ("a.csv", 3, "age", "type"),
        ("b.csv", 2, "age", "minimum"),
    ]
    assert json.loads(found["record"][0]) == {"age": "-1", "town": "Jena", "back": "yes"}
    assert quarantine.rows_of(found) == 3


def test_rows_without_a_breach_make_an_empty_quarantine_of_the_same_shape() -> None:
    assert apart(ROWS.head(1)).schema == apart(ROWS).schema
    assert quarantine.mendable(apart(ROWS.head(1))).columns == ["_source", "_row", "_rules"]


def test_reasons_are_counted_and_the_commonest_comes_first() -> None:
    counts = quarantine.reasons(read(VISITS, ROWS.drop(SOURCE, ROW), target=True).broken)
    assert counts.total() == 4
    assert quarantine.commonest(counts)[0] == (("age", "minimum", "expected at least 0, got less"), 2)
    assert quarantine.commonest(Counter()) == []


def test_a_table_to_mend_has_one_line_a_row_and_its_original_columns() -> None:
    table = quarantine.mendable(apart(ROWS))
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
    table = quarantine.mendable(apart(ROWS.with_columns(_row=pl.lit("mine"))))
    assert table.columns[:3] == ["_source", "__row", "_rules"]
    assert table["_row"].to_list() == ["mine"] * 3


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl", ".CSV"])
def test_rows_are_written_so_that_they_can_be_read_back(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"bad{ending}"
    quarantine.save(apart(ROWS), file)
    reader: Any = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".jsonl": pl.read_ndjson}[ending.lower()]
    assert reader(file).select("_source", "_row", "town").rows() == [
        ("a.csv", 2, "Jena"),
        ("a.csv", 3, "Kiel"),
        ("b.csv", 2, "Kiel"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_an_ending_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv, \.parquet, \.jsonl, not in '\.xlsx'"):
        quarantine.save(apart(ROWS), tmp_path / "bad.xlsx")


values: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.lists(st.none())
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "_row"]), values), min_size=1, max_size=4))
def test_rows_with_values_of_any_kind_can_be_mended(records: list[dict[str, Any]]) -> None:
    lines = [("s", row, "a", "type", "m", json.dumps(record, allow_nan=True)) for row, record in enumerate(records)]
    lines = [line for line in lines if "NaN" not in line[-1] and "Infinity" not in line[-1]]
    names = ["source", "row", "column", "rule", "message", "record"]
    table = quarantine.mendable(pl.DataFrame(lines, schema=names, orient="row"))
    assert table.height == len(lines)
    written = table.select(pl.col(pl.String)).write_csv()
    assert pl.read_csv(io.StringIO(written), infer_schema=False).height == len(lines)


def test_what_was_set_apart_can_be_mended_and_fed_back(tmp_path: Path) -> None:
    quarantine.save(apart(ROWS), tmp_path / "bad.csv")
    mended = (tmp_path / "bad.csv").read_text().replace("Jena", "Bonn").replace("-", "").replace(",x,", ",50,")
    reading = read(VISITS, pl.read_csv(io.StringIO(mended), infer_schema=False), target=True)
    assert (reading.breaches, reading.unknown) == ([], ["_source", "_row", "_rules"])
