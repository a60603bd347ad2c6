"""How much columns say of each other, on one scale from 0 (nothing) to 1 (all).

Between two numbers it is Pearson's correlation, with its sign; between two columns of levels Cramer's V, without its bias
(Bergsma 2013); between a number and levels the correlation ratio, adjusted for the number of levels. All three come out of one
product of matrices, so that 300 columns cost about as much as 30.

This module imports NumPy and Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from shipway.core.contract import Contract

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 2_000, 20_000
"""Least and most rows that are measured on; 2,000 give a correlation a standard error of 0.022 at most, 20,000 of 0.007."""

WORK = 2e10
"""Multiplications that the product of matrices may take: about two seconds."""

LEVELS = 8
"""Commonest levels that stand for themselves; the others stand together."""

LEAST = 10
"""Rows in which both of a pair of numbers must be there."""


@dataclass(frozen=True)
class Associations:
    """The association of each pair of columns.

    Attributes:
        table: shape (columns, columns); 0 where nothing can be said.
        numeric: Which columns are numbers or times.
        rows: Rows it was measured on.
    """

    names: list[str]
    table: NDArray[Any]
    numeric: list[bool]
    rows: int

    def kind(self, one: int, other: int) -> str:
        """The name of the measure between two columns."""
        if self.numeric[one] and self.numeric[other]:
            return "correlation"
        return "correlation ratio" if self.numeric[one] or self.numeric[other] else "Cramér's V"


def measure(frame: pl.DataFrame, contract: Contract, *, seed: int = 0) -> Associations:
    """Measure the target and the features of *frame* that are not free text; the target stands first."""
    wanted = [name for name in contract.features if contract.columns[name].type != "text" and name in frame.columns]
    numeric = {name: contract.columns[name].type in ("integer", "number", "datetime") for name in wanted}
    numbers = [name for name in wanted if numeric[name]]
    categories = [contract.target, *(name for name in wanted if not numeric[name])]
    width = 2 * len(numbers) + len(categories) * (LEVELS + 1)
    most = int(min(max(WORK / width**2, ROWS[0]), ROWS[1]))
    if frame.height > most:
        chosen = np.sort(np.random.default_rng(seed).choice(frame.height, most, replace=False))
        frame = frame[chosen]
    levels, firsts = _levels(frame, categories)
    values, known = _values(frame, numbers)
    table = np.zeros((len(numbers) + len(categories),) * 2)
    split = len(categories)
    table[:split, :split] = _between_levels(levels, firsts)
    table[:split, split:] = ratio = _between_both(levels, firsts, values, known)
    table[split:, :split] = ratio.T
    table[split:, split:] = _between_numbers(values, known)
    np.fill_diagonal(table, 1.0)
    order = [contract.target, *wanted]
    place = {name: number for number, name in enumerate([*categories, *numbers])}
    chosen = np.array([place[name] for name in order])
    table = np.nan_to_num(table[np.ix_(chosen, chosen)])
    return Associations(order, table, [numeric.get(name, False) for name in order], frame.height)


def _levels(frame: pl.DataFrame, names: list[str]) -> tuple[NDArray[Any], NDArray[Any]]:
    """One column of 0 and 1 for each level of each category, and where each category's begin; missing is a level."""
    columns: list[NDArray[Any]] = []
    firsts = []
    for name in names:
        codes = frame[name].cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)
        counts = np.bincount(codes)
        present = np.argsort(-counts, kind="stable")[: min(int((counts > 0).sum()), LEVELS)]
        place = np.full(len(counts), len(present))
        place[present] = np.arange(len(present))
        codes = place[codes]
        firsts.append(len(columns))
        columns += [codes == level for level in range(int(codes.max(initial=0)) + 1)]
    return np.stack(columns, axis=1).astype(np.float64), np.array(firsts)


def _values(frame: pl.DataFrame, names: list[str]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Each number, standardised and 0 where it is missing, and where it is there."""
    values, known = np.zeros((frame.height, len(names))), np.zeros((frame.height, len(names)))
    for place, name in enumerate(names):
        column = frame[name]
        column = column.dt.epoch("us") if column.dtype.is_temporal() else column
        numbers = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        there = np.isfinite(numbers)
        largest = float(np.abs(numbers[there]).max(initial=0.0)) or 1.0
        scaled = numbers[there] / largest
        apart = scaled - scaled.mean() if there.any() else scaled
        spread = float(np.sqrt(np.mean(apart**2))) if there.any() else 0.0
        values[there, place] = apart / spread if spread > 1e-12 else 0.0
        known[:, place] = there
    return values, known


def _between_levels(levels: NDArray[Any], firsts: NDArray[Any]) -> NDArray[Any]:
    counts = levels.T @ levels
    rows, totals = len(levels), np.diag(counts)
    share = counts**2 / np.maximum(np.outer(totals, totals), 1)
    chi = np.add.reduceat(np.add.reduceat(share, firsts, axis=0), firsts, axis=1) - 1
    sizes = np.diff([*firsts, levels.shape[1]])
    usual = np.outer(sizes - 1, sizes - 1) / max(rows - 1, 1)
    effective = sizes - (sizes - 1) ** 2 / max(rows - 1, 1)
    least = np.minimum.outer(effective, effective) - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.sqrt(np.where(least > 0, np.maximum(chi - usual, 0) / least, 0))
    return np.asarray(np.minimum(found, 1))


def _between_both(levels: NDArray[Any], firsts: NDArray[Any], values: NDArray[Any], known: NDArray[Any]) -> NDArray[Any]:
    sums, counts = levels.T @ values, levels.T @ known
    rows = known.sum(axis=0)
    explained = np.add.reduceat(sums**2 / np.maximum(counts, 1), firsts, axis=0) / np.maximum(rows, 1)
    groups = np.add.reduceat((counts > 0).astype(float), firsts, axis=0)
    adjusted = 1 - (1 - explained) * (rows - 1) / np.maximum(rows - groups, 1)
    return np.asarray(np.sqrt(np.clip(np.where(values.any(axis=0), adjusted, 0), 0, 1)))


def _between_numbers(values: NDArray[Any], known: NDArray[Any]) -> NDArray[Any]:
    rows = known.T @ known
    sums = values.T @ known  # of the one, over the rows in which the other is there as well
    squares = (values**2).T @ known
    shared = values.T @ values - sums * sums.T / np.maximum(rows, 1)
    spread = np.maximum(squares - sums**2 / np.maximum(rows, 1), 0)
    scale = np.sqrt(spread * spread.T)
    found = np.where((scale > 1e-9) & (rows >= LEAST), shared / np.where(scale > 0, scale, 1), 0)
    return np.asarray(np.clip(found, -1, 1))
