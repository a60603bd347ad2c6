"""A look through text before it is read: whether Polars would read it right, and how many rows it has.

This module imports NumPy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy
from numpy.typing import NDArray

from shipway.core.dialect import DOUBLED_END, Dialect

Bytes = NDArray[numpy.uint8]
Places = NDArray[numpy.intp]

CHUNK_BYTES = 1 << 20
FEED, RETURN = ord("\n"), ord("\r")
TAKEN_FOR_PACKED = (b"x\x01", b"x^", b"x\x9c", b"x\xda")
"""What packed data starts with (RFC 1950, 2.2), which Polars unpacks: as may a table whose first name is x, cut at ^."""


def rows_of(file: Path, dialect: Dialect, *, lines: int, width: int) -> int | None:
    """The number of rows of *file*, which is in UTF-8, after its first *lines* lines; otherwise as `rows_in`.

    Polars takes a byte order mark away from the first row, too, where a cell may begin with one.
    """
    parts = _parts(file, lines)
    first = next(parts, b"")
    if (lines and first.startswith(codecs.BOM_UTF8)) or taken_for_packed(file):
        return None
    return rows_in(itertools.chain([first] if first else [], parts), dialect, width=width)


def rows_in(parts: Iterable[bytes], dialect: Dialect, *, width: int) -> int | None:
    """The number of rows, or None where the text is not written in the strict way that Polars reads.

    That way is RFC 4180: lines end in a line feed, with at most one return before it, and a quote stands at both ends of a cell
    or, doubled, inside a quoted one.
    Polars misreads some files that are not so without a word. Lines with nothing in them are no rows of a table that is wider
    than a column: at the end of the file they do not count; further up Polars would take them for rows.

    Args:
        parts: The text in UTF-8, in parts of whole lines.
        width: Number of columns.
    """
    if dialect.escape or len(dialect.separator) > 1:
        return None
    quote, separator = (dialect.quote or "").encode(), ord(dialect.separator)
    rows = blank = 0
    inside = False
    for part in parts:
        if DOUBLED_END.encode() in part:
            return None
        cells = numpy.frombuffer(part, numpy.uint8)
        ends = numpy.flatnonzero(cells == FEED)
        if quote and (inside or quote in part):
            quotes = numpy.flatnonzero(cells == ord(quote))
            if not _fit(cells, quotes, separator, inside=inside):
                return None
            ends = ends[(numpy.searchsorted(quotes, ends) + inside) % 2 == 0]
            inside ^= bool(len(quotes) % 2)
        unended = int(cells[-1] != FEED)
        if width > 1:
            empty = _empty(cells, ends)
            tail = len(empty) if not len(empty) or empty.all() else int(numpy.argmin(empty[::-1]))
            if ((blank or tail) and unended) or (blank and tail < len(empty)) or empty.sum() > tail:
                return None
            blank += tail
        rows += len(ends) + unended
    return None if inside else rows - blank


def taken_for_packed(file: Path) -> bool:
    """Whether Polars would unpack *file*, which is text."""
    with file.open("rb") as opened:
        return opened.read(2) in TAKEN_FOR_PACKED


def _parts(file: Path, lines: int) -> Iterator[bytes]:
    """The bytes of *file* after its first *lines* lines, in parts of whole lines."""
    with file.open("rb") as opened:
        for _ in range(lines):
            opened.readline()
        while part := opened.read(CHUNK_BYTES) + opened.readline():
            yield part


def _fit(cells: Bytes, quotes: Places, separator: int, *, inside: bool) -> bool:
    """Whether quotes open after a separator or a line's end and close before one; a doubled quote closes and opens again.

    *cells* starts at a line's start and ends at a line's end or the file's; *inside* says whether it starts in quotes.
    """
    quote = cells[quotes[0]] if len(quotes) else 0
    opening, closing = quotes[int(inside) :: 2], quotes[1 - int(inside) :: 2]
    before = cells[opening[opening > 0] - 1]
    after = cells[closing[closing < len(cells) - 1] + 1]
    opened = (before == separator) | (before == FEED) | (before == quote)
    closed = (after == separator) | (after == FEED) | (after == RETURN) | (after == quote)
    return bool(opened.all() and closed.all())


def _empty(cells: Bytes, ends: Places) -> NDArray[numpy.bool_]:
    """Which of the lines that end at *ends* have nothing in them."""
    before, last = cells[numpy.maximum(ends - 2, 0)], cells[numpy.maximum(ends - 1, 0)]
    for place, end in enumerate(ends[:2].tolist()):
        # What stands before the first cells ended a line.
        before[place] = FEED if end < 2 else before[place]
        last[place] = FEED if end < 1 else last[place]
    return numpy.asarray((last == FEED) | ((last == RETURN) & (before == FEED)))
