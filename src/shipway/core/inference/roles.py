"""What a column is for: identifiers, codes and weights, known by name and by values; and columns that say nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import polars as pl

from shipway.core.contract import Role
from shipway.core.inference.columns import LISTED_LEVELS, NEAR_UNIQUE, ColumnGuess, category
from shipway.core.inference.distinct import Distinct, sampled, words
from shipway.core.inference.names import parts_of

INDEX_NAMES = re.compile(r"^(|unnamed([:_ ].*)?|column_?1|index|level_[0-9]+|x|__index_level_[0-9]+__)$", re.IGNORECASE)
"""What an index that was written without a name is called: by pandas, R and Polars, and by the reader of files, which calls a
first column without a name column_1. In a table without any names the later ones have such names too, and say nothing."""

ID_WORDS = words("id ids uuid guid identifier key pk idx rowid rownum rownumber serial ssn imei vin nr no number code")
"""Words of a name that say "identifier", where no two cells are equal."""

SURE_ID_WORDS = words("id uuid guid identifier pk rowid ssn imei vin")
"""Words that say so even where some cells are equal."""

THINGS = "customer user client patient passenger row account order record subject student employee member case"
GLUED_ID = re.compile(f"^({THINGS.replace(' ', '|')})s?(id|no|nr)$")

CODE_WORDS = words("id code zip zipcode postcode postal plz sku")
"""Words that say of whole numbers that they are names: none is larger than another."""

TIME_WORDS = words("year yr month week day hour date time t period")
"""Words that say of running numbers that they are a time."""

WEIGHT_NAMES = words(
    "fnlwgt finalwgt finalweight samplewt sampleweight sampleweights caseweight caseweights surveyweight surveyweights",
    "instanceweight instanceweights samplingweight observationweight personweight perwt pweight wtfinal probweight",
)
"""Names of weights of rows, in lower case without signs. `weight` alone may be that of a body."""

FEW_ROWS = 20
"""Rows below which only a running number in the file's order is an identifier: few values often all differ."""

NO_RANKS = 1000
"""Rows from which all numbers of a range, each once and in any order, are row numbers: of fewer rows they may be ranks."""

DENSE = 0.5
"""Share of the numbers between the least and the greatest that rising ones in the file's order must hold to be row numbers."""

ID_SHAPES = 3
"""Shapes (letters as A, digits as 9) that texts of an identifier may have, as do AB-1234 and A-123."""


def assign(cells: Distinct, guess: ColumnGuess) -> tuple[ColumnGuess, Role]:
    """The guess with what its name and values say of its role; with the role."""
    if not guess.values.height:
        empty = guess.missing == cells.height
        return _ignored(guess, "all cells are empty" if empty else f"{cells.series.dtype} values, which no model takes", "")
    if guess.values["text"].n_unique() == 1 and not guess.missing and not guess.rogue:
        return _ignored(guess, "all cells are equal", '; to take it all the same, leave out role = "ignored"')
    if why := _key(cells, guess):
        return replace(guess, reasons=(f"{why}: a key, so never a feature; to learn from it, take it out of `key` above",)), "key"
    if _is_weight(cells.name, guess):
        why = "the name and values of weights: how much a row counts in training; if it is a feature, take `weight` away above"
        return replace(guess, reasons=(why, *guess.reasons)), "weight"
    if why := _almost_key(cells, guess):
        return _ignored(guess, why, '; to learn from it, leave out role = "ignored"')
    return _code(cells, guess) or guess, "feature"


def _ignored(guess: ColumnGuess, why: str, how: str) -> tuple[ColumnGuess, Role]:
    column = msgspec.structs.replace(guess.column, role="ignored")
    return replace(guess, column=column, reasons=(f"{why}: plays no part{how}",), rogue=0), "ignored"


def _key(cells: Distinct, guess: ColumnGuess) -> str | None:
    """Why the column identifies rows; None where it does not."""
    type = guess.column.type
    if guess.missing or guess.rogue or guess.values.height < cells.height or cells.height < 2:
        return None
    if type == "integer" and guess.values["value"].n_unique() < cells.height:
        return None
    if type not in ("integer", "text", "category"):
        return None
    parts = parts_of(cells.name)
    running = type == "integer" and _running(cells, parts)
    if INDEX_NAMES.match(cells.name) and (running or cells.name.lower() != "x"):
        return "no two cells are equal, and the name is that of an index"
    if running:
        return "row numbers in the order of the file"
    if cells.height < FEW_ROWS:
        return None
    if _named(parts, cells.name, ID_WORDS):
        return "no two cells are equal, and the name says so"
    if type == "integer":
        shuffled = cells.height >= NO_RANKS and _permuted(guess.values) and not TIME_WORDS & set(parts)
        return "running numbers in any order" if shuffled else None
    return "no two cells are equal, and all have the shape of an identifier" if _shaped(guess.values) else None


def _named(parts: list[str], name: str, known: frozenset[str]) -> bool:
    if any(word in known for word in (parts[:1] + parts[-1:])) and "of" not in parts:
        return True
    return GLUED_ID.match("".join(parts)) is not None


def _running(cells: Distinct, parts: list[str]) -> bool:
    """Whether the numbers rise from row to row, by one or with few gaps."""
    steps = cells.series.cast(pl.Float64, strict=False).diff().drop_nulls()
    if len(steps) < cells.height - 1 or TIME_WORDS & set(parts):
        return False
    if bool((steps == 1).all()):
        first = cells.series.cast(pl.Float64, strict=False)[0]
        return cells.height >= FEW_ROWS or first in (0, 1)
    return bool((steps > 0).all()) and cells.height >= FEW_ROWS and len(steps) >= DENSE * float(steps.sum())


def _permuted(values: pl.DataFrame) -> bool:
    numbers = values["value"].sort()
    return bool(numbers[-1] - numbers[0] == len(numbers) - 1)


def _shaped(values: pl.DataFrame) -> bool:
    return _have_shape(sampled(values)) and _have_shape(values)


def _have_shape(values: pl.DataFrame) -> bool:
    if values["trimmed"].str.contains(r"\s").any():
        return False
    shapes = values["trimmed"].str.replace_all("[0-9]+", "9").str.replace_all(r"\p{L}+", "A")
    hexadecimal = bool(values["trimmed"].str.contains(r"^[0-9a-fA-F-]{8,}$").all())
    return hexadecimal or (shapes.n_unique() <= ID_SHAPES and bool(shapes.str.contains("9", literal=True).all()))


def _almost_key(cells: Distinct, guess: ColumnGuess) -> str | None:
    """Why the column is an identifier of something that comes more than once."""
    if guess.column.type not in ("integer", "text", "category") or cells.height < FEW_ROWS:
        return None
    present = max(cells.height - guess.missing, 1)
    if guess.values.height <= NEAR_UNIQUE * present:
        return None
    named_as_index = INDEX_NAMES.match(cells.name) and cells.name.lower() not in ("x", "column_1", "column1")
    if named_as_index or _named(parts_of(cells.name), cells.name, SURE_ID_WORDS):
        return f"{guess.values.height:,} different values in {present:,} cells, and the name of an identifier"
    return None


def _code(cells: Distinct, guess: ColumnGuess) -> ColumnGuess | None:
    """Whole numbers that are names, as a category; None where they are not, or are not written the usual way."""
    if guess.column.type != "integer" or guess.values.height < 3 or not _named(parts_of(cells.name), cells.name, CODE_WORDS):
        return None
    if not guess.values["text"].str.contains("^-?(0|[1-9][0-9]*)$").all() or guess.rogue:
        return None
    column = category(guess.values, nullable=guess.column.nullable, missing=guess.column.missing)
    shown = "" if guess.values.height <= LISTED_LEVELS else ", too many to be listed"
    why = f'{guess.values.height:,} numbers{shown}, by the name codes and no amounts; as amounts: type = "integer", and no levels'
    return replace(guess, column=column, reasons=(why, *guess.reasons[1:]))


def _is_weight(name: str, guess: ColumnGuess) -> bool:
    if guess.column.type not in ("integer", "number") or guess.missing or guess.rogue or guess.values.height < 2:
        return False
    plain = "".join(parts_of(name))
    return plain in WEIGHT_NAMES and bool((guess.values["value"] >= 0).all())
