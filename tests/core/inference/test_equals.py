from __future__ import annotations

import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core.inference import equals, infer


def people(rows: int = 800, amounts: bool = False) -> pl.DataFrame:
    """Cases told by three columns of few levels, the first of which matters; with *amounts* by one of many values too."""
    draw = random.Random(0)
    cabin = [draw.choice(["first", "second", "third", "crew"]) for _ in range(rows)]
    columns = {
        "cabin": cabin,
        "sex": [draw.choice(["woman", "man", "man", "man"]) for _ in range(rows)],
        "age": [draw.choice(["child", *["adult"] * 9]) for _ in range(rows)],
        "saved": ["yes" if draw.random() < (0.6 if one == "first" else 0.3) else "no" for one in cabin],
    }
    if amounts:
        columns["fare"] = [f"{draw.gauss(30, 9):.2f}" for _ in range(rows)]
    return pl.DataFrame(columns)


def why(frame: pl.DataFrame) -> str | None:
    return equals.by_chance(frame, frame.columns, "saved")


def test_equal_rows_of_columns_with_few_values_are_chance() -> None:
    assert (why(people()) or "").startswith("770 of 800 rows equal an earlier one")


def test_rows_that_come_twice_in_a_table_of_amounts_are_repeats() -> None:
    frame = people(amounts=True)
    assert why(frame) is None
    assert why(pl.concat([frame, frame])) is None


def test_few_equal_rows_are_not_worth_a_word() -> None:
    frame = people(amounts=True)
    assert why(pl.concat([frame, frame.head(20)])) is None


def test_columns_that_say_the_same_do_not_make_repeats_of_chance_alone() -> None:
    frame = people().with_columns(again=pl.col("sex").replace_strict({"woman": "f", "man": "m"}))
    assert why(frame) is not None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", None]), st.sampled_from(["p", "q"])), max_size=20), st.randoms())
def test_the_order_of_rows_plays_no_part(rows: list[tuple[str | None, str]], draw: random.Random) -> None:
    shuffled = draw.sample(rows, len(rows))
    one, other = (pl.DataFrame(each, schema=["x", "saved"], orient="row") for each in (rows, shuffled))
    assert why(one) == why(other)


def test_with_a_key_no_equal_rows_are_left_to_keep_but_twins_are_spread() -> None:
    frame = people()
    bare, keyed = infer(frame, target="saved"), infer(frame.with_row_index("row_id", 1), target="saved")
    assert (bare.repeats is None, bare.twins is None) == (False, False)
    assert (keyed.repeats is None, keyed.twins is None) == (True, False)
