from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core import likeness
from shipway.core.contract import Column, Contract, Type
from shipway.core.likeness import Traits
from shipway.core.profile import measure


def seen(values: list[object], type: Type) -> Traits:
    """The traits of a column with these values."""
    contract = Contract(target="", columns={"a": Column(type=type, nullable=True)})
    frame = pl.DataFrame({"a": values})
    return likeness.traits(contract.columns["a"], measure(contract, frame).columns["a"])


def declared(**rules: object) -> Traits:
    return likeness.traits(Column(**rules))  # type: ignore[arg-type]


SIZES = ["S", "M", "L"] * 40


def test_the_same_levels_in_the_same_shares_are_evidence() -> None:
    assert (
        likeness.evidence(seen(SIZES, "category"), seen([*SIZES, "S"], "category"))
        == 'with the levels "L", "M", "S" in the same shares, but for 0.6% of the rows'
    )


def test_the_same_levels_in_other_shares_are_none() -> None:
    assert not likeness.evidence(seen(SIZES, "category"), seen([*SIZES, *["S"] * 200], "category"))


def test_levels_that_a_contract_lists_are_evidence_without_shares() -> None:
    old = declared(type="category", levels=["S", "M", "L", "XL", "XXL"])
    assert likeness.evidence(old, seen([*SIZES, "XL"], "category")) == 'with the same levels "S", "M", "L", "XL"'
    assert not likeness.evidence(old, seen(SIZES, "category"))


def test_numbers_with_the_same_distribution_are_alike_and_shifted_ones_are_not() -> None:
    old = seen([n % 101 for n in range(1010)], "integer")
    assert likeness.evidence(old, seen([n % 101 + 1.5 for n in range(909)], "number")) == (
        "with nearly the same distribution: quartiles 26.5 51.5 76.5, and 25 50 75 before"
    )
    assert not likeness.evidence(old, seen([n % 101 + 20 for n in range(900)], "integer"))


def test_values_that_fill_a_declared_range_are_alike_and_those_in_a_corner_of_it_are_not() -> None:
    old = declared(type="integer", minimum=0, maximum=5)
    assert likeness.evidence(old, seen([0, 1, 2, 3, 4, 5], "integer")) == "with values that fill the declared range from 0 to 5"
    assert not likeness.evidence(old, seen([0, 1, 1, 0], "integer"))
    assert likeness.evidence(old, declared(type="number", minimum=0, maximum=5)) == "with the same bounds, from 0 to 5"


@pytest.mark.parametrize("other", ["integer", "datetime"])
def test_columns_of_different_kinds_are_never_alike(other: Type) -> None:
    assert not likeness.evidence(declared(type="category", levels=[1, 2]), declared(type=other, minimum=1, maximum=2))


def test_a_column_like_two_others_is_like_none() -> None:
    answer = seen(["no", "yes"] * 50, "category")
    assert likeness.matches({"paid": answer}, {"settled": answer}).keys() == {("paid", "settled")}
    assert likeness.matches({"paid": answer}, {"settled": answer, "owes": answer}) == {}
    assert likeness.matches({"paid": answer, "owes": answer}, {"settled": answer}) == {}


columns = st.one_of(
    st.lists(st.sampled_from("abcd") | st.none(), min_size=1, max_size=30).map(lambda values: seen(list(values), "category")),
    st.lists(st.integers(-9, 9) | st.none(), min_size=1, max_size=30).map(lambda values: seen(list(values), "integer")),
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from("klmn"), columns), st.dictionaries(st.sampled_from("wxyz"), columns))
def test_each_column_is_matched_at_most_once(lost: dict[str, Traits], new: dict[str, Traits]) -> None:
    found = likeness.matches(lost, new)
    assert len({old for old, _ in found}) == len({name for _, name in found}) == len(found)
    assert all(why.startswith("with ") for why in found.values())
