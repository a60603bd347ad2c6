"""The cells of a column as they came, and how each kind of cell is read as each type of the contract.

This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from shipway.core.contract import Column, text_of
from shipway.core.reading import texts
from shipway.core.reading.spelling import PLAIN, Spelling, is_of_digits

DTYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "datetime": pl.Datetime("us"),
    "category": pl.String(),
    "text": pl.String(),
}
TYPES: dict[type, tuple[str, pl.DataType]] = {
    str: ("text", pl.String()),
    int: ("integer", pl.Int64()),
    float: ("number", pl.Float64()),
    bool: ("boolean", pl.Boolean()),
}
READABLE = {
    "integer": ("text", "integer", "number"),
    "number": ("text", "integer", "number"),
    "boolean": ("text", "integer", "number", "boolean"),
    "datetime": ("datetime",),
    "category": ("text", "integer", "number", "boolean"),
    "text": ("text", "integer", "number", "boolean"),
}
"""The kinds of cells that a type can be read from; for a datetime, `of_series` reads texts beforehand."""

WORDS = {"text": "text", "integer": "an integer", "number": "a number", "boolean": "a boolean", "datetime": "a date"}
YES, NO = ("true", "yes", "1", "1.0"), ("false", "no", "0", "0.0")
NUMERIC = ("integer", "number")
INTEGERS = range(-(2**63), 2**63)
BEYOND = "an integer beyond 64 bits"


@dataclass
class Raw:
    """One column as it came.

    Attributes:
        parts: The cells by kind (`text`, `integer`, `number`, `boolean`, `datetime`); each as long as the column, null where the
            cell is of another kind.
        odd: Row -> kind, of cells that no type accepts.
        absent: Rows without the column.
    """

    name: str
    height: int
    parts: list[tuple[str, pl.Series]]
    odd: Mapping[int, str] = field(default_factory=dict)
    absent: Collection[int] = ()

    def kind_at(self, row: int, column: Column) -> str:
        """What the cell of *row*, which can't be read as *column*'s type, is, in words."""
        if row in self.odd:
            return self.odd[row]
        kind = next((kind for kind, part in self.parts if part[row] is not None), "nothing")
        if kind == column.type == "integer":
            return BEYOND
        return "an infinite number" if kind == column.type == "number" else WORDS.get(kind, kind)


def of_series(series: pl.Series, column: Column) -> Raw:
    """The cells of a column of a frame."""
    name, dtype = series.name, series.dtype
    if isinstance(dtype, pl.Object):
        return of_values(name, series.to_list(), column)
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.String):
        series = series.cast(pl.String)
        parts = [("datetime", texts.moments(series, column.missing, column.format))] if column.type == "datetime" else []
        return Raw(name, len(series), [*parts, ("text", series)])
    if isinstance(dtype, pl.Date | pl.Datetime):
        return Raw(name, len(series), [("datetime", series)])
    if isinstance(dtype, pl.Boolean):
        return Raw(name, len(series), [("boolean", series)])
    if dtype.is_numeric() and column.type == "datetime" and column.format is not None and is_of_digits(column.format):
        digits = series.cast(pl.Float64).cast(pl.Int64, strict=False).cast(pl.String)
        moments = texts.moments(digits, column.missing, column.format)
        return Raw(name, len(series), [("datetime", moments), ("integer" if dtype.is_integer() else "number", series)])
    if dtype.is_integer():
        return Raw(name, len(series), [("integer", series)])
    if dtype.is_numeric():
        return Raw(name, len(series), [("number", series.cast(pl.Float64))])
    kind = "a list" if dtype.is_nested() and not isinstance(dtype, pl.Struct) else "an object"
    return Raw(name, len(series), [], odd=dict.fromkeys(series.is_not_null().arg_true().to_list(), kind))


def of_records(records: Sequence[Mapping[str, Any]], name: str, column: Column) -> Raw:
    """The cells of one column of records."""
    raw = of_values(name, [record.get(name) for record in records], column)
    if len(raw.parts) != 1 or raw.parts[0][1].null_count():
        raw.absent = {row for row, record in enumerate(records) if name not in record}
    return raw


def of_values(name: str, values: list[Any], column: Column) -> Raw:
    """The cells of a column that is a list of Python values of any kind."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return Raw(name, len(values), [])
    plain = TYPES.get(kinds.pop()) if len(kinds) == 1 else None
    if plain is None:
        return _mixed(name, values, column)
    try:
        series = pl.Series(name, values, dtype=plain[1], strict=True)
    except (UnicodeEncodeError, TypeError, OverflowError):
        return _mixed(name, values, column)
    return of_series(series, column)


def _mixed(name: str, values: list[Any], column: Column) -> Raw:
    sorted_out: dict[str, list[Any]] = {}
    odd = {}
    for row, value in enumerate(values):
        if value is None:
            continue
        kind, plain = _sort(value, column.type)
        if plain is None:
            odd[row] = kind
        else:
            sorted_out.setdefault(kind, [None] * len(values))[row] = plain
    parts: dict[str, pl.Series] = {}
    for kind, some in sorted_out.items():
        dtype = pl.Datetime("us") if kind == "datetime" else next(dtype for name, dtype in TYPES.values() if name == kind)
        for part, series in of_series(pl.Series(name, some, dtype=dtype), column).parts:
            # a date may have come as a text, as a number and as a date
            parts[part] = parts[part].zip_with(parts[part].is_not_null(), series) if part in parts else series
    return Raw(name, len(values), list(parts.items()), odd=odd)


def _sort(value: Any, wanted: str) -> tuple[str, Any]:
    """The kind of a cell and the cell as a plain value; None where no type accepts it (then the kind is in words)."""
    match value:
        case bool():
            return "boolean", value
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                return "text that is not Unicode", None
            return "text", str(value)
        case numbers.Integral():
            if (plain := int(value)) in INTEGERS:
                return "integer", plain
            return ("number", _float(plain)) if wanted == "number" and _float(plain) is not None else (BEYOND, None)
        case numbers.Real() | Decimal():
            return "number", float(value)
        case datetime():
            return "datetime", value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        case date():
            return "datetime", datetime(value.year, value.month, value.day)
        case list() | tuple() | set() | frozenset():
            return "a list", None
    return "an object", None


def _float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def kind_of(value: Any) -> str:
    """The kind of a Python value in words."""
    kind, _ = _sort(value, "text")
    return "nothing" if value is None else WORDS.get(kind, kind)


@functools.lru_cache(maxsize=4096)
def parsed(name: str, kind: str, wanted: str, missing: tuple[str, ...], written: Spelling = PLAIN) -> pl.Expr:
    """The cells of the frame's column *name*, all of one *kind*, in the type *wanted*; null where missing or not readable.

    *kind* is one of `READABLE[wanted]`; *written* is how texts of numbers are.
    """
    raw = pl.col(name)
    value = _READERS[wanted](texts.plain_numbers(raw, written) if kind == "text" and wanted in NUMERIC else raw, kind)
    if wanted in ("category", "text"):
        # the commonest markers are one or two short texts, for which comparing beats a set
        markers = missing if kind == "text" else _canonical(missing)
        return pl.when(pl.all_horizontal(value != marker for marker in markers)).then(value) if markers else value
    if wanted == "datetime" or (written.plain and not any(_is_value(marker) for marker in missing)):
        return value
    return pl.when(~canonical(raw, kind).is_in(list(missing) if kind == "text" else _canonical(missing))).then(value)


def missing(raw: Raw, rows: pl.Series, markers: tuple[str, ...]) -> pl.Series:
    """Which of *rows* hold no value: null, NaN or a marker."""
    if not raw.parts:
        return pl.Series([row not in raw.odd for row in rows.to_list()], dtype=pl.Boolean)
    frame = pl.DataFrame([part.gather(rows).alias(f"{place}") for place, (_, part) in enumerate(raw.parts)])
    empty, marked = [], []
    for place, (kind, _) in enumerate(raw.parts):
        cell = pl.col(f"{place}")
        empty.append(cell.is_null() | cell.is_nan() if kind == "number" else cell.is_null())
        if kind != "datetime":
            known = markers if kind == "text" else _canonical(markers)
            marked.append(canonical(cell, kind).is_in(list(known)).fill_null(False))
    gone = frame.select(pl.any_horizontal(pl.all_horizontal(empty), *marked)).to_series()
    return gone & pl.Series([row not in raw.odd for row in rows.to_list()], dtype=pl.Boolean) if raw.odd else gone


def canonical(raw: pl.Expr, kind: str) -> pl.Expr:
    """Cells of one kind as the text that they are compared by, as `contract.text_of` has it."""
    if kind == "number":
        return pl.when(raw.is_finite()).then(pl.coalesce(_whole(raw).cast(pl.String), raw.cast(pl.String)))
    return raw if kind == "text" else raw.cast(pl.String)


def _whole(raw: pl.Expr) -> pl.Expr:
    """Floats that are whole and within 64 bits, as integers."""
    return pl.when(raw.floor() == raw).then(raw).cast(pl.Int64, strict=False)


def _integer(raw: pl.Expr, kind: str) -> pl.Expr:
    if kind == "text":
        return pl.coalesce(raw.cast(pl.Int64, strict=False), _whole(raw.cast(pl.Float64, strict=False)))
    return raw.cast(pl.Int64, strict=False) if kind == "integer" else _whole(raw)


def _number(raw: pl.Expr, kind: str) -> pl.Expr:
    value = raw.cast(pl.Float64, strict=False)
    return value if kind == "integer" else pl.when(value.is_finite()).then(value)


def _boolean(raw: pl.Expr, kind: str) -> pl.Expr:
    if kind == "boolean":
        return raw
    text = raw.str.strip_chars().str.to_lowercase() if kind == "text" else canonical(raw, kind)
    return pl.when(text.is_in(YES)).then(True).when(text.is_in(NO)).then(False)


def _datetime(raw: pl.Expr, kind: str) -> pl.Expr:
    moment = raw.cast(pl.Datetime("us"), strict=False)
    return pl.when(moment.dt.year().is_between(1, 9999)).then(moment)


_READERS = {"integer": _integer, "number": _number, "boolean": _boolean, "datetime": _datetime}
_READERS |= {"category": canonical, "text": canonical}


def _is_value(marker: str) -> bool:
    """Whether a missing marker would be read as a value if it were not one."""
    if marker.strip().lower() in (*YES, *NO):
        return True
    try:
        return math.isfinite(float(marker))
    except ValueError:
        return False


def _canonical(markers: Iterable[str]) -> list[str]:
    """Markers as typed values would spell them, beside their own spelling."""
    return [*markers, *(text_of(float(marker)) for marker in markers if _is_value(marker) and not marker.strip().isalpha())]
