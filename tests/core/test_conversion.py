from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.conversion import convert
from shipway.core.errors import UsageError


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    needed: float
    missing: Literal["mean", "median"] | None = None


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    columns: dict[str, Inner] = {}
    threshold: Literal["f1", "youden"] | float | Inner = "f1"
    known: list[str] = []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"colums": {}}, "[top] has no setting 'colums'; did you mean 'columns'?"),
        ({"columns": {"a": {"needed": 1, "missin": "mean"}}}, "[top.columns.a] has no setting 'missin'; did you mean 'missing'?"),
        ({"columns": {"a": {}}}, "[top.columns.a] needs the key 'needed': a number"),
        ({"columns": {"a": {"needed": "x"}}}, "[top.columns.a] needed: expected a number; found 'x'"),
        (
            {"columns": {"a": {"needed": 1, "missing": "men"}}},
            "[top.columns.a] missing: expected one of mean, median; found 'men'; did you mean 'mean'?",
        ),
        ({"columns": 3}, "[top] columns: expected a table; found 3"),
        (
            {"threshold": "best"},
            "[top] threshold: expected one of f1, youden or a number or a table with needed, missing; found 'best'",
        ),
        ({"threshold": {"need": 1}}, "[top.threshold] has no setting 'need'; did you mean 'needed'?"),
        ({"known": "a"}, "[top] known: expected a list of texts; found 'a'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_the_nearest(value: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        convert(value, Outer, "top")
    assert str(raised.value) == message


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2))
documents = st.dictionaries(st.sampled_from(["columns", "threshold", "known", "colour"]), values, max_size=3)


@given(documents)
def test_it_takes_what_msgspec_takes_and_refuses_the_rest_in_words(value: dict[str, Any]) -> None:
    try:
        expected = msgspec.convert(value, Outer)
    except msgspec.ValidationError:
        with pytest.raises(UsageError, match=r"^\[top"):
            convert(value, Outer, "top")
    else:
        assert convert(value, Outer, "top") == expected
