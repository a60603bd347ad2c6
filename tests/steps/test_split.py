from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.steps.said import Said

from shipway.core.contract import Column, Contract
from shipway.core.errors import DataError, UsageError
from shipway.core.rows import keep
from shipway.steps.split import split

CONTRACT = Contract(
    target="y",
    key=["id"],
    columns={
        "id": Column(type="integer"),
        "x": Column(type="integer", nullable=True),
        "y": Column(type="category", levels=["a", "b", "c"]),
        "who": Column(type="text", role="ignored"),
    },
)


def table(labels: str, xs: list[int | None] | None = None, who: list[str | None] | None = None) -> pl.DataFrame:
    count = len(labels)
    columns = {"id": list(range(count)), "x": xs or list(range(count)), "y": list(labels), "who": who or [None] * count}
    return pl.DataFrame(columns, schema={"id": pl.Int64, "x": pl.Int64, "y": pl.String, "who": pl.String})


def parts(
    rows: pl.DataFrame, said: Said | None = None, contract: Contract = CONTRACT, **given: Any
) -> tuple[pl.DataFrame, pl.DataFrame]:
    with tempfile.TemporaryDirectory() as folder:
        return split(keep(rows, Path(folder)), contract=contract, progress=said or Said(), **given)


def test_each_class_keeps_its_share_in_both_parts_of_an_ordered_table() -> None:
    said = Said()
    training, testing = parts(table("a" * 80 + "b" * 40), said)
    assert testing["y"].value_counts(sort=True).rows() == [("a", 16), ("b", 8)]
    assert training.height == 96
    assert said.notes == ["96 training, 24 testing"]
    assert said.warnings == ["no row has the class 'c'"]


def test_both_parts_are_in_the_order_of_the_rows_and_lose_none() -> None:
    rows = table("ab" * 30)
    training, testing = parts(rows)
    assert training["id"].is_sorted()
    assert pl.concat([training, testing]).sort("id").equals(rows)


def test_the_same_seed_gives_the_same_rows_and_another_one_others() -> None:
    rows = table("ab" * 20)
    assert parts(rows, seed=3)[1]["id"].to_list() == parts(rows, seed=3)[1]["id"].to_list()
    assert parts(rows, seed=3)[1]["id"].to_list() != parts(rows, seed=4)[1]["id"].to_list()


def test_the_draw_is_the_same_on_every_machine() -> None:
    assert parts(table("ab" * 10))[1]["id"].to_list() == [4, 6, 13, 19]


def test_equal_groups_stay_on_one_side_also_through_twins() -> None:
    who = [f"person {place // 3}" for place in range(60)]
    xs: list[int | None] = [0, *range(1, 59), 0]
    training, testing = parts(table("ab" * 30, xs, who), group="who")
    assert not set(training["who"]) & set(testing["who"])
    assert not set(training["x"]) & set(testing["x"])


def test_twins_by_chance_may_be_spread_over_both_parts() -> None:
    few: list[int | None] = [0, 1] * 50
    training, testing = parts(table("aabb" * 25, few), twins="spread")
    assert set(training["x"]) == set(testing["x"]) == {0, 1}
    assert (training.height, testing.height) == (80, 20)


def test_a_class_with_one_group_of_rows_stays_in_training_and_is_named() -> None:
    said = Said()
    training, testing = parts(table("ab" * 10 + "cc", [*range(20), 99, 99]), said)
    assert "c" not in testing["y"].to_list()
    assert training["y"].to_list().count("c") == 2
    assert len(said.warnings) == 1
    assert "'c' (2 rows" in said.warnings[0]


def test_a_class_with_two_rows_is_in_both_parts() -> None:
    training, testing = parts(table("ab" * 20 + "cc"))
    assert "c" in training["y"].to_list()
    assert "c" in testing["y"].to_list()


def test_a_part_with_one_class_only_is_refused() -> None:
    with pytest.raises(DataError, match="only rows of class 'a'"):
        parts(table("a" * 20 + "b"))
    with pytest.raises(DataError, match="no rows"):
        parts(table("ab"))


@pytest.mark.parametrize("given", [{"test_share": 0.0}, {"test_share": 1.0}, {"group": "whom"}, {"group": "y"}])
def test_wrong_settings_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(given))):
        parts(table("ab" * 10), **given)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 30) | st.none(), st.sampled_from("pqrstuvwxyz")), min_size=1, max_size=60
    ),
    st.sampled_from([None, "who"]),
    st.booleans(),
    st.floats(0.1, 0.9),
)
def test_no_twin_and_no_group_is_ever_on_both_sides(
    rows: list[tuple[str, int | None, str]], group: str | None, stratify: bool, share: float
) -> None:
    labels, xs, who = zip(*rows, strict=True)
    given = table("".join(labels), list(xs), list(who))
    try:
        training, testing = parts(given, group=group, stratify=stratify, test_share=share)
    except DataError:
        return
    assert training.height + testing.height == len(rows)
    assert not set(training["x"]) & set(testing["x"])
    assert group is None or not set(training["who"]) & set(testing["who"])


def test_without_strata_the_share_is_kept_over_all_rows() -> None:
    assert parts(table("abc" * 20), stratify=False, test_share=0.25)[1].height == 15


def rare() -> pl.DataFrame:
    """Two common classes and three of one row each, in numbers."""
    labels = [1] * 30 + [2] * 30 + [3, 4, 5]
    return pl.DataFrame({"x": range(63), "y": labels})


RARE = Contract(target="y", columns={"x": Column(type="integer"), "y": Column(type="integer", levels=[1, 2, 3, 4, 5])})


def test_rare_classes_stay_in_training_by_default() -> None:
    said = Said()
    training, testing = parts(rare(), said, RARE)
    assert set(training["y"]) == {1, 2, 3, 4, 5}
    assert set(testing["y"]) == {1, 2}
    assert sum("too rare to split: all in training" in text for text in said.warnings) == 3


def test_rare_classes_are_merged_into_one_that_both_parts_have() -> None:
    said = Said()
    training, testing = parts(rare(), said, RARE, rare_classes="merge")
    assert set(training["y"]) == set(testing["y"]) == {"1", "2", "other"}
    assert "merged into the class 'other': class 3 (1 rows that stay together), class 4" in said.warnings[0]


def test_a_merged_class_takes_no_name_of_a_level() -> None:
    levels: list[Any] = ["other", "other 2", "c", "d"]
    contract = Contract(target="y", columns={"x": Column(type="integer"), "y": Column(type="category", levels=levels)})
    rows = pl.DataFrame({"x": range(42), "y": ["other"] * 20 + ["other 2"] * 20 + ["c", "d"]})
    training, _ = parts(rows, contract=contract, rare_classes="merge")
    assert set(training["y"]) == {"other", "other 2", "other 3"}


def test_a_single_rare_class_has_nothing_to_be_merged_with() -> None:
    said = Said()
    training, testing = parts(rare()[:61], said, RARE, rare_classes="merge")
    assert 3 in training["y"].to_list()
    assert 3 not in testing["y"].to_list()
    assert any("class 3 (1 rows that stay together) is too rare to split: all in training" in text for text in said.warnings)


def test_rare_classes_can_stop_the_run_named_with_their_rows() -> None:
    with pytest.raises(DataError, match=r"class 3 \(1 rows.*class 5.*\"keep\".*\"merge\""):
        parts(rare(), contract=RARE, rare_classes="fail")


def test_merging_needs_strata() -> None:
    with pytest.raises(UsageError, match="needs stratify = true"):
        parts(rare(), contract=RARE, rare_classes="merge", stratify=False)
