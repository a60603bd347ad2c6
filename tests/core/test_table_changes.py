from __future__ import annotations

import polars as pl
import pytest

from shipway.core import table_changes
from shipway.core.contract import Column, Contract, read
from shipway.core.profile import measure
from shipway.core.schema_changes import SchemaChange

ROWS = 200
VISITS = Contract(
    target="back",
    key=["visit"],
    columns={
        "visit": Column(type="text"),
        "pages": Column(type="integer", minimum=0, maximum=50),
        "minutes": Column(type="number", nullable=True),
        "device": Column(type="category", levels=["desk", "phone"]),
        "when": Column(type="datetime", format="%d/%m/%Y"),
        "browser": Column(type="category"),
        "back": Column(type="category", levels=["no", "yes"]),
    },
)
TABLE = pl.DataFrame(
    {
        "visit": [f"v{n}" for n in range(ROWS)],
        "pages": [str(n % 51) for n in range(ROWS)],
        "minutes": [f"{n % 90 + 0.5}" for n in range(ROWS)],
        "device": [("desk", "phone")[n % 2] for n in range(ROWS)],
        "when": [f"{n % 28 + 1:02}/05/2026" for n in range(ROWS)],
        "browser": [("edge", "fox", "safe", "lynx")[n % 4] for n in range(ROWS)],
        "back": [("no", "yes")[n % 3 == 0] for n in range(ROWS)],
    }
)


def found(table: pl.DataFrame, *, trained: bool = False) -> list[SchemaChange]:
    before = measure(VISITS, read(VISITS, TABLE, target=True).frame) if trained else None
    return table_changes.changes(VISITS, table_changes.observe(VISITS, table), before)


def with_cells(name: str, *values: str) -> pl.DataFrame:
    """The table with the first cells of one column replaced."""
    return TABLE.with_columns(pl.Series(name, [*values, *TABLE[name][len(values) :]]))


def test_a_table_that_has_what_the_contract_expects_is_no_change() -> None:
    assert found(TABLE) == found(TABLE, trained=True) == []


def test_whole_numbers_in_a_column_of_numbers_and_no_gap_where_one_may_be_are_no_change() -> None:
    assert found(TABLE.with_columns(minutes=TABLE["pages"])) == []


@pytest.mark.parametrize(
    ("kind", "text", "table"),
    [
        (
            "retyped",
            "'pages' is retyped from integer to number: 100.0% of its cells can't be read as integer",
            TABLE.with_columns(pages="minutes"),
        ),
        ("retyped", "'browser' is retyped from category to number: as its values show", TABLE.with_columns(browser="minutes")),
        ("retyped", "'device' is retyped from category to integer: as its values show", TABLE.with_columns(device="pages")),
        (
            "nullable",
            "'pages' is missing in 2 of 200 rows, where the contract wants a value in each",
            with_cells("pages", "", ""),
        ),
        (
            "missing",
            "'minutes' has \"n/a\" where there is no value, as it seems, which the contract does not list as missing",
            with_cells("minutes", *["n/a"] * 9),
        ),
        (
            "bounds",
            "'pages' is out of bounds in 2 of 200 rows, where the contract wants at least 0 and at most 50",
            with_cells("pages", "-1", "99"),
        ),
        (
            "levels",
            '\'device\' lacks the levels "desk", and has the levels "desktop" in 100 of 200 rows, which',
            TABLE.with_columns(pl.col("device").replace("desk", "desktop")),
        ),
        (
            "levels",
            "'back' has the levels \"maybe\" in 1 of 200 rows, which the contract does not list",
            with_cells("back", "maybe"),
        ),
        (
            "spelling",
            "'minutes' is written another way: decimal '.' -> ','",
            TABLE.with_columns(pl.col("minutes").str.replace(".", ",", literal=True)),
        ),
    ],
)
def test_each_difference_of_values_is_a_sentence(kind: str, text: str, table: pl.DataFrame) -> None:
    changes = found(table)
    assert any(change.kind == kind and change.text.startswith(text) for change in changes), changes


def test_a_column_under_another_name_is_told_by_its_levels() -> None:
    (change,) = found(TABLE.rename({"device": "gadget"}))
    assert (change.kind, change.column, change.nearest) == ("renamed", "gadget", "device")
    assert change.text.endswith('the rows have \'gadget\' in its place, with the same levels "desk", "phone"')


def test_what_a_model_learned_from_tells_a_renamed_column_that_the_contract_says_little_of() -> None:
    renamed = TABLE.rename({"minutes": "duration", "browser": "agent"})
    assert {change.kind for change in found(renamed)} == {"lost", "new"}
    changes = found(renamed, trained=True)
    assert [(change.kind, change.nearest, change.column) for change in changes] == [
        ("renamed", "minutes", "duration"),
        ("renamed", "browser", "agent"),
    ]
    assert "nearly the same distribution: quartiles" in changes[0].text
    assert '"edge", "fox", "lynx", "safe" in the same shares' in changes[1].text


def test_columns_come_before_types_and_types_before_the_rest() -> None:
    table = with_cells("pages", "-1").with_columns(browser="minutes", weather=pl.lit("wet"))
    assert [(change.kind, change.column) for change in found(table)] == [
        ("new", "weather"),
        ("retyped", "browser"),
        ("bounds", "pages"),
    ]
