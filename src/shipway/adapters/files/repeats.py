"""Lines of a file that repeat earlier ones, left out before anything is made of them.

Equal lines are equal rows, and to find them costs a fraction of what it costs to read one. This module imports Polars at its top, so
it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

HELD_BYTES = 64 * 2**20
"""Bytes of lines that later ones are compared with; about 700,000 rows of 23 short cells."""

WORTH = 0.25
"""Share of repeats below which looking for them is given up when no more lines can be held: then it costs more than it saves."""

LINE, PLACE = "line", "place"
BATCH_LINES = 200_000


@dataclass
class Unrepeated:
    """Some rows of a file, without those that were left out.

    Attributes:
        name: Of the file.
        places: Which rows of the file these are, from 1, ascending.
        rows: As a source gives them.
        left_out: How many rows before the last of these, and after the batch before, repeat a settled one and are not here.
        settled: Set by who reads the batch: which rows need not come again, as booleans; None where all shall.
    """

    name: str
    places: pl.Series
    rows: pl.DataFrame
    left_out: int = 0
    settled: pl.Series | None = None


class Lines:
    """Lines of a file in batches, without repeats of those that were held."""

    def __init__(self) -> None:
        self._held: pl.DataFrame | None = None
        self._full = self._idle = False
        self._met = self._repeats = 0

    def others(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Those of *lines* that equal no held one, in order."""
        self._met += lines.height
        if self._held is None or self._idle:
            return lines
        found = lines.join(self._held, on=LINE, how="anti", maintain_order="left")
        self._repeats += lines.height - found.height
        self._idle = self._full and self._repeats < WORTH * self._met
        return found

    def hold(self, lines: pl.Series) -> None:
        """Leave *lines* out from now on, as far as there is room."""
        if self._full or not len(lines):
            return
        # made of one text, as slices of the texts of a batch would keep the whole batch in memory
        own = lines.unique().str.join("\n").str.split("\n").explode(empty_as_null=False).rename(LINE).to_frame()
        self._held = own if self._held is None else pl.concat([self._held, own])
        self._full = self._held.estimated_size() > HELD_BYTES


def batches(file: Path, lines: int) -> Iterator[pl.DataFrame]:
    """Yield the lines of *file* after its first *lines*, in batches: `LINE` and `PLACE`, from 1."""
    scan = pl.scan_lines(file, name=LINE, glob=False).slice(lines)
    start = 1
    for batch in scan.collect_batches(chunk_size=BATCH_LINES, maintain_order=True):
        if batch.height:
            yield batch.with_columns(pl.int_range(start, start + batch.height, dtype=pl.Int64).alias(PLACE))
            start += batch.height


def unrepeated(name: str, batches: Iterator[tuple[int, pl.DataFrame]]) -> Iterator[Unrepeated]:
    """The *batches* of a source, of which no row is left out."""
    for first, rows in batches:
        yield Unrepeated(name, pl.int_range(first, first + rows.height, dtype=pl.Int64, eager=True), rows)


def joined(lines: pl.Series) -> bytes:
    """*lines* as the content of a file, below a first line that is to be skipped, as a byte order mark is cut off there.

    Each ends in a return too: it is cut off with the line feed, and a return that was part of the line is not.
    """
    text: str = lines.str.join("\r\n")[0]
    return b"\n" + text.encode() + b"\r\n"
