from __future__ import annotations

import itertools
import json
import tempfile
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.steps.said import Said

from shipway.core.artifacts import ROW, SOURCE, Checked
from shipway.core.contract import Column, Contract
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import Staging
from shipway.core.rows import Rows
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def rows(ages: list[str], **others: list[str]) -> pl.DataFrame:
    count = len(ages)
    columns = {"id": [f"r{place}" for place in range(count)], "age": ages, "note": [""] * count, "y": ["a"] * count} | others
    return pl.DataFrame(columns).with_columns(pl.lit("a.csv").alias(SOURCE), pl.int_range(1, count + 1).alias(ROW))


def in_parts(table: pl.DataFrame, folder: Path, cuts: list[int]) -> Rows:
    """*table* as parts that end at *cuts*; a part may be empty."""
    folder.mkdir()
    bounds = [0, *sorted(cuts), table.height]
    for place, (start, end) in enumerate(itertools.pairwise(bounds)):
        table[start:end].write_parquet(folder / f"part-{place:05}.parquet")
    return Rows(folder)


class Read:
    """A `Checked` that was read before its folder went."""

    def __init__(self, result: Checked) -> None:
        self.rows, self.quarantine = result.rows.frame(), result.quarantine
        self.quarantined, self.changes, self.received = result.quarantined, result.changes, result.examined.received


def checked(
    table: pl.DataFrame,
    *,
    max_bad_share: float = 1.0,
    said: Said | None = None,
    cuts: list[int] | None = None,
    contract: Contract = CONTRACT,
) -> Read:
    with tempfile.TemporaryDirectory() as scratch:
        staging = Path(scratch) / "staging"
        staging.mkdir()
        given = in_parts(table, Path(scratch) / "rows", cuts or [])
        result = check(given, contract=contract, staging=Staging(staging), progress=said or Said(), max_bad_share=max_bad_share)
        kept = Path(scratch) / "kept"
        kept.mkdir()
        result.save(kept)
        return Read(Checked.load(kept))


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
        checked(rows(["1", "x", "y", "-1"]), max_bad_share=0.5, cuts=[1, 2])
    assert "3 of 4 rows" in str(caught.value)
    assert "2 x age: expected an integer, got text (type)" in str(caught.value)


def test_no_row_at_all_is_an_error_whatever_the_share() -> None:
    with pytest.raises(DataError, match="2 of 2 rows"):
        checked(rows(["x", "y"]), max_bad_share=1.0)


def test_a_lost_column_is_an_error_that_names_the_nearest_new_one() -> None:
    with pytest.raises(DataError, match=r"'age' is renamed.*'Age_'"):
        checked(rows(["1"]).rename({"age": "Age_"}))


def test_a_lost_column_whose_values_stand_under_another_name_is_named_with_it() -> None:
    levels = Contract(
        target="y", key=["id"], columns={**CONTRACT.columns, "size": Column(type="category", levels=["S", "M", "L"])}
    )
    table = rows(["30"] * 6, **{"how big": ["S", "M", "L"] * 2})
    with pytest.raises(
        DataError, match="'size' is renamed, as it seems: the rows have 'how big' in its place, with the same lev"
    ):
        checked(table, contract=levels)


def test_levels_that_an_open_list_does_not_have_are_counted_and_warned_of_and_their_rows_kept() -> None:
    sizes = Contract(target="y", columns={**CONTRACT.columns, "size": Column(type="category", levels=["S", "M"])}, key=["id"])
    said = Said()
    result = checked(rows(["1"] * 4, size=["S", "XL", "XL", "XS"]), contract=sizes, said=said)
    assert result.rows["size"].to_list() == ["S", "XL", "XL", "XS"]
    (warning,) = said.warnings
    assert warning.startswith('\'size\' has levels that the contract does not list ("XL", "XS") in 3 rows, which are kept')


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


def test_a_typed_record_is_kept_as_json() -> None:
    table = rows(["1", "2"]).with_columns(age=pl.Series([1.5, 2.0]), note=pl.date(2026, 1, 2))
    contract = Contract(
        target="y", columns={"age": Column(type="integer"), "note": Column(type="datetime"), "y": CONTRACT.columns["y"]}
    )
    assert json.loads(checked(table, contract=contract).quarantine["record"][0]) == {
        "id": "r0",
        "age": 1.5,
        "note": "2026-01-02",
        "y": "a",
    }


def test_cells_read_as_missing_and_numbers_spelled_otherwise_are_counted_on_the_rows_that_are_kept() -> None:
    contract = Contract(
        target="y",
        columns={
            "age": Column(type="integer", nullable=True, missing=("", "?", "-9")),
            "share": Column(type="number"),
            "note": Column(type="text", nullable=True),
            "y": CONTRACT.columns["y"],
        },
    )
    ages, shares = ["1", "2.0", " 3", "?", "-9", "", "4.0"], ["1", "2", "0.5 ", "1", "1", "1", "x"]
    result = checked(rows(ages, share=shares, note=["", "n", "", "n", "n", "n", ""]), contract=contract, cuts=[3])
    assert [(change.column, change.what, change.cells) for change in result.changes] == [
        ("age", '"" read as missing', 1),
        ("age", '"-9" read as missing', 1),
        ("age", '"?" read as missing', 1),
        ("age", "respelled as a number", 2),
        ("share", "respelled as a number", 1),
        ("note", '"" read as missing', 2),
    ]
    assert result.rows["age"].to_list() == [1, 2, 3, None, None, None]
    assert result.rows["share"].to_list() == [1, 2, 0.5, 1, 1, 1]


def test_typed_markers_are_counted_by_their_canonical_text() -> None:
    contract = Contract(
        target="y", columns={"x": Column(type="number", nullable=True, missing=("-1",)), "y": CONTRACT.columns["y"]}
    )
    result = checked(rows(["1", "1"], x=[-1.0, 2.0]), contract=contract)  # type: ignore[list-item]
    assert [(change.what, change.cells) for change in result.changes] == [('"-1" read as missing', 1)]


cells = st.sampled_from(["1", "2", "3.0", " 4", "-5", "x", "", "6e1"])
labels = st.sampled_from(["a", "b", "a", "b", "c", ""])
tables = st.lists(st.tuples(cells, labels), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(tables, st.lists(st.integers(0, 12), max_size=4))
def test_many_parts_are_checked_as_one_is_and_no_row_is_lost(given: list[tuple[str, str]], cuts: list[int]) -> None:
    table = rows(["0", *(age for age, _ in given)], y=["a", *(label for _, label in given)])
    result, whole = checked(table, cuts=[min(cut, table.height) for cut in cuts]), checked(table)
    assert result.rows.equals(whole.rows)
    assert result.quarantine.equals(whole.quarantine)
    assert result.changes == whole.changes
    assert result.received == table.height == result.rows.height + result.quarantined
    places = result.quarantine.unique("row")
    kept = [int(name[1:]) + 1 for name in result.rows["id"].to_list()]
    assert sorted([*places["row"].to_list(), *kept]) == list(range(1, table.height + 1))
    received = {row: dict(zip(table.columns, values, strict=True)) for row, values in enumerate(table.rows(), start=1)}
    for row, record in places.select("row", "record").rows():
        assert json.loads(record) == {name: received[row][name] for name in ("id", "age", "note", "y")}
    assert Counter(places["source"].to_list()) == Counter({"a.csv": result.quarantined} if result.quarantined else {})
