from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from tests.core.inference.tables import ROWS, cells, column, guess

from shipway.core.inference import infer


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("customerID", cells(lambda draw, row: f"{draw.randrange(9999):04}-{draw.choice('ABCD')}{row}")),
        ("PassengerId", cells(lambda draw, row: 7 * row + draw.randrange(7))),
        (
            "loan_id",
            [str(number) for number in sorted(range(1000, 1000 + 97 * ROWS, 97), key=lambda number: number * 7919 % 1013)],
        ),
        ("userid", cells(lambda draw, row: draw.getrandbits(60))),
        ("uuid", cells(lambda draw, row: f"{draw.getrandbits(128):032x}")),
        ("token", cells(lambda draw, row: f"{draw.getrandbits(64):016x}")),
        ("ticket", cells(lambda draw, row: f"INV-{draw.randrange(10**9)}")),
        ("row", cells(lambda draw, row: row + 1)),
        ("n", [str(number) for number in sorted(range(1000), key=lambda number: number * 7919 % 1013)]),
        ("n", cells(lambda draw, row: row + row // 3)),
        ("Unnamed: 0", cells(lambda draw, row: row)),
        ("column_1", cells(lambda draw, row: row, rows=8)),
        ("", cells(lambda draw, row: draw.randrange(100) + 100 * row)),
        ("", cells(lambda draw, row: f"{draw.choice(['Audi', 'Ford', 'Fiat'])} {draw.random()}")),
    ],
)
def test_an_identifier_is_a_key_and_says_how_to_learn_from_it(name: str, texts: list[str]) -> None:
    found = guess({name: texts})
    assert found.contract.key == [name]
    assert "take it out of `key`" in found.reasons[name][0]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("x", cells(lambda draw, row: row / 7 + draw.random())),
        ("index", cells(lambda draw, row: 100 * draw.random())),
        ("price", [str(number) for number in sorted(range(5, 5 + 31 * ROWS, 31), key=lambda number: number * 7919 % 1013)]),
        ("wealth rank", [str(number) for number in sorted(range(ROWS), key=lambda number: number * 7919 % 1013)]),
        ("year", cells(lambda draw, row: 1800 + row)),
        ("age", cells(lambda draw, row: 20 + 3 * row % 23, rows=12)),
        ("number_of_rooms", cells(lambda draw, row: 5 * row + draw.randrange(5))),
        ("id", cells(lambda draw, row: row // 2)),
        ("paid", cells(lambda draw, row: 9 * row + draw.randrange(1, 9) - 70)),
    ],
)
def test_a_measurement_is_no_key_even_where_no_two_are_equal(name: str, texts: list[str]) -> None:
    assert guess({name: texts}).contract.key == []


def test_several_columns_may_identify_a_row() -> None:
    found = guess({"RowNumber": cells(lambda draw, row: row + 1), "CustomerId": cells(lambda draw, row: draw.getrandbits(40))})
    assert found.contract.key == ["RowNumber", "CustomerId"]


def test_an_identifier_of_something_that_comes_again_plays_no_part() -> None:
    found = guess({"patient_id": cells(lambda draw, row: draw.randrange(900))})
    assert found.contract.columns["patient_id"].role == "ignored"
    assert 'leave out role = "ignored"' in found.reasons["patient_id"][0]


@pytest.mark.parametrize(
    ("name", "levels"),
    [("area_code", ["408", "415", "510"]), ("store_id", ["1", "2", "3", "4"]), ("zip", ["10115", "20095", "80331"])],
)
def test_numbers_that_are_codes_by_their_name_are_levels(name: str, levels: list[str]) -> None:
    found = column([levels[row % len(levels)] for row in range(ROWS)], name)
    assert (found.type, found.levels) == ("category", levels)


@pytest.mark.parametrize("name", ["rating", "Pclass", "quality", "rooms"])
def test_few_whole_numbers_are_a_scale_and_the_comment_says_how_to_make_them_levels(name: str) -> None:
    found = guess({name: [str(row % 5) for row in range(ROWS)]})
    assert (found.contract.columns[name].type, found.contract.columns[name].levels) == ("integer", None)
    assert any("scale" in reason and 'type = "category"' in reason for reason in found.reasons[name])


@pytest.mark.parametrize(
    ("texts", "words"),
    [(["same"] * ROWS, "all cells are equal"), (["7.0"] * ROWS, "equal"), (["", None] * 60, "all cells are empty")],
)
def test_what_never_changes_plays_no_part(texts: list[str | None], words: str) -> None:
    found = guess({"x": texts})
    assert found.contract.columns["x"].role == "ignored"
    assert words in found.reasons["x"][0]


def test_a_value_that_is_only_there_sometimes_is_a_feature() -> None:
    found = column(["yes" if row % 4 else "" for row in range(ROWS)])
    assert (found.role, found.nullable) == ("feature", True)


@pytest.mark.parametrize("name", ["fnlwgt", "sample_weight", "Sample Weight", "case_weight", "SurveyWeight", "instance weight"])
def test_weights_of_rows_are_known_by_an_unmistakable_name(name: str) -> None:
    assert guess({name: cells(lambda draw, row: draw.randrange(1, 10**6) / 10)}).contract.weight == name


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("weight", cells(lambda draw, row: draw.randrange(40, 120))),
        ("body_weight", cells(lambda draw, row: draw.randrange(40, 120))),
        ("sample_weight", cells(lambda draw, row: draw.randrange(-40, 120))),
        ("sample_weight", cells(lambda draw, row: draw.choice(["light", "heavy"]))),
        ("sample_weight", cells(lambda draw, row: draw.choice(["", "3.5", "4.25"]))),
    ],
)
def test_other_weights_are_features(name: str, texts: list[str]) -> None:
    found = guess({name: texts}).contract
    assert (found.weight, name in found.features) == (None, True)


def test_of_two_columns_of_weights_none_is_taken_and_a_remark_says_so() -> None:
    weights = cells(lambda draw, row: draw.randrange(1, 10**6))
    found = guess({"fnlwgt": weights, "sample_weight": weights})
    assert found.contract.weight is None
    assert '"fnlwgt" and "sample_weight"' in found.remarks[0]


@pytest.mark.parametrize("values", [[[row] for row in range(60)], [{"a": row} for row in range(60)], [None] * 60, [b"x"] * 60])
def test_what_no_model_takes_plays_no_part(values: list[Any]) -> None:
    frame = pl.DataFrame({"x": values, "z": [row % 7 for row in range(60)], "y": [row % 2 for row in range(60)]})
    assert infer(frame, target="y").contract.columns["x"].role == "ignored"


def test_amounts_in_a_table_without_names_are_features() -> None:
    draw = random.Random(0)
    amounts = [str(draw.randint(20_000, 400_000)) for _ in range(3000)]
    frame = pl.DataFrame({"column_1": amounts, "column_2": amounts[::-1], "column_3": ["a", "b", "a"] * 1000})
    assert infer(frame, target="column_3").contract.features == ["column_1", "column_2"]
