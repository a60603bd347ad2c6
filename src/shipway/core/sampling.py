"""A bounded sample of a table of any height, for what has to look at many rows at once without needing all of them.

This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

PLACE = "_shipway_place"
"""Name of a passing column; no contract has such a name."""

MOST_ODD_ROWS = 5_000
"""Rows kept beside the even sample for what they alone show; a target with as many texts is no class anyway."""


def thin(batches: Iterable[pl.DataFrame], *, limit: int, target: str | None) -> tuple[pl.DataFrame, int]:
    """Every row where there are at most *limit*, else every second, fourth, ... of them, in order; and how many there were.

    Of the rows passed over, those stay that show a text of the target, or an empty cell of a column, for the first time: so no
    class is missed, nor a column that may be empty.

    Args:
        batches: Frames with the same columns, in order; read once.
        limit: Rows of the even sample, at most.
        target: Column whose every text is kept; None where there is none.
    """
    stride, height = 1, 0
    kept: list[pl.DataFrame] = []
    odd: list[pl.DataFrame] = []
    seen: set[object] = set()
    filled: set[str] = set()
    for batch in batches:
        numbered = batch.with_row_index(PLACE, offset=height)
        height += batch.height
        if len(seen) + len(odd) < MOST_ODD_ROWS:
            odd += _first_shown(numbered, target, seen, filled)
        kept.append(_every(numbered, stride))
        while sum(part.height for part in kept) > limit:
            stride *= 2
            kept = [_every(part, stride) for part in kept]
    if not kept:
        return pl.DataFrame(), 0
    sample = pl.concat([*kept, *odd], how="diagonal_relaxed") if len(kept) + len(odd) > 1 else kept[0]
    return sample.unique(PLACE, keep="first").sort(PLACE).drop(PLACE), height


def _every(numbered: pl.DataFrame, stride: int) -> pl.DataFrame:
    return numbered.filter(pl.col(PLACE) % stride == 0) if stride > 1 else numbered


def _first_shown(numbered: pl.DataFrame, target: str | None, seen: set[object], filled: set[str]) -> list[pl.DataFrame]:
    """The rows of *numbered* that show something for the first time; what it is goes into *seen* and *filled*."""
    shown = []
    if target is not None:
        first = numbered.unique(target, keep="first", maintain_order=True)
        new = [text not in seen for text in first[target].to_list()]
        shown.append(first.filter(pl.Series(new, dtype=pl.Boolean)))
        seen |= set(first[target].to_list())
    for series in numbered.drop(PLACE).get_columns():
        if series.name in filled:
            continue
        empty = series.is_null()
        if series.dtype == pl.String:
            empty = empty | (series.str.strip_chars() == "").fill_null(False)
        place = empty.arg_max()
        if place is not None and empty[place]:
            filled.add(series.name)
            shown.append(numbered.slice(place, 1))
    return [rows for rows in shown if rows.height]
