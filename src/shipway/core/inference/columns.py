"""The guess of one column: its type, how it is written, what is missing in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
import polars as pl

from shipway.core.contract import Column, Type, text_of
from shipway.core.inference import dates, nothing, numbers, times
from shipway.core.inference.distinct import Distinct, commonest, quoted, shown, total

LISTED_LEVELS = 30
"""Levels that are written into the contract; a longer list nobody reviews, and the model's profile keeps what was seen."""

NEAR_UNIQUE = 0.5
"""Distinct texts as a share of the cells from which they are names or sentences, in which a model finds nothing."""

FEW_TEXTS = 20
"""Distinct texts up to which they may be levels even where nearly all differ, as in a table of few rows."""

WORDY = 5
"""Words of a text on average from which many different ones are sentences."""

SCALE = range(3, 21)
"""Distinct whole numbers that may be a scale, or codes without an order."""

POINTED = "[.]([0-9]{1,2}|[0-9]{4,})([^0-9]|$)"
"""A point that does not stand before three digits, so that it is one of a decimal."""


@dataclass(frozen=True)
class Habits:
    """What some columns of a table settle for those that can be read in more than one way; None where they do not.

    Attributes:
        decimal_comma: Whether numbers have one.
        order: Which of day and month is first.
    """

    decimal_comma: bool | None = None
    order: str | None = None


@dataclass(frozen=True)
class ColumnGuess:
    """What was guessed of a column.

    Attributes:
        reasons: Why, and how to overrule it; a line each.
        values: Frame of distinct values (`text`, `rows`, for numbers and dates `value`) that are not missing.
        missing: Cells that are.
        rogue: Cells that break the type.
        slips: Their texts.
        habit: The habit of the table that this column settles.
        open: Whether a habit of the table could change the guess.
    """

    column: Column
    reasons: tuple[str, ...]
    values: pl.DataFrame
    missing: int = 0
    rogue: int = 0
    slips: tuple[str, ...] = ()
    habit: Habits = field(default_factory=Habits)
    open: bool = False


def guess(cells: Distinct, habits: Habits) -> ColumnGuess:
    """Guess the column that *cells* are of; texts of an untyped table may be anything, typed columns are what they are."""
    dtype = cells.series.dtype
    if isinstance(dtype, pl.Boolean):
        return _plain(cells, "boolean", "true and false")
    if isinstance(dtype, pl.Date | pl.Datetime):
        return _plain(cells, "datetime", "dates")
    if dtype.is_numeric():
        return _typed_numbers(cells)
    if not isinstance(dtype, pl.String) or cells.texts.is_empty():
        return _category(cells)
    if not cells.typed and (compact := dates.find_compact(cells)):
        return _dates(cells, compact)
    if not cells.typed and (found := numbers.find(cells, decimal_comma=habits.decimal_comma is True)):
        return _numbers(cells, found)
    if truths := _booleans(cells):
        return truths
    if found_dates := dates.find(cells, order=habits.order):
        return _dates(cells, found_dates)
    if found_times := times.find(cells):
        return _times(cells, found_times)
    return _category(cells)


def habits_of(guesses: Sequence[ColumnGuess]) -> Habits:
    """The habits of a table, as far as its columns settle them with one voice."""
    commas = {one.habit.decimal_comma for one in guesses} - {None}
    orders = {one.habit.order for one in guesses} - {None}
    return Habits(commas.pop() if len(commas) == 1 else None, orders.pop() if len(orders) == 1 else None)


def _plain(cells: Distinct, type: Type, words: str) -> ColumnGuess:
    column = Column(type=type, nullable=cells.missing > 0)
    return ColumnGuess(column, (f"{words}, as the table has them",), cells.texts, cells.missing)


def _typed_numbers(cells: Distinct) -> ColumnGuess:
    values = cells.texts.with_columns(value=pl.col("text").cast(pl.Float64, strict=False))
    small = values.select((pl.col("value").abs() < 2.0**63).all()).item()
    type: Type = "integer" if cells.series.dtype.is_integer() and small else "number"
    finite = values.filter(pl.col("value").is_finite())
    sentinels = nothing.sentinels(finite)
    gone = finite.filter(pl.col("value").is_in(sentinels))
    left = finite.filter(~pl.col("value").is_in(sentinels))
    markers = ("", *map(text_of, sentinels)) if sentinels else ("",)
    missing = cells.missing + total(gone)
    column = Column(type=type, nullable=missing > 0, missing=markers)
    reasons = [_range(left, type), *_sentinel_reasons(gone)]
    return ColumnGuess(column, tuple(reasons), left, missing, total(values) - total(finite))


def _numbers(cells: Distinct, found: numbers.Numbers) -> ColumnGuess:
    values = found.values
    sentinels = nothing.sentinels(values)
    gone = values.filter(pl.col("value").is_in(sentinels))
    values = values.filter(~pl.col("value").is_in(sentinels))
    words = found.texts.filter(found.markers)
    whole = values.select((pl.col("value") == pl.col("value").round()).all() & (pl.col("value").abs() < 2.0**63).all()).item()
    type: Type = "integer" if whole else "number"
    written = found.written
    missing = cells.missing + total(words) + total(gone)
    column = Column(
        type=type,
        nullable=missing > 0,
        missing=_markers(cells, words, gone, sentinels),
        decimal="," if written.decimal == "," else ".",
        thousands=written.thousands,
        affixes=written.affixes,
    )
    reasons = [_range(values, type), *_writing(found, values), *_missing_reasons(cells, words), *_sentinel_reasons(gone)]
    reasons += _rogue_reasons(found.rogue, "a number")
    pointed = found.texts["trimmed"].str.contains(POINTED).any() and written.decimal == "."
    settled = None if found.ambiguous or whole else True if written.decimal == "," else False if pointed else None
    open = found.ambiguous or (written.plain and not whole and not pointed)
    rogue = total(found.rogue)
    slips = tuple(found.rogue["text"].to_list())
    return ColumnGuess(column, tuple(reasons), values, missing, rogue, slips, Habits(settled), open)


def without_slips(cells: Distinct, guess: ColumnGuess) -> ColumnGuess:
    """The guess with its slips taken for missing, or as a category where they are of many kinds; ignored where neither can be."""
    if 0 < len(guess.slips) <= FEW_TEXTS:
        column = msgspec.structs.replace(guess.column, nullable=True, missing=(*guess.column.missing, *guess.slips))
        why = "as the table has many slips, these count as missing here"
        return replace(guess, column=column, missing=guess.missing + guess.rogue, rogue=0, reasons=(*guess.reasons[:-1], why))
    if guess.slips:
        return _category(cells)
    column = msgspec.structs.replace(guess.column, role="ignored")
    return replace(guess, column=column, rogue=0, reasons=("many infinite numbers, which no model takes: plays no part",))


def _booleans(cells: Distinct) -> ColumnGuess | None:
    truth = cells.texts["trimmed"].str.to_lowercase().is_in(["true", "false"])
    rest = cells.texts.filter(~truth)
    if rest.height > LISTED_LEVELS or not truth.any():
        return None
    words = rest.filter(nothing.among_values())
    rogue = rest.filter(~pl.col("text").is_in(words["text"].implode()))
    if total(rogue) > numbers.TOLERATED * total(cells.texts):
        return None
    missing = cells.missing + total(words)
    column = Column(type="boolean", nullable=missing > 0, missing=_markers(cells, words))
    reasons = ["true and false", *_missing_reasons(cells, words), *_rogue_reasons(rogue, "true or false")]
    slips = tuple(rogue["text"].to_list())
    return ColumnGuess(column, tuple(reasons), cells.texts.filter(truth), missing, total(rogue), slips)


def _dates(cells: Distinct, found: dates.Dates) -> ColumnGuess:
    words, values = found.texts.filter(found.markers), found.values
    missing = cells.missing + total(words)
    markers = _markers(cells, words)
    column = Column(type="datetime", nullable=missing > 0, missing=markers, format=found.form)
    moments = found.values["value"].sort().dt.strftime("%Y-%m-%d")
    reasons = [f"dates from {moments[0]} to {moments[-1]}"]
    numeric = found.form is not None and "%d" in found.form and "%m" in found.form
    if found.other is not None:
        way = "day first" if found.order == dates.DAY_FIRST else "month first"
        reasons.append(f"{way}: {found.reason}; the other way round: format = {quoted(found.other)}")
    elif found.reason:
        reasons.append(found.reason)
    elif found.form is not None:
        reasons.append(f"only {quoted(found.form)} reads them all")
    reasons += [*_missing_reasons(cells, words), *_rogue_reasons(found.rogue, "a date")]
    settled = numeric and found.other is None and not (found.form or "").startswith("%Y")
    habit = Habits(order=found.order if settled else None)
    slips = tuple(found.rogue["text"].to_list())
    return ColumnGuess(column, tuple(reasons), values, missing, total(found.rogue), slips, habit, found.other is not None)


def _times(cells: Distinct, found: times.Times) -> ColumnGuess:
    words, values = found.texts.filter(found.markers), found.values
    missing = cells.missing + total(words)
    whole = bool((values["value"] == values["value"].round()).all())
    column = Column(
        type="integer" if whole else "number", nullable=missing > 0, missing=_markers(cells, words), format=found.form
    )
    numbers = values["value"].sort()
    reasons = [
        f'times of day or durations, read as {numbers[0]:.10g} to {numbers[-1]:.10g} seconds; as levels: type = "category"'
    ]
    if found.other is not None:
        reasons.append(f"{quoted(found.form)} by what is usual; the other one: format = {quoted(found.other)}")
    reasons += [*_missing_reasons(cells, words), *_rogue_reasons(found.rogue, "a time")]
    slips = tuple(found.rogue["text"].to_list())
    return ColumnGuess(column, tuple(reasons), values, missing, total(found.rogue), slips)


def _category(cells: Distinct) -> ColumnGuess:
    """Levels, or texts that nearly all differ."""
    if cells.texts.is_empty():
        return ColumnGuess(Column(type="text", nullable=True), (), cells.texts, cells.missing)
    gone = nothing.in_category(cells.texts)
    words, values = cells.texts.filter(gone), cells.texts.filter(~gone)
    missing, present = cells.missing + total(words), total(values)
    markers = _markers(cells, words)
    reasons = _missing_reasons(cells, words)
    if values.height > FEW_TEXTS and (values.height > NEAR_UNIQUE * present or _wordy(values, present)):
        why = f"{values.height:,} different texts in {present:,} cells: names or sentences, which the model leaves out"
        column = Column(type="text", nullable=missing > 0, missing=markers)
        return ColumnGuess(column, (f'{why}; to learn from them: type = "category"', *reasons), values, missing)
    return ColumnGuess(category(values, nullable=missing > 0, missing=markers), (_levels(values), *reasons), values, missing)


def category(values: pl.DataFrame, *, nullable: bool, missing: tuple[str, ...] = ("",)) -> Column:
    """A category whose levels are the texts of *values*, listed where they are few."""
    levels = sorted(values["text"].to_list()) if values.height <= LISTED_LEVELS else None
    return Column(type="category", nullable=nullable, missing=missing, levels=list(levels) if levels else None)


def _wordy(values: pl.DataFrame, present: int) -> bool:
    words = values["trimmed"].str.count_matches(r"\s+").mean()
    return values.height > 0.1 * present and float(words or 0.0) >= WORDY - 1  # type: ignore[arg-type]


def _markers(cells: Distinct, *gone: pl.DataFrame | Sequence[float]) -> tuple[str, ...]:
    """The empty text, and what else means nothing here, exactly as it stands; numbers by their usual text too."""
    found = ["", *cells.blanks]
    for some in gone:
        found += some["text"].sort().to_list() if isinstance(some, pl.DataFrame) else map(text_of, some)
    return tuple(dict.fromkeys(found))


def _levels(values: pl.DataFrame) -> str:
    text, rows = commonest(values, 1).select("text", "rows").row(0) if values.height else ("", 0)
    levels = "1 level" if values.height == 1 else f"{values.height:,} levels"
    if values.height > LISTED_LEVELS:
        return f"{levels}, the commonest {shown(text)} in {rows:,} cells"
    return f"{levels}, the commonest {shown(text)} in {rows:,} cells; closed = true would make any other an error"


def _range(values: pl.DataFrame, type: str) -> str:
    words = "whole numbers" if type == "integer" else "numbers"
    if values.is_empty():
        return f"{words}, as the table has them"
    numbers = values["value"].sort()
    seen = f"{words} from {numbers[0]:.10g} to {numbers[-1]:.10g}"
    if type == "number":
        return f"{seen}; minimum and maximum would make rules of limits"
    distinct = numbers.n_unique()
    scale = f"{distinct} {seen}, taken as a scale" if distinct in SCALE else seen
    return f'{scale}; if they are names without an order: type = "category"'


def _writing(found: numbers.Numbers, values: pl.DataFrame) -> list[str]:
    written = found.written
    lines = []
    if written.thousands is not None:
        other = '; if it is a decimal comma: decimal = "," and no thousands' if found.ambiguous else ""
        lines.append(f"{quoted(written.thousands)} stands between thousands{other}")
    if written.decimal == ",":
        lines.append("written with a decimal comma")
    if written.affixes:
        lines.append(f"{' and '.join(map(quoted, written.affixes))} beside the numbers plays no part")
    return lines


def _missing_reasons(cells: Distinct, words: pl.DataFrame) -> list[str]:
    blank = [f"{cells.missing:,} empty cells"] if cells.missing else []
    named = [nothing.counted(words)] if words.height else []
    if not named:
        return [f"missing: {blank[0]}"] if blank else []
    return [f"missing: {', '.join([*blank, *named])}; what is a value belongs out of `missing`"]


def _sentinel_reasons(gone: pl.DataFrame) -> list[str]:
    if gone.is_empty():
        return []
    return [f"{nothing.counted(gone)} far from all others: missing; if it is a value, take it out of `missing`"]


def _rogue_reasons(rogue: pl.DataFrame, wanted: str) -> list[str]:
    if rogue.is_empty():
        return []
    return [f"{nothing.counted(rogue)}: not {wanted}, so quarantined; if it means no value, add it to `missing`"]
