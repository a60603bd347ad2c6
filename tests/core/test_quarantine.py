from __future__ import annotations

import itertools
import json
from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core import quarantine
from shipway.core.artifacts import ROW, SOURCE
from shipway.core.contract import Column, Contract, read

VISITS = Contract(
    target="back",
    columns={
        "age": Column(type="integer", minimum=0),
        "town": Column(type="category", levels=["Bonn", "Kiel"], closed=True),
        "back": Column(type="category", levels=["no", "yes"]),
    },
)
ROWS = pl.DataFrame(
    {
        "age": ["30", "-1", "x", "40", "-2"],
        "town": ["Bonn", "Jena", "Kiel", "Kiel", "Kiel"],
        "back": ["no", "yes", "no", "yes", "yes"],
        SOURCE: ["a.csv"] * 3 + ["b.csv"] * 2,
        ROW: [1, 2, 3, 1, 2],
    }
)


def apart(rows: pl.DataFrame) -> pl.DataFrame:
    return quarantine.of(rows, read(VISITS, rows.drop(SOURCE, ROW), target=True).broken)


def test_each_broken_rule_is_a_line_with_where_the_row_stood_and_the_row_as_received() -> None:
    found = apart(ROWS)
    assert found.select("source", "row", "column", "rule").rows() == [
        ("a.csv", 2, "age", "minimum"),
        ("a.csv", 2, "town", "level"),
        ("a.csv", 3, "age", "type"),
        ("b.csv", 2, "age", "minimum"),
    ]
    assert json.loads(found["record"][0]) == {"age": "-1", "town": "Jena", "back": "yes"}
    assert quarantine.rows_of(found) == 3


def test_rows_without_a_breach_make_an_empty_quarantine_of_the_same_shape() -> None:
    assert apart(ROWS.head(1)).schema == apart(ROWS).schema


def test_reasons_are_counted_and_the_commonest_comes_first() -> None:
    counts = quarantine.reasons(read(VISITS, ROWS.drop(SOURCE, ROW), target=True).broken)
    assert counts.total() == 4
    assert quarantine.commonest(counts)[0] == (("age", "minimum", "expected at least 0, got less"), 2)
    assert quarantine.commonest(Counter()) == []


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 12), max_size=4))
def test_all_lines_of_a_row_stand_in_one_part_however_a_quarantine_was_cut(counts: list[int], cuts: list[int]) -> None:
    lines = [("s.csv", row, f"c{n}", "type", "m", "{}") for row, count in enumerate(counts) for n in range(count)]
    table = pl.DataFrame(lines, schema=quarantine.empty().schema, orient="row")
    bounds = [0, *sorted(min(cut, table.height) for cut in cuts), table.height]
    whole = list(quarantine.whole(table[start:end] for start, end in itertools.pairwise(bounds)))
    assert pl.concat([quarantine.empty(), *whole]).equals(table)
    rows = [row for part in whole for row in part["row"].unique()]
    assert len(rows) == len(set(rows))
