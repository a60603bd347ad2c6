from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shipway.core.errors import DataError, UsageError
from shipway.modelling.preparation import Prepare
from shipway.modelling.prepare import Preparer

FRAME = pl.DataFrame({"a": [1, 2, 0, 4], "b": [2.0, None, 4.0, 1.0], "c d": ["x", "y", None, "x"]})
ROW_WISE = [
    "b / NULLIF(a, 0)",
    "b / 3 + a / 7",
    "CASE WHEN a = 1 THEN 'x' ELSE \"c d\" END",
    "COALESCE(b, 0)",
    "GREATEST(a, b)",
    "LN(a + 1)",
    "UPPER(\"c d\") || '!'",
    "a IN (1, 2)",
    "b IS NULL",
    "a BETWEEN 1 AND 3",
    'TRY_CAST("c d" AS INT)',
    "1",
]
NOT_ROW_WISE = [
    "SUM(a)",
    "a - AVG(a)",
    'a - AVG(a) OVER (PARTITION BY "c d")',
    "ROW_NUMBER() OVER ()",
    "LAG(a) OVER (ORDER BY b)",
    "RANK() OVER (ORDER BY a)",
    "COUNT(*)",
    "MEDIAN(b)",
    "FIRST_VALUE(a) OVER ()",
]


def prepared(frame: pl.DataFrame = FRAME, **section: object) -> pl.DataFrame:
    return Preparer.of(Prepare(**section)).fit(frame).transform(frame)  # type: ignore[arg-type]


def test_columns_are_renamed_then_cast_then_added_then_dropped() -> None:
    section = {"rename": {"c d": "e"}, "cast": {"a": "number"}, "add": {"f": "a + b", "g": "f * 2"}, "drop": ["b", "f"]}
    found = prepared(**section)
    assert found.columns == ["a", "e", "g"]
    assert found["a"].dtype == pl.Float64
    assert found["g"].to_list() == [6.0, None, 8.0, 10.0]


@pytest.mark.parametrize("expression", ROW_WISE)
@given(order=st.permutations(range(4)), size=st.integers(1, 4))
def test_each_row_is_prepared_as_if_it_were_alone(expression: str, order: list[int], size: int) -> None:
    preparer = Preparer.of(Prepare(add={"new": expression})).fit(FRAME)
    assert_frame_equal(preparer.transform(FRAME)[order[:size]], preparer.transform(FRAME[order[:size]]), check_exact=True)


@pytest.mark.parametrize("expression", NOT_ROW_WISE)
def test_an_expression_that_looks_at_other_rows_is_refused(expression: str) -> None:
    with pytest.raises(UsageError, match=r"\[prepare.add\] new = .* more than one row"):
        prepared(add={"new": expression})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"rename": {"A": "z"}}, r"\[prepare.rename\]: there is no column 'A'"),
        ({"rename": {"a": "b"}}, "there is a column 'b' already"),
        ({"cast": {"bb": "integer"}}, r"\[prepare.cast\]: there is no column 'bb'; did you mean 'b'"),
        ({"cast": {"c d": "boolean"}}, "can't be turned into boolean"),
        ({"cast": {"c d": "integer"}}, "none of its values is one of type integer"),
        ({"add": {"a": "b + 1"}}, "there is a column 'a' already"),
        ({"add": {"z": "a +"}}, "is no SQL expression.*the columns are a, b, c d"),
        ({"add": {"z": "aa + 1"}}, "there is no column 'aa'; did you mean 'a'|there is no column 'aa'"),
        ({"add": {"z": 'LN("c d")'}}, "can't be computed"),
        ({"drop": ["z"]}, r"\[prepare.drop\]: there is no column 'z'"),
        ({"drop": ["a", "b", "c d"]}, "leaves no column"),
    ],
)
def test_a_wrong_section_is_refused_by_name(section: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prepared(**section)


def test_an_expression_that_fails_on_a_later_row_is_an_error_of_the_data() -> None:
    preparer = Preparer.of(Prepare(add={"n": 'CAST("c d" AS INT)'})).fit(pl.DataFrame({"c d": ["1", "2"]}))
    with pytest.raises(DataError, match=r"\[prepare.add\] n"):
        preparer.transform(pl.DataFrame({"c d": ["many"]}))


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_a_row_has_the_same_last_digit_alone_as_in_a_batch(values: list[float]) -> None:
    frame = pl.DataFrame({"x": values})
    preparer = Preparer.of(Prepare(add={"third": "x / 3", "other": "x / 12 + 1"})).fit(frame)
    together = preparer.transform(frame)
    for row in range(len(values)):
        for alone in (frame[row], pl.DataFrame({"x": [values[row]]})):
            assert preparer.transform(alone).equals(together[row])
