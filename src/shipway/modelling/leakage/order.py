"""Columns that name a row or tell its place in the file, instead of telling something of what it stands for.

This module imports NumPy and Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from shipway.modelling.leakage import events
from shipway.modelling.leakage.power import Coded

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIRS = 10
"""Pairs of rows that should have had the same whole number by chance, had it been a measurement, for their absence to show
that it is a key (the birthday problem: none would be missing once in e^10, that is 22,000, times)."""

LEAST = 20
"""Rows from which a column with a key's name and a value of its own in each row is taken for one."""

UNIQUE = 0.99
"""Share of the rows with a value of their own in a column of keys; a file that was joined or mended may repeat a few."""

CODE_WORDS = 1.1
"""Words a value, on average, up to which unique texts are codes and not sentences or names."""

FOLLOWS = 0.99
"""Rank correlation with the row's place from which a column follows the file's order."""

SPREAD = 0.5
"""Share of the rows with a value of their own without which a column can't tell a row's place."""

KEY_NAMES = {"id", "ids", "uid", "uuid", "guid", "key", "pk", "index", "idx", "row", "rownum", "nr", "serial", "identifier"}
"""Words of a column's name that make a key of a unique column."""


def is_key(values: pl.Series, column: Coded, rows: int) -> bool:
    """Whether *values* name their rows: codes, or whole numbers, of which each of the *rows* different rows has its own."""
    known = min(len(values) - values.null_count(), rows)
    if known < LEAST or column.levels < UNIQUE * known:
        return False
    if isinstance(values.dtype, pl.String):
        return float((values.str.strip_chars().str.count_matches(r"\s+") + 1).mean() or 0.0) <= CODE_WORDS  # type: ignore[arg-type]
    if not values.dtype.is_numeric():
        return False
    numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
    if not (np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all()):
        return False
    low, high = np.quantile(numbers, [0.25, 0.75])
    # half of the rows lie between the quartiles; spread evenly, n rows over a width w have n * n / 2w pairs with equal values
    expected = known**2 / (2 * max(2 * float(high - low), 1.0))
    return (expected >= PAIRS and known - column.levels <= expected / PAIRS) or _named_as_key(values.name)


def follows(column: Coded, places: NDArray[Any]) -> float:
    """The rank correlation of *column* with the place in the file; 0 where too few values differ to tell a place."""
    known = ~column.missing
    if known.sum() < LEAST or column.levels < SPREAD * known.sum():
        return 0.0
    ranks = np.argsort(np.argsort(places[known], kind="stable"), kind="stable")
    found = float(np.corrcoef(column.codes[known], ranks)[0, 1])
    return found if abs(found) >= FOLLOWS else 0.0


def _named_as_key(name: str) -> bool:
    return not KEY_NAMES.isdisjoint(events.words(name))
