"""A text cut into cells by one way of writing tables, and how well that way fits it."""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t", "|")
"""The separators that tables are written with, likelier ones first."""
TRIAL_RECORDS = 100
"""Records that a way of writing is tried on: enough to tell ways apart, few enough to try two dozen in a blink."""
HEADLINES = 30
"""Most lines of titles and comments that may stand before a table."""
LEAST_TITLED = 4
"""Least columns of a table before which a line that is empty but for one cell is a title."""
NUMBER = re.compile(r"(?=[^\dA-Za-z]*\d)\s*[-+−]?[$€£]?\s?(\d{1,3}([.,' ]\d{3})+|\d+)?([.,]\d*)?([eE][-+]?\d+)?\s?[%$€£]?\s*")
LEAST_ROWS_BELOW = 3
"""Least rows that have to be one cell longer than the names above them; fewer may be mistakes."""
UNCLOSED = 0.5
"""What is left of a score where a quote is never closed."""
TITLED, CUT_TITLE = 0.9, 0.5
"""What is left of a score where lines before the table are titles, or have separators in them, this one or another: they may
be the header then, and one way should fit all of a file."""
UNNAMED = 0.95
"""What is left of a score where the first record names all columns but one."""
SHORT = 0.8
"""How even a record counts that has some of its last cells left out."""
FAULT, STRAY = 4, 2
"""How many odd cells a cell counts as that starts with a quote and does not end with it, and one with a quote further in: quotes
are written by rule, odd texts by anybody."""


@dataclass(frozen=True)
class Way:
    """One way of writing a table: see `Dialect` for the fields."""

    separator: str
    quote: str | None
    escape: str | None


@dataclass(frozen=True)
class Record:
    """One record: its cells, which of them stood in quotes, and the line that it starts on, counted from 0."""

    cells: list[str]
    quoted: list[bool]
    line: int
    raw: list[str]

    @property
    def blank(self) -> bool:
        return len(self.cells) == 1 and not self.quoted[0] and not self.cells[0].strip()


def records(text: str, way: Way, *, cut: bool, limit: int | None = None) -> tuple[list[Record], bool]:
    """The records of *text*, and whether its last one is in quotes that never end.

    Args:
        text: Lines that end in a line feed, with or without a carriage return.
        cut: The text goes on after its end, so its last record may not be whole and is left out.
        limit: Most records that are made.
    """
    found: list[Record] = []
    cells: list[str] = []
    quoted: list[bool] = []
    raw: list[str] = []
    line = start = 0
    for match in _cell(way).finditer(text):
        inner, open_, plain, end = match.group("inner", "open", "plain", "end")
        if open_ is not None:
            return found, not cut
        whole = inner is not None
        cells.append(_unescaped(inner if whole else plain, way, quoted=whole))
        quoted.append(whole)
        raw.append(match[0])
        line += match[0].count("\n")
        if end in ("", "\n", "\r\n"):
            if end or cells != [""] or whole:
                found.append(Record(cells, quoted, start, raw))
            if not end or (limit and len(found) >= limit):
                break
            cells, quoted, raw, start = [], [], [], line
    whole_sample = limit is None or len(found) < limit
    return found[:-1] if cut and whole_sample and len(found) > 1 else found, False


@functools.lru_cache(maxsize=64)
def _cell(way: Way) -> re.Pattern[str]:
    """A pattern of one cell with what ends it. It matches at every place, so that `finditer` leaves nothing out."""
    separator, blanks = re.escape(way.separator[0]), " *+" if len(way.separator) > 1 else ""
    escaped, no_escape = (rf"|{re.escape(way.escape)}.", re.escape(way.escape)) if way.escape else ("", "")
    end = rf"(?P<end>{separator}|\r?\n|\Z)"
    plain = rf"(?P<plain>(?:[^{separator}\r\n{no_escape}]++|\r(?!\n){escaped})*+)"
    if way.quote is None:
        return re.compile(rf"{blanks}(?:(?P<inner>(?!))|(?P<open>(?!))|{plain}){end}", re.DOTALL)
    quote = re.escape(way.quote)
    inside = rf"(?:[^{quote}{no_escape}]++|{quote}{quote}{escaped})*+"
    return re.compile(
        rf"{blanks}(?:{quote}(?P<inner>{inside}){quote}(?={separator}|\r?\n|\Z)|(?P<open>{quote}{inside}\Z)|{plain}){end}",
        re.DOTALL,
    )


def _unescaped(text: str, way: Way, *, quoted: bool) -> str:
    if quoted and way.quote:
        text = text.replace(way.quote * 2, way.quote)
    return re.sub(re.escape(way.escape) + "(.)", r"\1", text, flags=re.DOTALL) if way.escape and way.escape in text else text


@dataclass(frozen=True)
class Trial:
    """How a text looks when it is cut in one way.

    Attributes:
        first: Index of the record that the table begins with: what stands before are titles, comments and blank lines.
        width: Cells of most records.
        score: From 0 to 1: how even the records are, and how clean their cells.
    """

    way: Way
    records: list[Record]
    first: int
    width: int
    score: float


def attempt(text: str, way: Way, *, cut: bool, limit: int = TRIAL_RECORDS) -> Trial:
    """Cut the start of *text* in one *way*, and judge it by its first *limit* records."""
    found, unclosed = records(text, way, cut=cut, limit=limit)
    rows = [record for record in found if not record.blank]
    if not rows:
        return Trial(way, found, len(found), 1, 0.0)
    widths = Counter(len(record.cells) for record in rows)
    width = max(widths, key=lambda cells: (widths[cells], cells == len(rows[0].cells), cells))
    first = _first(found, width)
    table = [record for record in found[first:] if width == 1 or not record.blank]
    short = short_by_one(table[0], table[1:])
    score = _evenness(table[1:] if short else table, width, len(table[0].cells)) ** 2 * _cleanness(table, way, width)
    score *= _titled(found[:first]) * (UNCLOSED if unclosed else 1) * (UNNAMED if short else 1)
    return Trial(way, found, first, width, score)


def _evenness(table: list[Record], width: int, longest: int) -> float:
    even = [1 if len(record.cells) == width else SHORT * (1 < len(record.cells) <= longest) for record in table]
    return sum(even) / len(even)


def _cleanness(table: list[Record], way: Way, width: int) -> float:
    # Where the first line has a separator, commas in the lines below it are no decimal ones.
    numbers = width > 1 or not _others(way.separator).search(table[0].cells[0])
    cells = oddities = 0
    for record in table:
        cells += len(record.cells)
        for cell, quoted, raw in zip(record.cells, record.quoted, record.raw, strict=True):
            if cell and not quoted:
                oddities += _oddity(_bare(raw, way) if way.escape else cell, way, numbers=numbers)
    return max(0.0, 1 - oddities / cells)


def _titled(above: list[Record]) -> float:
    titles = [record for record in above if not record.blank]
    if any(sign in cell for record in titles for cell in record.raw for sign in SEPARATORS):
        return CUT_TITLE
    return TITLED if titles else 1


def _bare(raw: str, way: Way) -> str:
    """A cell as it is written, without what has to be escaped and is, and without what ends it."""
    escapable = re.escape(f"{way.quote or ''}{way.separator[0]}{way.escape}\n")
    return re.sub(rf"{re.escape(way.escape or '')}[{escapable}]", "", raw).rstrip("\r\n").removesuffix(way.separator[0])


def _oddity(cell: str, way: Way, *, numbers: bool) -> int:
    """How much a cell outside of quotes speaks against the way that it was cut in."""
    bare = cell.strip()
    if way.quote and way.quote in cell:
        return FAULT if bare.startswith(way.quote) else STRAY
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        return 1
    return int(bool(_others(way.separator).search(cell)) and not (numbers and NUMBER.fullmatch(cell)))


@functools.lru_cache(maxsize=16)
def _others(separator: str) -> re.Pattern[str]:
    """A pattern of the usual separators but *separator*."""
    return re.compile("[" + "".join(sign for sign in SEPARATORS if sign != separator[0]) + "]")


def _first(found: list[Record], width: int) -> int:
    """Index of the record that the table begins with: the first that is as wide as most, but for titles."""
    top = range(min(len(found), HEADLINES))
    start = next((place for place in top if len(found[place].cells) >= width and not found[place].blank), 0)
    if start and short_by_one(found[start - 1], found[start:]):
        start -= 1
    if width < LEAST_TITLED:
        return start
    for place in top[start:]:
        filled = [cell for cell in found[place].cells if cell.strip()]
        if len(filled) == width and not any(map(NUMBER.fullmatch, filled)):
            return place
        if len(filled) > 1:
            break
    return start


def short_by_one(record: Record, below: list[Record]) -> bool:
    """Whether *record* names all columns of the rows *below* but one.

    R's `write.table` writes row names without a name above them; others end each row, and not the header, in a separator.
    """
    width = len(record.cells) + 1
    return (
        width > 2
        and len(below) >= LEAST_ROWS_BELOW
        and all(record.cells)
        and all(len(row.cells) == width for row in below)
        and any(map(NUMBER.fullmatch, below[0].cells))
    )
