from __future__ import annotations

import json

import polars as pl
import pytest
from tests.steps.said import Said

from shipway.core.artifacts import ROW, SOURCE, Checked
from shipway.core.contract import Column, Contract
from shipway.core.errors import DataError, UsageError
from shipway.steps.check import check

CONTRACT = Contract(
    target="y",
    key=["id"],
    columns={
        "id": Column(type="text"),
        "age": Column(type="integer", minimum=0),
        "note": Column(type="text", nullable=True),
        "y": Column(type="category", levels=["a", "b"]),
    },
)


def rows(ages: list[str], **others: list[str]) -> pl.DataFrame:
    count = len(ages)
    columns = {"id": [f"r{place}" for place in range(count)], "age": ages, "note": [""] * count, "y": ["a"] * count} | others
    return pl.DataFrame(columns).with_columns(pl.lit("a.csv").alias(SOURCE), pl.int_range(1, count + 1).alias(ROW))


def checked(table: pl.DataFrame, *, max_bad_share: float = 1.0, said: Said | None = None) -> Checked:
    return check(table, contract=CONTRACT, progress=said or Said(), max_bad_share=max_bad_share)


def test_rows_that_keep_the_contract_come_back_typed() -> None:
    said = Said()
    result = checked(rows(["1", "2.0"]), said=said)
    assert result.rows.rows() == [("r0", 1, None, "a"), ("r1", 2, None, "a")]
    assert result.quarantine.is_empty()
    assert said.notes == ["0 quarantined"]
    assert said.warnings == []


def test_a_row_that_breaks_rules_is_quarantined_with_all_its_reasons_and_as_received() -> None:
    result = checked(rows(["1", "-2", "x"], y=["a", "c", "b"]))
    assert result.quarantined == 2
    assert result.rows["id"].to_list() == ["r0"]
    assert result.quarantine.select("source", "row", "column", "rule").rows() == [
        ("a.csv", 2, "age", "minimum"),
        ("a.csv", 2, "y", "level"),
        ("a.csv", 3, "age", "type"),
    ]
    assert json.loads(result.quarantine["record"][0]) == {"id": "r1", "age": "-2", "note": "", "y": "c"}


def test_the_quarantine_has_the_same_columns_empty_or_not() -> None:
    assert checked(rows(["1"])).quarantine.schema == checked(rows(["1", "x"])).quarantine.schema


def test_rows_without_a_target_value_go_to_quarantine() -> None:
    result = checked(rows(["1", "2"], y=["a", ""]))
    assert result.quarantine.select("column", "rule").rows() == [("y", "missing")]


def test_too_many_bad_rows_are_an_error_with_the_commonest_reasons() -> None:
    with pytest.raises(DataError) as caught:
        checked(rows(["1", "x", "y", "-1"]), max_bad_share=0.5)
    assert "3 of 4 rows" in str(caught.value)
    assert "2 x age: expected an integer, got text (type)" in str(caught.value)


def test_no_row_at_all_is_an_error_whatever_the_share() -> None:
    with pytest.raises(DataError, match="2 of 2 rows"):
        checked(rows(["x", "y"]), max_bad_share=1.0)


def test_a_lost_column_is_an_error_that_names_the_nearest_new_one() -> None:
    with pytest.raises(DataError, match=r"no column 'age'.*'Age_'"):
        checked(rows(["1"]).rename({"age": "Age_"}))


def test_new_columns_and_lost_nullable_ones_are_warned_of() -> None:
    said = Said()
    result = checked(rows(["1"]).rename({"note": "NOTE"}), said=said)
    assert result.rows["note"].to_list() == [None]
    assert ["'note'" in said.warnings[0], "'NOTE'" in said.warnings[0], "'NOTE'" in said.warnings[1]] == [True] * 3


def test_a_share_outside_of_zero_to_one_is_refused() -> None:
    with pytest.raises(UsageError, match="max_bad_share"):
        checked(rows(["1"]), max_bad_share=5)


def test_a_record_with_values_that_json_has_no_word_for_is_kept_as_text() -> None:
    table = rows(["x"]).vstack(rows(["1"])).with_columns(age=pl.Series([b"\xff", b"1"]))
    with pytest.raises(DataError, match="got an object"):
        checked(table)
