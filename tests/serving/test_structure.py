from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.test_requests import PLAIN

from shipway.serving import requests, structure
from shipway.serving.problems import Problem

Members = list[tuple[str, Any]]
awkward = st.sampled_from(["", "a", "b", '"', ":", '": ', '"\\', "[", "]}", "[]", "\\", "é", "\n"])
cells = st.recursive(
    st.none() | st.integers(-9, 9) | awkward,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(awkward, inner), max_size=3).map(dict),
    max_leaves=5,
)


def written(members: Members, colon: str) -> bytes:
    """A JSON object with *members* in order, those of one name too."""
    return ("{" + ",".join(f"{json.dumps(name)}{colon}{json.dumps(value)}" for name, value in members) + "}").encode()


def refusal(check: Callable[[], object]) -> str | None:
    try:
        check()
    except Problem as problem:
        return problem.detail
    return None


@given(st.lists(st.tuples(awkward, cells), max_size=5), st.sampled_from([":", " : ", "\n:\t"]))
def test_an_object_is_refused_exactly_where_it_names_a_member_twice(members: Members, colon: str) -> None:
    body = written(members, colon)
    twice = len({name for name, _ in members}) < len(members)
    assert (refusal(lambda: structure.check_names(body, json.loads(body))) is not None) is twice


def depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@settings(max_examples=50)
@given(st.lists(cells, max_size=2), st.integers(0, 2 * structure.NESTING_LIMIT), awkward)
def test_a_body_is_too_deep_exactly_beyond_the_limit(beside: list[Any], levels: int, text: str) -> None:
    deep: Any = text.replace("]", "").replace("}", "")
    for level in range(levels):
        deep = [deep, *beside] if level % 2 else {"a": deep}
    body = [deep, *beside]
    found = refusal(lambda: structure.check(json.dumps(body).encode(), 10**6))
    assert (found is not None) is (depth(body) > structure.NESTING_LIMIT)


CROWDED = {
    "lists": b'{"records":[' + b"[]," * 200_000 + b"[]]}",
    "objects": b'{"records":[' + b"{}," * 200_000 + b"{}]}",
    "numbers": b'{"columns":{"x":[' + b"1.5," * 200_000 + b"1]}}",
    "brackets": b"[" * 600_000,
    "members": b'{"x":' * 100_000,
    "pairs": b'{"x":' + b"[[]]" * 100_000,
}


@pytest.mark.parametrize("body", CROWDED.values(), ids=CROWDED.keys())
def test_a_body_of_far_too_much_takes_little_memory(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as refused:
            requests.records(body, PLAIN, limit=100)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body) + 50 * structure.PIECE
    finally:
        tracemalloc.stop()
    assert refused.value.status in (400, 413)


def test_texts_of_brackets_and_commas_are_no_values() -> None:
    (record,) = requests.records(json.dumps({"x": "[,{," * 5000}).encode(), PLAIN, 10)
    assert record == {"x": "[,{," * 5000}


@given(cells)
def test_marks_are_those_that_do_not_stand_in_texts(value: Any) -> None:
    def marks(one: Any) -> str:
        if isinstance(one, list | dict):
            inner = ",".join(marks(cell) for cell in (one.values() if isinstance(one, dict) else one))
            return f"{{{inner}}}" if isinstance(one, dict) else f"[{inner}]"
        return ""

    for piece in (1, 7, structure.PIECE):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(structure, "PIECE", piece)
            assert structure._marks(json.dumps(value).encode()).decode() == marks(value)


@pytest.mark.parametrize("depth", [structure.NESTING_LIMIT + 1, 500])
def test_brackets_in_texts_hide_none_that_are_real(depth: int) -> None:
    body = b'{"a":' + b'["]",' * depth + b"1" + b',"["]' * depth + b"}"
    assert json.loads(body)
    with pytest.raises(Problem, match="nested"):
        structure.check(body, 10**6)
