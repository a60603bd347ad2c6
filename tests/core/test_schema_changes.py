from __future__ import annotations

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.contract import Column, Contract, read
from shipway.core.quarantine import reasons
from shipway.core.schema_changes import SchemaChange, between, changes, evidence, similarity

FLIGHTS = Contract(
    target="satisfied",
    key=["ticket"],
    columns={
        "ticket": Column(type="text"),
        "Arrival Delay in Minutes": Column(type="integer", nullable=True),
        "Age": Column(type="integer", minimum=0),
        "Class": Column(type="category", levels=["Business", "Eco"]),
        "note": Column(type="text", role="ignored"),
        "satisfied": Column(type="category", levels=["no", "yes"]),
    },
)
NAMES = list(FLIGHTS.columns)


def said(found: list[SchemaChange]) -> list[tuple[str, str, str | None]]:
    return [(change.kind, change.column, change.nearest) for change in found]


def with_column(name: str, **rules: object) -> Contract:
    changed = msgspec.structs.replace(FLIGHTS.columns[name], **rules)
    return msgspec.structs.replace(FLIGHTS, columns={**FLIGHTS.columns, name: changed})


def test_the_same_columns_in_any_order_are_no_change() -> None:
    assert changes(FLIGHTS, NAMES[::-1]) == []
    assert between(FLIGHTS, FLIGHTS) == []


def test_an_ignored_column_may_be_absent() -> None:
    assert changes(FLIGHTS, [name for name in NAMES if name != "note"]) == []


@pytest.mark.parametrize(
    "spelt", ["arrival_delay_in_minutes", "ArrivalDelayInMinutes", "arrival delay (minutes)", "arrival_delay_min"]
)
def test_a_column_under_a_like_name_is_renamed(spelt: str) -> None:
    columns = [spelt if name.startswith("Arrival") else name for name in NAMES]
    (change,) = changes(FLIGHTS, columns)
    assert (change.kind, change.column, change.nearest) == ("renamed", spelt, "Arrival Delay in Minutes")
    assert change.text.startswith("'Arrival Delay in Minutes' is renamed, as it seems: the rows have ")


def test_a_lost_column_names_the_nearest_new_one_and_a_new_one_the_nearest_old_one() -> None:
    found = changes(FLIGHTS, [*(name for name in NAMES if name != "Class"), "Class of travel", "weather"])
    assert said(found) == [("lost", "Class", "Class of travel"), ("new", "Class of travel", "Class"), ("new", "weather", None)]
    assert "the nearest new column is 'Class of travel'" in found[0].text


def test_columns_that_differ_in_their_number_are_different_columns() -> None:
    answers = Contract(target="y", columns={"answer 1": Column(type="text"), "y": Column(type="text", levels=["a", "b"])})
    assert [change.kind for change in changes(answers, ["answer 2", "y"])] == ["lost", "new"]


def test_a_column_whose_cells_can_mostly_not_be_read_is_retyped_and_one_with_some_bad_cells_is_not() -> None:
    rows = pl.DataFrame({name: ["no"] * 10 for name in NAMES}).with_columns(
        pl.Series("Age", ["young"] * 8 + ["40", ""]), pl.Series("Arrival Delay in Minutes", ["5"] * 8 + ["late"] * 2)
    )
    reading = read(FLIGHTS, rows, target=True)
    (change,) = changes(FLIGHTS, NAMES, evidence(reasons(reading.broken), rows.height))
    assert (change.kind, change.column) == ("retyped", "Age")
    assert change.text == "'Age' is retyped: 80% of its cells are text, where the contract expects integer"


@pytest.mark.parametrize(
    ("kind", "text", "name", "rules"),
    [
        ("retyped", "'Age' is retyped from integer to text", "Age", {"type": "text", "minimum": None}),
        ("role", "'Age' was a feature, and is ignored", "Age", {"role": "ignored"}),
        ("nullable", "'Age' may be missing now", "Age", {"nullable": True}),
        ("missing", '\'Age\' had the missing markers "", and has "", "?"', "Age", {"missing": ("", "?")}),
        ("bounds", "'Age' was at least 0, and is at least 18 and at most 99", "Age", {"minimum": 18, "maximum": 99}),
        ("levels", '\'Class\' lost the levels "Eco", and got the levels "First"', "Class", {"levels": ["Business", "First"]}),
        ("levels", "'Class' takes no other levels any more", "Class", {"closed": True}),
        ("spelling", "'Age' is written another way: thousands None -> '.'", "Age", {"thousands": "."}),
    ],
)
def test_each_rule_that_differs_is_a_sentence(kind: str, text: str, name: str, rules: dict[str, object]) -> None:
    found = [change for change in between(FLIGHTS, with_column(name, **rules)) if change.kind == kind]
    assert [(change.column, change.text) for change in found] == [(name, text)]


def test_between_contracts_a_like_name_of_another_type_is_no_renaming() -> None:
    def renamed(column: Column) -> Contract:
        others = {name: each for name, each in FLIGHTS.columns.items() if name != "Age"}
        return msgspec.structs.replace(FLIGHTS, columns={**others, "age": column})

    assert said(between(FLIGHTS, renamed(FLIGHTS.columns["Age"]))) == [("renamed", "age", "Age")]
    assert [change.kind for change in between(FLIGHTS, renamed(Column(type="datetime")))] == ["lost", "new"]


def test_between_contracts_the_same_listed_levels_tell_a_renaming() -> None:
    others = {name: column for name, column in FLIGHTS.columns.items() if name != "Class"}
    renamed = msgspec.structs.replace(FLIGHTS, columns={**others, "cabin": FLIGHTS.columns["Class"]})
    (change,) = between(FLIGHTS, renamed)
    assert (change.kind, change.column, change.nearest) == ("renamed", "cabin", "Class")
    assert change.text.endswith('in its place, with the same levels "Business", "Eco"')


def test_another_positive_class_is_named() -> None:
    (change,) = between(FLIGHTS, msgspec.structs.replace(FLIGHTS, positive="no"))
    assert (change.kind, change.text) == ("target", "the positive class was 'yes', and is 'no'")


names = st.lists(st.text(min_size=1, max_size=12), max_size=8, unique=True)


@given(names, names)
def test_every_column_that_came_or_went_is_named_once_and_no_other(old: list[str], new: list[str]) -> None:
    columns = {name: Column(type="text") for name in old}
    contract = Contract(target="t\n", columns={**columns, "t\n": Column(type="text", levels=["a", "b"])})
    new = [*new, "t\n"] if "t\n" not in new else new
    found = changes(contract, new)
    gone = [change.nearest if change.kind == "renamed" else change.column for change in found if change.kind != "new"]
    come = [change.column for change in found if change.kind != "lost"]
    assert sorted(map(str, gone)) == sorted(set(contract.columns) - set(new))
    assert sorted(come) == sorted(set(new) - set(contract.columns))


@given(st.text(max_size=20), st.text(max_size=20))
def test_similarity_is_a_share_and_one_for_equal_names(one: str, other: str) -> None:
    assert 0 <= similarity(one, other) <= 1
    assert similarity(one, one) == 1
