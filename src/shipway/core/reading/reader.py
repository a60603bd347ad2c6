"""Reading rows into the contract's types, column by column on Polars; no cell of a frame is looked at one by one.

This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from shipway.core.contract import Broken, Column, Contract, Reading, text_of
from shipway.core.reading import cells, plain_numbers
from shipway.core.reading.cells import Raw
from shipway.core.reading.spelling import Spelling, sample

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
    broken: list[Broken] = []
    odd: list[int] = []
    respelled: dict[str, pl.Series] = {}
    if isinstance(rows, pl.DataFrame):
        raws = [_of_frame(rows, name, column) for name, column in wanted.items()]
        unknown = [name for name in rows.columns if name not in contract.columns]
        frame, respelled = _parse_frame(raws, wanted)
    else:
        objects, odd = _objects(rows)
        records = [{} if row in odd else record for row, record in enumerate(rows)] if odd else rows
        raws = [cells.of_records(records, name, column) for name, column in wanted.items()]
        unknown, strangers = _strangers(contract, records)
        broken += objects + ([] if target else strangers)
        frame = _parse(raws, wanted)
    outside = _outside(contract, frame)
    columns = []
    for raw, values in zip(raws, frame.get_columns(), strict=True):
        role = contract.role(raw.name)
        values, found = _judge(raw, values, wanted[raw.name], outside.get(raw.name), demanded=role in ("target", "weight"))
        broken += found if role != "ignored" else ()
        columns.append(values)
    if broken:
        frame = named(columns)
    return Reading(frame, _but_for(odd, broken) if odd else broken, unknown, respelled)


def _objects(rows: Sequence[object]) -> tuple[list[Broken], list[int]]:
    """What is no record among *rows*, and where."""
    kinds: dict[str, list[int]] = {}
    for row, record in enumerate(rows):
        if not isinstance(record, Mapping):
            kinds.setdefault(cells.kind_of(record), []).append(row)
    broken = [Broken("", "type", f"expected an object, got {kind}", _places(found)) for kind, found in kinds.items()]
    return broken, [row for found in kinds.values() for row in found]


def _but_for(odd: Sequence[int], broken: Iterable[Broken]) -> list[Broken]:
    """What is broken, without the missing columns of what is no record."""
    left = [replace(one, rows=one.rows.filter(~one.rows.is_in(odd))) if one.column else one for one in broken]
    return [one for one in left if len(one.rows)]


def _places(rows: Sequence[int]) -> pl.Series:
    return pl.Series(rows, dtype=pl.UInt32)


def _of_frame(rows: pl.DataFrame, name: str, column: Column) -> Raw:
    if name in rows.columns:
        return cells.of_series(rows[name], column)
    return Raw(name, rows.height, [], absent=range(rows.height))


def _strangers(contract: Contract, records: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Broken]]:
    """The columns of *records* that the contract does not have, and where each stands."""
    known = contract.columns.keys()
    found: dict[str, list[int]] = {}
    for row, record in enumerate(records):
        if not record.keys() <= known:
            for name in record:
                if name not in known:
                    found.setdefault(_printable(name), []).append(row)
    message = "the contract has no such column"
    return list(found), [Broken(name, "unknown", message, _places(rows)) for name, rows in found.items()]


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


def _parse_frame(raws: Sequence[Raw], columns: Mapping[str, Column]) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """As `_parse`, where most texts of numbers are spelled plainly; and the rows of those that are not, but are numbers."""
    plain = plain_numbers.read_plain(raws, columns)
    frame = _parse([raw for raw in raws if raw.name not in plain], columns) if len(plain) < len(raws) else pl.DataFrame()
    found, respelled = [], {}
    for raw in raws:
        if raw.name not in plain:
            found.append(frame[raw.name])
            continue
        values, rest = plain[raw.name].values, plain[raw.name].rest
        if len(rest):
            texts = raw.parts[0][1].gather(rest)
            read = _parse([Raw(raw.name, len(rest), [("text", texts)])], columns).to_series()
            other = read.is_not_null() & read.ne_missing(plain[raw.name].as_spelled.gather(rest))
            values = values.scatter(rest, read)
            respelled[raw.name] = rest.filter(other)
        found.append(values)
    return named(found), {name: rows for name, rows in respelled.items() if len(rows)}


def named(columns: Sequence[pl.Series]) -> pl.DataFrame:
    """A frame of *columns* as they are called; from a plain list Polars would give one without a name another."""
    return pl.DataFrame({column.name: column for column in columns})


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
) -> tuple[pl.Series, list[Broken]]:
    """One column without the cells that broke a rule, and these. *demanded*: may not be missing, whatever it says."""
    found = _unread(raw, values, column, nullable=column.nullable and not demanded) if values.null_count() else []
    tests = [("level", *outside)] if outside else []
    for rule, bound, extreme in (("minimum", column.minimum, "least"), ("maximum", column.maximum, "most")):
        if bound is not None and _breaks(values, rule, bound):
            broken = values < bound if rule == "minimum" else values > bound
            tests.append(
                (rule, broken, f"expected at {extreme} {text_of(bound)}, got {'less' if extreme == 'least' else 'more'}")
            )
    for rule, broken, message in tests:
        found.append(Broken(raw.name, rule, message, broken.arg_true()))
        values = values.set(broken.fill_null(False), None)
    return values, found


def _expected(column: Column) -> str:
    """What a cell should be, in words, with how its texts are written where that is not the usual way."""
    words = EXPECTED[column.type]
    if column.format is not None:
        return f"a {'date' if column.type == 'datetime' else 'time'} as {column.format}"
    return words if Spelling.of(column).plain else f"{words} such as {sample(column)}"


def _breaks(values: pl.Series, rule: str, bound: float) -> bool:
    extreme: Any = values.min() if rule == "minimum" else values.max()
    return extreme is not None and bool(extreme < bound if rule == "minimum" else extreme > bound)


def _unread(raw: Raw, values: pl.Series, column: Column, *, nullable: bool) -> list[Broken]:
    """Why the cells that are null are: missing where they may not be, or not readable."""
    if nullable and not raw.parts and not raw.odd:
        return []
    rows = values.is_null().arg_true()
    missing = cells.missing(raw, rows, column.missing)
    gone, strange = rows.filter(missing), rows.filter(~missing)
    expected = f"expected {_expected(column)}, got"
    found = []
    if len(gone) and not nullable:
        absent = gone.is_in(list(raw.absent)) if raw.absent else pl.Series([False]).new_from_index(0, len(gone))
        for rule, some in (("required", gone.filter(absent)), ("missing", gone.filter(~absent))):
            found += [Broken(raw.name, rule, f"{expected} nothing", some)] if len(some) else []
    if len(strange):
        found += [Broken(raw.name, "type", f"{expected} {kind}", some) for kind, some in _by_kind(raw, strange, column)]
    return found


def _by_kind(raw: Raw, rows: pl.Series, column: Column) -> Iterator[tuple[str, pl.Series]]:
    """*rows*, whose cells can't be read, by what these are in words."""
    if raw.odd:
        odd = rows.is_in(list(raw.odd))
        kinds: dict[str, list[int]] = {}
        for row in rows.filter(odd).to_list():
            kinds.setdefault(raw.odd[row], []).append(row)
        yield from ((kind, _places(some)) for kind, some in kinds.items())
        rows = rows.filter(~odd)
    for _, part in raw.parts:
        held = part.gather(rows).is_not_null()
        if held.any():
            some = rows.filter(held)
            yield raw.kind_at(some[0], column), some
            rows = rows.filter(~held)
