from __future__ import annotations

from datetime import datetime

import msgspec
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.contract import Column, Contract
from shipway.core.profile import LEVELS, QUANTILES, Profile, compare, measure

CONTRACT = Contract(
    target="y",
    columns={
        "number": Column(type="number", nullable=True),
        "integer": Column(type="integer"),
        "category": Column(type="category", nullable=True),
        "boolean": Column(type="boolean"),
        "datetime": Column(type="datetime"),
        "y": Column(type="category", levels=["a", "b"]),
    },
)


def frame(**columns: list[object]) -> pl.DataFrame:
    rows = max(map(len, columns.values()), default=3)
    default = {
        "number": [0.0, 10.0, None],
        "integer": [1, 2, 3],
        "category": ["a", "b", "a"],
        "boolean": [True, True, True],
        "datetime": [datetime(1970, 1, 1), datetime(1970, 1, 2), datetime(1970, 1, 3)],
        "y": ["a", "b", "a"],
    }
    schema = {
        "number": pl.Float64,
        "integer": pl.Int64,
        "category": pl.String,
        "boolean": pl.Boolean,
        "datetime": pl.Datetime("us"),
    }
    merged = {name: (values * rows)[:rows] for name, values in default.items()} | columns
    return pl.DataFrame(merged, schema=schema | {"y": pl.String})


def test_a_profile_tells_levels_ranges_and_missing_shares_of_the_features_only() -> None:
    profile = measure(CONTRACT, frame())
    assert profile.rows == 3
    assert list(profile.columns) == CONTRACT.features
    number, category = profile.columns["number"], profile.columns["category"]
    assert (number.minimum, number.maximum, round(number.missing, 3)) == (0.0, 10.0, 0.333)
    assert number.quantiles is not None
    assert len(number.quantiles) == QUANTILES
    assert number.quantiles[10] == 5.0
    assert category.levels == {"a": 2, "b": 1}
    assert profile.columns["boolean"].levels == {"true": 3}
    assert profile.columns["datetime"].maximum == 2 * 86400


def test_a_profile_survives_json() -> None:
    profile = measure(CONTRACT, frame())
    assert msgspec.json.decode(msgspec.json.encode(profile), type=Profile) == profile


def test_new_levels_and_far_values_are_remarked_row_by_row() -> None:
    profile = measure(CONTRACT, frame())
    found = compare(profile, frame(category=["a", "c", None], number=[11.0, 5.0, -2.0], boolean=[True, False, True]))
    assert {row: [(remark.column, remark.rule) for remark in remarks] for row, remarks in found.items()} == {
        1: [("category", "level"), ("boolean", "level")],
        2: [("number", "range")],
    }


def test_any_other_value_is_far_from_a_constant() -> None:
    profile = measure(CONTRACT, frame(number=[0.1, 0.1, 0.1]))
    assert list(compare(profile, frame(number=[0.1, 0.2, None]))) == [1]


def test_a_column_with_very_many_levels_is_open_ended() -> None:
    names: list[object] = [f"name {number}" for number in range(LEVELS + 5)]
    profile = measure(CONTRACT, frame(category=names))
    assert len(profile.columns["category"].levels or {}) == LEVELS
    assert compare(profile, frame(category=["somebody else", "name 1", None])) == {}


def test_a_later_time_is_no_remark() -> None:
    profile = measure(CONTRACT, frame())
    assert compare(profile, frame(datetime=[datetime(2030, 1, 1)] * 3)) == {}


def test_a_column_without_any_value_has_no_range_and_never_a_remark() -> None:
    profile = measure(CONTRACT, frame(number=[None, None, None]))
    assert profile.columns["number"].minimum is None
    assert compare(profile, frame()) == {}


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_the_rows_that_were_measured_never_have_a_remark(numbers: list[object]) -> None:
    rows = frame(number=numbers)
    profile = measure(CONTRACT, rows)
    assert compare(profile, rows) == {}
    assert measure(CONTRACT, rows.sample(fraction=1, shuffle=True, seed=1)).columns["category"] == profile.columns["category"]
