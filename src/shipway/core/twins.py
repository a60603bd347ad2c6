"""Which rows of a table equal an earlier one, also for a table that does not fit into memory.

Rows are told apart by hashes, 8 bytes a row, and rows with equal hashes are compared in full, so that a collision makes no twins.
This module imports Polars and NumPy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from shipway.core.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

HELD_BYTES = 192 * 2**20
"""How much of the first rows of each set of equals is held at once. Where they take more, the table is gone through several
times, each time for a share of the hashes."""

PIECES = 8
"""In how many pieces the held rows may lie before they are put together, as a look-up in many pieces is slow."""


def first_equals(
    rows: Rows,
    columns: Sequence[str] | None = None,
    *,
    hash_of: Callable[[pl.DataFrame], pl.Series] = pl.DataFrame.hash_rows,
    held_bytes: int = HELD_BYTES,
) -> NDArray[np.int64] | None:
    """For each row the place of the first row that equals it in *columns* (all by default): its own where no earlier one does.

    A missing value equals a missing value.

    Args:
        hash_of: Gives a UInt64 for each row of a frame, equal for equal rows.
        held_bytes: How much of the rows that have equals to hold at once.

    Returns:
        Places from 0, shape (rows,); None where each row is its own first.
    """
    names = list(rows.columns if columns is None else columns)
    hashes, width = _hashes(rows, names, hash_of)
    ordered = np.sort(hashes)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    del ordered
    shared = again[np.flatnonzero(np.r_[True, again[1:] != again[:-1]])] if len(again) else again
    if not len(shared):
        return None
    first = np.arange(len(hashes))
    held = max(held_bytes // width, 1)
    for start in range(0, len(shared), held):
        _compare(rows, names, hashes, shared[start : start + held], first)
    return first


def _hashes(rows: Rows, names: Sequence[str], hash_of: Callable[[pl.DataFrame], pl.Series]) -> tuple[NDArray[np.uint64], int]:
    """The hash of each row, and the bytes that a row takes in memory."""
    hashes, width, start = np.empty(rows.height, dtype=np.uint64), 1, 0
    for batch in rows.batches(names):
        hashes[start : start + batch.height] = hash_of(batch).to_numpy()
        start += batch.height
        width = max(width, int(batch.estimated_size()) // batch.height)
    return hashes, width


def _compare(
    rows: Rows, names: Sequence[str], hashes: NDArray[np.uint64], shared: NDArray[np.uint64], first: NDArray[np.int64]
) -> None:
    """Write into *first* the places for the rows whose hash is one of *shared*, which is sorted.

    The first row with each hash is held, and the later ones are compared with it; those that differ from it are few (their
    hashes collide), and each is remembered.
    """
    held = _Held()
    seat = np.full(len(shared), -1)  # where the first row with each of the shared hashes is held
    place = np.empty(len(shared), dtype=np.int64)  # and its place in the table
    strangers: dict[tuple[Any, ...], int] = {}
    for start, batch in _counted(rows.batches(names)):
        of_batch = hashes[start : start + batch.height]
        slots = np.minimum(np.searchsorted(shared, of_batch), len(shared) - 1)
        members = np.flatnonzero(shared[slots] == of_batch)
        slots = slots[members]
        fresh = np.flatnonzero(seat[slots] < 0)
        if len(fresh):
            _, earliest = np.unique(slots[fresh], return_index=True)
            new = fresh[np.sort(earliest)]
            seat[slots[new]] = held.height + np.arange(len(new))
            place[slots[new]] = start + members[new]
            held.add(batch[members[new]])
        later = np.flatnonzero(place[slots] != start + members)
        members, slots = members[later], slots[later]
        if not len(members):
            continue
        mine = batch[members]
        same = _equal(mine, held.rows(seat[slots])).to_numpy()
        first[start + members[same]] = place[slots[same]]
        for member, values in zip(members[~same].tolist(), mine.filter(pl.Series(~same)).rows(), strict=True):
            first[start + member] = strangers.setdefault(values, start + member)


class _Held:
    """Rows that are added to, and looked up by the order in which they came."""

    def __init__(self) -> None:
        self._pieces: list[pl.DataFrame] = []
        self.height = 0

    def add(self, rows: pl.DataFrame) -> None:
        self._pieces.append(rows)
        self.height += rows.height
        if len(self._pieces) > PIECES:
            self._pieces = [pl.concat(self._pieces, rechunk=True)]

    def rows(self, seats: NDArray[np.int64]) -> pl.DataFrame:
        return pl.concat(self._pieces, rechunk=False)[seats]


def _equal(ones: pl.DataFrame, others: pl.DataFrame) -> pl.Series:
    """Which rows of *ones* equal the row of *others* beside it."""
    both = pl.concat([ones.rename(lambda name: f"a{name}"), others.rename(lambda name: f"b{name}")], how="horizontal")
    return both.select(pl.all_horizontal(pl.col(f"a{name}").eq_missing(pl.col(f"b{name}")) for name in ones.columns)).to_series()


def _counted(batches: Iterator[pl.DataFrame]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Batches with the place of their first row."""
    start = 0
    for batch in batches:
        yield start, batch
        start += batch.height
