"""Reading rows into the contract's types, column by column on Polars; only cells that broke a rule are looked at one by one.

This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from shipway.core import cells
from shipway.core.cells import Raw
from shipway.core.contract import Breach, Column, Contract, Reading, text_of
from shipway.core.spelling import Spelling, sample

SHOWN_LEVELS = 10
SHOWN_NAME = 100
EXPECTED = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "datetime": "an ISO 8601 date or time",
    "category": "text",
    "text": "text",
}


def read(contract: Contract, rows: pl.DataFrame | Sequence[Mapping[str, Any]], *, target: bool) -> Reading:
    """As `contract.read`, which documents it."""
    wanted = {name: column for name, column in contract.columns.items() if target or contract.role(name) == "feature"}
    if isinstance(rows, pl.DataFrame):
        raws = [_of_frame(rows, name, column) for name, column in wanted.items()]
        unknown = [name for name in rows.columns if name not in contract.columns]
        breaches: list[Breach] = []
        none: set[int] = set()
    else:
        breaches = [
            Breach(row, "", "type", f"expected an object, got {cells.kind_of(record)}")
            for row, record in enumerate(rows)
            if not isinstance(record, Mapping)
        ]
        none = {breach.row for breach in breaches}
        records = [{} if row in none else record for row, record in enumerate(rows)] if none else rows
        raws = [cells.of_records(records, name, column) for name, column in wanted.items()]
        unknown, strangers = _strangers(contract, records)
        breaches += () if target else strangers
    frame = _parse(raws, wanted)
    outside = _outside(contract, frame)
    columns = []
    for raw, values in zip(raws, frame.get_columns(), strict=True):
        role = contract.role(raw.name)
        values, found = _judge(raw, values, wanted[raw.name], outside.get(raw.name), demanded=role in ("target", "weight"))
        breaches += found if role != "ignored" else ()
        columns.append(values)
    if breaches:
        breaches = sorted((breach for breach in breaches if breach.row not in none or not breach.column), key=lambda one: one.row)
        frame = pl.DataFrame(columns)
    return Reading(frame, breaches, unknown)


def _of_frame(rows: pl.DataFrame, name: str, column: Column) -> Raw:
    if name in rows.columns:
        return cells.of_series(rows[name], column)
    return Raw(name, rows.height, [], absent=range(rows.height))


def _strangers(contract: Contract, records: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Breach]]:
    """The columns of *records* that the contract does not have, and a breach for each."""
    known = contract.columns.keys()
    breaches = []
    for row, record in enumerate(records):
        if not record.keys() <= known:
            names = [_printable(name) for name in record if name not in known]
            breaches += [Breach(row, name, "unknown", "the contract has no such column") for name in names]
    return list(dict.fromkeys(breach.column for breach in breaches)), breaches


def _printable(name: object) -> str:
    """A column name that a stranger sent, safe to send back."""
    return str(name)[:SHOWN_NAME].encode(errors="replace").decode()


def _parse(raws: Sequence[Raw], columns: Mapping[str, Column]) -> pl.DataFrame:
    """Each column's cells in its type; null where missing or not readable."""
    parts, expressions = [], []
    for place, raw in enumerate(raws):
        column = columns[raw.name]
        readable = [(kind, part) for kind, part in raw.parts if kind in cells.READABLE[column.type]]
        written = Spelling.of(column)
        read = [cells.parsed(f"{place} {kind}", kind, column.type, column.missing, written) for kind, _ in readable]
        parts += [part.alias(f"{place} {kind}") for kind, part in readable]
        if not read:
            parts.append(pl.Series(f"{place}", [None], dtype=cells.DTYPES[column.type]).new_from_index(0, raw.height))
            read = [pl.col(f"{place}")]
        expressions.append((read[0] if len(read) == 1 else pl.coalesce(read)).alias(raw.name))
    return pl.DataFrame(parts).select(expressions)


def _outside(contract: Contract, frame: pl.DataFrame) -> dict[str, tuple[pl.Series, str]]:
    """For each column of *frame* with closed levels, which cells are outside of them, and the message that says so."""
    tests, messages = [], {}
    for name in frame.columns:
        column = contract.columns[name]
        if column.levels and (column.closed or name == contract.target):
            texts = tuple(text_of(level) for level in column.levels)
            tests.append(_not_in(name, texts))
            messages[name] = texts
    if not tests:
        return {}
    return {test.name: (test, _among(messages[test.name])) for test in frame.select(tests).get_columns() if test.max()}


@functools.lru_cache(maxsize=4096)
def _not_in(name: str, texts: tuple[str, ...]) -> pl.Expr:
    return ~pl.col(name).cast(pl.String).is_in(list(texts))


def _among(texts: Sequence[str]) -> str:
    shown = ", ".join(f'"{text}"' for text in texts[:SHOWN_LEVELS])
    others = f" or {len(texts) - SHOWN_LEVELS} more" if len(texts) > SHOWN_LEVELS else ""
    return f"expected one of {shown}{others}, got another"


def _judge(
    raw: Raw, values: pl.Series, column: Column, outside: tuple[pl.Series, str] | None, *, demanded: bool
) -> tuple[pl.Series, list[Breach]]:
    """One column without the cells that broke a rule, and their breaches. *demanded*: may not be missing, whatever it says."""
    breaches = list(_unread(raw, values, column, nullable=column.nullable and not demanded)) if values.null_count() else []
    tests = [("level", *outside)] if outside else []
    for rule, bound, extreme in (("minimum", column.minimum, "least"), ("maximum", column.maximum, "most")):
        if bound is not None and _breaks(values, rule, bound):
            broken = values < bound if rule == "minimum" else values > bound
            tests.append(
                (rule, broken, f"expected at {extreme} {text_of(bound)}, got {'less' if extreme == 'least' else 'more'}")
            )
    for rule, broken, message in tests:
        breaches += [Breach(row, raw.name, rule, message) for row in broken.arg_true().to_list()]
        values = values.set(broken.fill_null(False), None)
    return values, breaches


def _expected(column: Column) -> str:
    """What a cell should be, in words, with how its texts are written where that is not the usual way."""
    words = EXPECTED[column.type]
    if column.format is not None:
        return f"a date as {column.format}"
    return words if Spelling.of(column).plain else f"{words} such as {sample(column)}"


def _breaks(values: pl.Series, rule: str, bound: float) -> bool:
    extreme: Any = values.min() if rule == "minimum" else values.max()
    return extreme is not None and bool(extreme < bound if rule == "minimum" else extreme > bound)


def _unread(raw: Raw, values: pl.Series, column: Column, *, nullable: bool) -> Iterator[Breach]:
    """Why the cells that are null are: missing where they may not be, or not readable."""
    expected = _expected(column)
    rows = values.is_null().arg_true()
    missing = cells.missing(raw, rows, column.missing)
    if nullable:
        rows, missing = rows.filter(~missing), missing.filter(~missing)
    for row, gone in zip(rows.to_list(), missing.to_list(), strict=True):
        rule = "type" if not gone else "required" if row in raw.absent else "missing"
        yield Breach(row, raw.name, rule, f"expected {expected}, got {'nothing' if gone else raw.kind_at(row, column)}")
