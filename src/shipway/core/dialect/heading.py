"""Whether a table's first record names its columns or is a row like the ones below it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shipway.core.dialect.trial import NUMBER

MARKERS = frozenset({"", "?", "-", "--", "na", "n/a", "nan", "null", "none", "nil", ".", "\\n"})
"""Cells that mean a missing value, in lower case: they tell nothing about the kind of a column."""
TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s?([AaPp][Mm]|Z|[-+]\d{2}:?\d{2})?"
DATE = re.compile(rf"\d{{1,4}}([-/.])\d{{1,2}}\1\d{{1,4}}([T ]{TIME})?|{TIME}")
TRUTH = frozenset({"true", "false"})
TYPED_SHARE = 0.8
"""Share of a column's cells that are numbers or dates from which the others are faults, and a text above them is a name."""
LEAST_TOLD = 3
"""Cells with a value from which it is told what a column holds, where it has as many rows; a single number is there by chance."""
LEAST_COUNTED, LEAST_YEARS = 3, 2
"""Numbers that have to go up by one before they count as names; fewer do so by chance."""
YEARS = range(1900, 2101)
WORDS = {"number": "a number", "date": "a date", "truth": "true or false"}
LEAST_BELOW = 5
"""Rows below from which it says something that a cell of line 1 is unlike them, or occurs again among them."""


def kind(cell: str) -> str:
    """`none`, `number`, `date`, `truth` or `text`."""
    bare = cell.strip()
    if bare.lower() in MARKERS:
        return "none"
    if NUMBER.fullmatch(bare):
        return "number"
    if DATE.fullmatch(bare):
        return "date"
    return "truth" if bare.lower() in TRUTH else "text"


def has_header(first: Sequence[str], below: Sequence[Sequence[str]]) -> tuple[bool, str]:
    """Whether *first* names the columns of the rows *below* it, and, where it does not, why.

    A text above numbers or dates is a name, but for a table of few rows where a number stands beside it, or where as many numbers
    of the line occur again below themselves. Else a number or date
    is no name, unless the numbers count up by one (the names that pandas gives, or years). Where all is text, names are not
    expected to occur again below them in most columns. What tells nothing either way counts as a header, as most tables have one.
    """
    kinds = [kind(cell) for cell in first]
    columns = [[row[place] for row in below if place < len(row)] for place in range(len(first))]
    typed = [_is_typed(column) for column in columns]
    values = [above not in ("none", "text") for above in kinds]
    named = sum(above == "text" and below_it for above, below_it in zip(kinds, typed, strict=True))
    again = [bool(cell) and cell in column for cell, column in zip(first, columns, strict=True)]
    doubtful = sum(value and found for value, found in zip(values, again, strict=True)) >= named
    if named and (not any(values) or (len(below) >= LEAST_BELOW and not doubtful)):
        return True, ""
    numbered = [place for place, above in enumerate(kinds) if above == "number"]
    if _counts_up([first[place] for place in numbered], [columns[place] for place in numbered], indexed=not first[0]):
        return True, ""
    if any(values):
        place = values.index(True)
        return False, f"cell {place + 1} of the first line is {WORDS[kinds[place]]}, as in a row, and no name"
    least = sum(map(bool, first)) / 2 if len(set(first)) == len(first) else 0
    if len(below) >= LEAST_BELOW and sum(again) > least:
        return False, "most cells of the first line occur again in the lines below it, as values do and names do not"
    return True, ""


def _is_typed(column: Sequence[str]) -> bool:
    kinds = [found for found in map(kind, column) if found != "none"]
    enough = bool(kinds) and len(kinds) >= min(LEAST_TOLD, len(column))
    return enough and sum(found != "text" for found in kinds) >= TYPED_SHARE * len(kinds)


def _counts_up(cells: Sequence[str], columns: Sequence[Sequence[str]], *, indexed: bool) -> bool:
    """Whether *cells* go up by one as the names that pandas gives, from 0, or as years do above what are no years."""
    if not cells or not all(cell.strip().isdecimal() for cell in cells):
        return False
    numbers = [int(cell.strip()) for cell in cells]
    start = numbers[0]
    up = numbers == list(range(start, start + len(cells)))
    if start in YEARS:
        return up and len(cells) >= LEAST_YEARS and not all(_is_year(cell) for column in columns for cell in column)
    return up and start == 0 and len(cells) >= (1 if indexed else LEAST_COUNTED)


def _is_year(cell: str) -> bool:
    return cell.strip().isdecimal() and int(cell.strip()) in YEARS
