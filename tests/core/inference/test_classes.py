from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from tests.core.inference.tables import ROWS, cells

from shipway.core.contract import read
from shipway.core.errors import UsageError
from shipway.core.inference import Guess, infer


def guess(target: list[Any], dtype: Any = pl.String) -> Guess:
    sides = (
        {"x": [str(row % 7) for row in range(len(target))]}
        if dtype == pl.String
        else {"x": [row % 7 for row in range(len(target))]}
    )
    return infer(pl.DataFrame({**sides, "y": pl.Series(target, dtype=dtype)}), target="y")


@pytest.mark.parametrize(
    ("texts", "type_", "levels", "positive"),
    [
        (["no", "yes", "no"], "category", ["no", "yes"], "yes"),
        (["Y", "N", "N"], "category", ["N", "Y"], "Y"),
        (["0", "1", "1"], "integer", [0, 1], 1),
        (["1.0", "2.0", "2.0"], "integer", [1, 2], 1),
        (["-1", "1", "1"], "integer", [-1, 1], 1),
        (["True", "False", "true"], "boolean", [False, True], True),
        ([">50K", "<=50K", "<=50K"], "category", ["<=50K", ">50K"], ">50K"),
        (["b", "a", "a", "c"], "category", ["a", "b", "c"], None),
        (["007", "008", "009"], "category", ["007", "008", "009"], None),
        (["5 stars", "4 stars", "1 stars"], "category", ["1 stars", "4 stars", "5 stars"], None),
        (["None", "Insomnia", "None"], "category", ["Insomnia", "None"], "Insomnia"),
        (["+", "-", "-"], "category", ["+", "-"], "+"),
        ([str(digit) for digit in range(10)], "integer", list(range(10)), None),
        (["3", "4", "4", "5", "6", "9"], "integer", [3, 4, 5, 6, 9], None),
        (["1", "2", "99"], "integer", [1, 2, 99], None),
    ],
)
def test_classes_keep_their_type_and_one_of_two_is_positive(
    texts: list[str], type_: str, levels: list[Any], positive: Any
) -> None:
    found = guess(texts * 20).contract
    target = found.columns["y"]
    assert (target.type, target.levels, target.closed, found.positive) == (type_, levels, True, positive)


def test_whole_numbers_of_which_some_are_rare_are_amounts() -> None:
    months = [str(month) for month in range(40) for _ in range(1 + month)]
    with pytest.raises(UsageError, match="'y' is numeric"):
        guess(months * 10)


@pytest.mark.parametrize("classes", [26, 100])
def test_many_whole_numbers_with_many_rows_each_are_classes(classes: int) -> None:
    levels = guess(cells(lambda draw, row: row % classes, rows=30 * classes)).contract.columns["y"].levels
    assert levels == list(range(classes))


@pytest.mark.parametrize(
    "texts",
    [
        cells(lambda draw, row: draw.random()),
        cells(lambda draw, row: draw.choice(["0.5", "1.0", "1.5"])),
        cells(lambda draw, row: f"{draw.random():.2f}".replace(".", ",")),
        cells(lambda draw, row: f"${draw.randrange(99999):,}"),
        cells(lambda draw, row: draw.randrange(25, 347)),
        cells(lambda draw, row: round(draw.gauss(38, 13)), rows=8000),
        cells(lambda draw, row: round(draw.gauss(10, 3)), rows=4000),
        cells(lambda draw, row: row, rows=8),
    ],
)
def test_a_numeric_target_is_refused_in_one_plain_sentence(texts: list[str]) -> None:
    with pytest.raises(UsageError, match=r"'y' is numeric .*Shipway learns classes, not amounts; choose") as caught:
        guess(texts)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "dtype", "words"),
    [
        (["a"] * 30, pl.String, 'only one class, "a"'),
        (["a", "", "?", None] * 9, pl.String, 'only one class, "a"'),
        (["1"] * 30, pl.String, 'only one class, "1"'),
        ([True] * 30, pl.Boolean, "only one class"),
        (["", " ", None] * 9, pl.String, "missing in every row"),
        (["NA", "?"] * 9, pl.String, "missing in every row"),
        ([f"person {row}" for row in range(50)], pl.String, "50 different texts in 50 rows"),
        ([f"2026-01-{row % 28 + 1:02}" for row in range(90)], pl.String, "dates"),
        ([date(2026, 1, row % 28 + 1) for row in range(90)], pl.Date, "dates"),
        ([0.5, 1.5, 2.5] * 20, pl.Float64, "numeric"),
        ([[1], [2]] * 20, pl.List(pl.Int64), "List"),
    ],
)
def test_a_target_without_classes_is_refused_in_one_sentence(target: list[Any], dtype: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        guess(target, dtype)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_without_a_class_go_to_quarantine_and_are_counted() -> None:
    texts = ["", "NA", "?", *["yes", "no"] * 60]
    found = guess(texts)
    assert found.bad == 3
    assert any("3 rows have no class" in reason for reason in found.reasons["y"])
    reading = read(found.contract, pl.DataFrame({"x": ["1"] * len(texts), "y": texts}), target=True)
    assert [breach.row for breach in reading.breaches] == [0, 1, 2]


def test_more_rows_without_a_class_than_a_run_bears_are_remarked() -> None:
    assert any("max_bad_share" in remark for remark in guess(["", *["yes", "no"] * 3] * 20).remarks)


def test_classes_that_differ_only_in_spelling_are_remarked_and_kept_apart() -> None:
    found = guess([" >50K", " >50K.", " <=50K"] * 20)
    assert found.contract.columns["y"].levels == [" <=50K", " >50K", " >50K."]
    assert '" >50K" and " >50K."' in found.remarks[0]


def test_a_class_of_one_row_below_many_is_remarked() -> None:
    assert any('"[unit]" has one row' in remark for remark in guess(["[unit]", *["yes", "no"] * 60]).remarks)
    assert guess(["a", *["yes", "no"] * 6]).remarks == []


@pytest.mark.parametrize(
    ("target", "dtype", "levels"),
    [
        ([0, 1, 2] * 20, pl.UInt8, [0, 1, 2]),
        ([0.0, 1.0] * 20, pl.Float64, [0, 1]),
        (["a", "b"] * 20, pl.Categorical, ["a", "b"]),
        ([True, False, None] * 20, pl.Boolean, [False, True]),
    ],
)
def test_a_typed_target_has_classes_of_its_type(target: list[Any], dtype: Any, levels: list[Any]) -> None:
    found = guess(target, dtype).contract
    frame = pl.DataFrame({"x": [1] * len(target), "y": pl.Series(target, dtype=dtype)})
    assert found.columns["y"].levels == levels
    assert len(read(found, frame, target=True).breaches) == target.count(None)


def test_a_table_that_nothing_can_be_learned_from_is_refused() -> None:
    frame = pl.DataFrame({"id": [str(row) for row in range(ROWS)], "y": ["a", "b"] * (ROWS // 2)})
    with pytest.raises(UsageError, match="no column is left to learn 'y' from"):
        infer(frame, target="y")
    with pytest.raises(UsageError, match="no column 'z'"):
        infer(frame, target="z")
    with pytest.raises(UsageError, match=r"no column but 'y'.*separator"):
        infer(frame.select("y"), target="y")
    with pytest.raises(UsageError, match="no rows"):
        infer(frame.clear(), target="y")
