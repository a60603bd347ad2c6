from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.inference.tables import ROWS, guess

from shipway.core import contract_rules
from shipway.core.contract import Column, Contract, load
from shipway.core.inference import Guess
from shipway.core.inference.document import write

NAMES = ["a.b", "", 'say "x"', "😀 µ", "line\nbreak", "tab\t\x00\x7f", "class", "price [€]", "\\N", "#", "'", "a-b_1", "\u2028"]
TARGETS: list[tuple[Any, list[Any]]] = [
    ("category", ["a", "b"]),
    ("category", ['"', "\n"]),
    ("integer", [0, 1]),
    ("boolean", [False, True]),
]
names = st.one_of(st.sampled_from(NAMES), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)).filter(
    lambda name: not name.startswith(contract_rules.RESERVED)
)
texts = st.one_of(st.sampled_from(NAMES), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))


@st.composite
def columns(draw: st.DrawFn) -> Column:
    kind: Any = draw(st.sampled_from(["integer", "number", "boolean", "category", "text", "datetime"]))
    numeric = kind in ("integer", "number")
    low, high = sorted(draw(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2)))
    missing = draw(st.lists(texts, max_size=4, unique=True))
    levels = [text for text in draw(st.lists(texts, max_size=4, unique=True)) if text not in missing]
    return Column(
        type=kind,
        role=draw(st.sampled_from(["feature", "ignored"])),
        nullable=draw(st.booleans()),
        missing=tuple(missing),
        decimal=draw(st.sampled_from([".", ","])) if numeric else ".",
        thousands=draw(st.sampled_from([None, " ", "'"])) if numeric else None,
        affixes=draw(st.sampled_from([(), ("$",), ("\\kg", "€")])) if numeric else (),
        format='%d "%m" %Y' if kind == "datetime" and draw(st.booleans()) else None,
        minimum=low if numeric else None,
        maximum=high if numeric and draw(st.booleans()) else None,
        levels=list(levels) if levels and kind in ("category", "text") else None,
        unit=draw(st.none() | texts),
        description=draw(st.none() | texts),
    )


@st.composite
def guesses(draw: st.DrawFn) -> Guess:
    some = draw(st.dictionaries(names, columns(), min_size=1, max_size=5))
    kind, levels = draw(st.sampled_from(TARGETS))
    features = [name for name, one in some.items() if one.role == "feature"]
    contract = Contract(
        target="the target",
        columns={**some, "the target": Column(type=kind, levels=levels, closed=True), "w": Column(type="number")},
        positive=draw(st.sampled_from([None, levels[0]])),
        key=draw(st.lists(st.sampled_from(features), unique=True, max_size=len(features) - 1)) if len(features) > 1 else [],
        weight=draw(st.sampled_from([None, "w"])) if features else None,
    )
    reasons = {name: draw(st.lists(st.sampled_from(['seen "x" in 3', "why"]), max_size=2)) for name in contract.columns}
    return Guess(contract, reasons, ["a remark"], rows=7)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(guesses(), st.none() | st.just("https://example.org/contract.json"))
def test_the_contract_is_read_back_from_its_text(tmp_path: Path, found: Guess, schema: str | None) -> None:
    text = write(found, schema=schema)
    path = tmp_path / "contract.toml"
    path.write_text(text, encoding="utf-8")
    assert load(path) == found.contract
    assert text.startswith("#:schema " if schema else "# What a row must be")


def test_each_column_has_its_reasons_above_it() -> None:
    text = write(guess({"x": ["?" if row % 5 == 0 else str(row) for row in range(ROWS)]}))
    table = text.partition("[columns.x]\n")[2].partition("\n\n")[0].splitlines()
    assert table[0].startswith("# whole numbers from 1 to 119")
    assert table[1].startswith('# missing: "?" in 24')
    assert table[2:] == ['type = "integer"', "nullable = true", 'missing = ["", "?"]']
    assert all(column.startswith("# ") for column in (part.splitlines()[1] for part in text.split("\n\n")[1:]))


@pytest.mark.parametrize("cell", ['a "quoted"', "line\nbreak", "carriage\rreturn", "\x00\x1b[31m", "a\u2028b", "#", "x" * 500])
def test_no_cell_breaks_out_of_its_comment(cell: str) -> None:
    found = guess(
        {"x": [cell if row % 2 else "b" for row in range(ROWS)], "n": [cell if row == 3 else str(row) for row in range(ROWS)]}
    )
    assert tomllib.loads(write(found))["columns"]["x"]["levels"] == sorted([cell, "b"])
    assert all(line.isprintable() for line in write(found).splitlines())
