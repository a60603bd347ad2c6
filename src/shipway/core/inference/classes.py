"""The guess of the target: its classes; and why a column can be none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

import polars as pl

from shipway.core.contract import Column, Level, text_of
from shipway.core.errors import UsageError
from shipway.core.inference import columns, numbers
from shipway.core.inference.columns import ColumnGuess, Habits
from shipway.core.inference.distinct import Distinct, shown, smallest, total
from shipway.core.reading.spelling import PLAIN, Spelling

FEW_CLASSES = 12
"""Whole numbers up to which a target has classes whatever their shares are: digits, marks, grades."""

ROWS_A_CLASS = 10
"""Rows a class on average from which more whole numbers than that may be classes."""

RAREST = 0.2
"""Rows of the rarest class as a share of the average one from which they are: amounts have rare values at their ends, codes of
classes do not. Of the ages in the census (Kohavi 1996) the rarest has 0.002 of the average, of the months that Telco's customers
stayed 0.11; of a hundred classes with ten rows each in the mean, chance leaves the rarest 0.3."""

POSITIVE = ("yes", "true", "1", "positive", "y", "t", "pos", "+", "1.0")
"""Names of the class that a question is about, in lower case."""

FEW_STRAYS = 3
"""Classes of one row up to which each of them may be no class at all, but a unit or a remark below the names."""

SURELY_NOTHING = ("?", "na", "n/a", "nan", "null", "<na>", "#n/a", "nat", "n.a.", "\\n")
"""What means "no class"; words such as "unknown" or "none" may be the name of one."""


@dataclass(frozen=True)
class TargetGuess:
    """The guess of the target.

    Attributes:
        remarks: What a person should look at.
    """

    guess: ColumnGuess
    positive: Level | None
    remarks: tuple[str, ...] = ()


def find(cells: Distinct, habits: Habits) -> TargetGuess:
    """Guess the classes of the target. Raises UsageError in one sentence where it has none."""
    if cells.series.dtype.is_nested() or isinstance(cells.series.dtype, pl.Time | pl.Duration | pl.Binary | pl.Object):
        _refuse(cells, f"holds {cells.series.dtype} values", "choose a column of classes")
    gone = cells.texts["trimmed"].str.to_lowercase().is_in(SURELY_NOTHING)
    texts = cells.texts.filter(~gone)
    if texts.is_empty():
        _refuse(cells, "is missing in every row", "choose another column, or the file that has its values")
    words = cells.texts.filter(gone)
    known = replace(cells, texts=texts, missing=cells.missing + total(words))
    if (values := _numbers(known)) is not None:
        guess = _numbered(known, *values)
    else:
        guess = columns.guess(known, habits)
        if guess.column.type == "datetime":
            _refuse(cells, "holds dates", "Shipway learns classes; choose another column, or make classes of the dates")
        guess = _boolean(guess) if guess.column.type == "boolean" else _named(known)
    if guess.values.height < 2:
        _refuse(
            cells,
            f"has only one class, {shown(guess.values['trimmed'][0])}",
            "a model needs rows of at least two; choose another column or add rows of another class",
        )
    lost = cells.missing + total(words) + guess.rogue
    reasons = list(guess.reasons)
    if lost:
        reasons.append(f"{lost:,} rows have no class, so they go to quarantine")
    markers = tuple(dict.fromkeys(("", *cells.blanks, *words["text"].sort().to_list())))
    column = Column(type=guess.column.type, missing=markers, levels=guess.column.levels, closed=True)
    positive, why = _positive(column.levels or [], guess.values)
    guess = replace(guess, column=column, reasons=(*reasons, *why), missing=cells.missing + total(words))
    return TargetGuess(guess, positive, (*_lookalikes(guess), *_strays(guess)))


def _numbers(cells: Distinct) -> tuple[pl.DataFrame, Spelling] | None:
    """The distinct numbers of the target and how they are written; None where it holds texts."""
    if cells.series.dtype.is_numeric():
        return cells.texts.with_columns(value=pl.col("text").cast(pl.Float64, strict=False)), PLAIN
    found = None if cells.typed or not isinstance(cells.series.dtype, pl.String) else numbers.find(cells)
    return None if found is None else (found.values, found.written)


def _numbered(cells: Distinct, numbered: pl.DataFrame, written: Spelling) -> ColumnGuess:
    """Whole numbers as classes."""
    values = numbered.group_by("value").agg(pl.col("rows").sum(), pl.col("text", "trimmed").first()).sort("value")
    distinct, rows = values.height, total(values)
    whole = bool((values["value"] == values["value"].round()).all())
    few = distinct <= FEW_CLASSES and (rows >= 2 * distinct or distinct == 1)
    if not written.plain and whole and few:
        return _named(cells)
    if not whole:
        example = next(text_of(value) for value in values["value"].to_list() if value != round(value))
        _refuse_numbers(cells, f"it has fractions such as {example} and {distinct:,} different numbers in {rows:,} rows")
    rarest = smallest(values["rows"])
    even = rows >= ROWS_A_CLASS * distinct and rarest >= RAREST * rows / distinct
    if not (few or even):
        _refuse_numbers(cells, f"it has {distinct:,} different numbers in {rows:,} rows")
    levels: list[Level] = [int(value) for value in values["value"].to_list()]
    values = values.with_columns(label=pl.Series(map(str, levels)))
    why = f"{distinct} classes, numbers in the file; {rarest:,} rows of the rarest"
    rogue = total(cells.texts) - rows
    return ColumnGuess(Column(type="integer", levels=levels), (why,), values, cells.missing, rogue)


def _boolean(guess: ColumnGuess) -> ColumnGuess:
    lower = guess.values.with_columns(trimmed=pl.col("trimmed").str.to_lowercase())
    values = lower.group_by("trimmed").agg(pl.col("rows").sum(), pl.col("text").first(), label=pl.col("trimmed").first())
    return replace(guess, column=Column(type="boolean", levels=[False, True]), values=values, reasons=("2 classes",))


def _named(cells: Distinct) -> ColumnGuess:
    texts, rows = cells.texts, total(cells.texts)
    if texts.height > 1 and texts.height > columns.NEAR_UNIQUE * rows:
        _refuse(
            cells,
            f"has {texts.height:,} different texts in {rows:,} rows, so most classes would have one row",
            "choose a column whose values repeat",
        )
    rarest = smallest(texts["rows"])
    why = f"{texts.height} classes; {rarest:,} row{'' if rarest == 1 else 's'} of the rarest"
    return ColumnGuess(
        Column(type="category", levels=sorted(texts["text"].to_list())), (why,), texts.with_columns(label="text"), cells.missing
    )


def _positive(levels: list[Level], values: pl.DataFrame) -> tuple[Level | None, list[str]]:
    """The class of two that the threshold is for, and why."""
    if len(levels) != 2:
        return None, []
    names = [text_of(level).strip().lower() for level in levels]
    named = [level for name, level in zip(names, levels, strict=True) if name in POSITIVE]
    if len(named) == 1:
        return named[0], ["positive is the class that says yes; the other one: change `positive` above"]
    rows = [total(values, pl.col("label") == text_of(level)) for level in levels]
    rarer = levels[0] if rows[0] < rows[1] else levels[1]
    return rarer, [f"positive is the rarer class ({min(rows):,} of {sum(rows):,} rows); the other one: change `positive` above"]


def _lookalikes(guess: ColumnGuess) -> tuple[str, ...]:
    """Classes that differ only in blanks, case or a full stop at the end."""
    if guess.column.type != "category":
        return ()
    plain = pl.col("trimmed").str.to_lowercase().str.strip_chars_end(".").str.replace_all(r"\s+", " ")
    texts = guess.values.select("text", plain=plain).group_by("plain", maintain_order=True).agg("text")["text"].to_list()
    return tuple(
        f"the classes {' and '.join(map(shown, sorted(alike)))} differ only in blanks, case or a full stop: if they are one, "
        "make them equal in the file"
        for alike in texts
        if len(alike) > 1
    )


def _strays(guess: ColumnGuess) -> tuple[str, ...]:
    """Classes of one row among others of many."""
    if guess.column.type != "category":
        return ()
    alone = guess.values.filter(pl.col("rows") == 1)
    if not 0 < alone.height <= FEW_STRAYS or total(guess.values) < ROWS_A_CLASS * guess.values.height:
        return ()
    names = " and ".join(map(shown, sorted(alone["text"].to_list())))
    many = alone.height > 1
    return (
        f"the class{'es' if many else ''} {names} ha{'ve' if many else 's'} one row: if it is no class, take it out of `levels`",
    )


def _refuse(cells: Distinct, what: str, how: str) -> NoReturn:
    raise UsageError(f"the target {cells.name!r} {what}; {how}")


def _refuse_numbers(cells: Distinct, what: str) -> NoReturn:
    _refuse(
        cells,
        f"is numeric ({what}), and Shipway learns classes, not amounts",
        "choose another target, or add a column of classes to the table, such as low, middle and high",
    )
