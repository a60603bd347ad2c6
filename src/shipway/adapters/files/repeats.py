"""Lines of a file that repeat earlier ones, left out before anything is made of them.

Equal lines are equal rows, and to find them costs a fraction of what it costs to read them.
This module imports Polars at its top, so
it is itself imported only inside functions.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

HELD_BYTES = 64 * 2**20
"""Bytes of lines that later ones are compared with; about 700,000 rows of 23 short cells."""

SLOT_BITS = 20
"""Of the hash of a line, which say in which slot of a table its place among the held ones is noted: a million slots."""

TABLES = 3
"""Each looked into by other bits. A line whose slots are all taken is read whenever it comes: one in 10,000 when all is full."""

LINE, PLACE, HASH = "line", "place", "hash"
BATCH_LINES = 200_000


@dataclass
class Unrepeated:
    """Some rows of a file, without those that were left out.

    Attributes:
        name: Of the file.
        places: Which rows of the file these are, from 1, ascending.
        rows: As a source gives them.
        left_out: How many rows before the last of these, and after the batch before, repeat a settled one and are not here.
        settled: Set by who reads the batch: which rows need not come again, as booleans; by default none. A repeat within a batch
            comes right after it, whatever stands between.
    """

    name: str
    places: pl.Series
    rows: pl.DataFrame
    left_out: int = 0
    settled: pl.Series | None = None


class Lines:
    """Lines that were held, and which of others equal one of them."""

    def __init__(self) -> None:
        self._held = pl.Series(LINE, dtype=pl.String)
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._bytes = 0
        # a slot that is free says 0 too: a line that is compared with the first one is as right as any
        self._seats = np.zeros((TABLES, 1 << SLOT_BITS), dtype=np.int32)

    def others(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Those of *lines* that equal no held one, in order."""
        if not len(self._held):
            return lines
        hashes = lines[HASH].to_numpy()
        seats = np.zeros(len(hashes), dtype=np.int32)
        left = np.arange(len(hashes))
        for table, slots in enumerate(self._seats):
            seat = slots[_slots(hashes[left], table)]
            seats[left] = seat
            left = left[self._hashes[seat] != hashes[left]]
        if len(left) == lines.height:
            return lines
        return lines.filter(lines[LINE] != self._held.gather(pl.Series(seats)))

    def hold(self, lines: pl.DataFrame) -> None:
        """Leave *lines*, each of which stands there once, out from now on, as far as there is room."""
        if self._bytes > HELD_BYTES or not lines.height:
            return
        places = np.arange(len(self._held), len(self._held) + lines.height, dtype=np.int32)
        # put together with nothing, they are in memory of their own; slices of the texts of a batch keep all of the batch
        self._held = pl.concat([self._held, lines[LINE] + ""], rechunk=True)
        hashes = lines[HASH].to_numpy()
        self._hashes = np.concatenate([self._hashes, hashes])
        self._bytes += int(lines[LINE].str.len_bytes().sum())
        for table, seats in enumerate(self._seats):
            slots = _slots(hashes, table)
            free = seats[slots] == 0
            seats[slots[free]] = places[free]
            left = seats[slots] != places
            hashes, places = hashes[left], places[left]


def _slots(hashes: NDArray[np.uint64], table: int) -> NDArray[np.uint64]:
    return (hashes >> np.uint64(table * SLOT_BITS)) & np.uint64((1 << SLOT_BITS) - 1)


def batches(file: Path, lines: int) -> Iterator[pl.DataFrame]:
    """Yield the lines of *file* after its first *lines*, in batches: `LINE`, `PLACE` from 1, and its `HASH`."""
    scan = pl.scan_lines(file, name=LINE, glob=False).slice(lines)
    start = 1
    for batch in scan.collect_batches(chunk_size=BATCH_LINES, maintain_order=True):
        if batch.height:
            place = pl.int_range(start, start + batch.height, dtype=pl.Int64)
            yield batch.with_columns(place.alias(PLACE), pl.col(LINE).hash().alias(HASH))
            start += batch.height


def unrepeated(name: str, batches: Iterator[tuple[int, pl.DataFrame]]) -> Iterator[Unrepeated]:
    """The *batches* of a source, of which no row is left out."""
    for first, rows in batches:
        yield Unrepeated(name, pl.int_range(first, first + rows.height, dtype=pl.Int64, eager=True), rows)


def joined(lines: pl.Series) -> bytes:
    """*lines* as the content of a file.

    It begins with a byte order mark, as one that the first line begins with would be cut off. Each line ends in a return too: it
    is cut off with the line feed, and a return that was part of the line is not.
    """
    content = io.BytesIO()
    content.write(codecs.BOM_UTF8)
    lines.to_frame().write_csv(content, include_header=False, quote_style="never", line_terminator="\r\n")
    return content.getvalue()
