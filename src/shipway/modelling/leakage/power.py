"""How well one column alone tells the classes apart, on rows kept from it.

For each value of the column, the rows of the other folds with that value vote; values of numbers and times that too few rows
have ask their neighbours in order as well (a nearest-neighbour rule in one dimension). Every class has the same weight
together, so that the figure means the same for rare classes: it is the mean recall, scaled so that guessing is 0 and
perfection is 1 (for two classes, Youden's J of 1950). As a row never votes on itself, a column of names or keys has no power.

This module imports NumPy and Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVIDENCE = 10
"""Rows that a class needs to count: ten rows on the right side of one cut are so by chance once in a thousand times."""

CLASSES = 20
"""The commonest classes that are told apart; the rows of the others are left out."""

FOLDS = 5
NEIGHBOURS = (10, 100)
"""Least and most rows that vote on a number; between them the square root of the rows, as is usual for nearest neighbours."""


@dataclass(frozen=True)
class Coded:
    """A column as whole numbers.

    Attributes:
        codes: Each row's place of its value among the column's different values, in order, from 0; `levels` where it is missing.
        levels: Number of different values.
        ordered: Whether neighbouring codes are neighbouring values, as for numbers and times.
    """

    name: str
    codes: NDArray[np.int64]
    levels: int
    ordered: bool

    @property
    def missing(self) -> NDArray[Any]:
        return np.asarray(self.codes == self.levels)


@dataclass(frozen=True)
class Power:
    """A column's power to tell the classes apart alone.

    Attributes:
        value: 0 is guessing, 1 is perfect.
        low: The same a standard error lower (Wilson 1927): few rows prove little.
        recall: Mean share of the rows of a class that are found.
        chance: The same by guessing.
    """

    value: float
    low: float
    recall: float
    chance: float

    def __str__(self) -> str:
        return f"finds {100 * self.recall:.1f} % of the rows of each class on average, by guessing {100 * self.chance:.1f} %"


@dataclass(frozen=True)
class Question:
    """Rows with their classes, dealt into folds; asked of one column after the other.

    Attributes:
        labels: Each row's class, from 0; -1 for a class that does not count.
        folds: Each row's fold.
    """

    labels: NDArray[np.int64]
    folds: NDArray[np.int64]
    classes: int

    def ask(self, column: Coded) -> Power:
        """The power of *column*, whose rows are those of the question."""
        rows = self.labels >= 0
        cells = (column.codes[rows] * FOLDS + self.folds[rows]) * self.classes + self.labels[rows]
        size = (column.levels + 1, FOLDS, self.classes)
        counts = np.bincount(cells, minlength=math.prod(size)).reshape(size)
        others = counts.sum(axis=1, keepdims=True) - counts
        votes = self._with_neighbours(others, column.levels) if column.ordered and column.levels > 1 else others
        answer = (votes / others.sum(axis=0)).argmax(axis=2)
        answered = np.asarray(votes.any(axis=2))
        right = np.take_along_axis(counts, answer[..., None], axis=2)[..., 0] * answered
        found = np.bincount(answer.ravel(), weights=right.ravel(), minlength=self.classes)
        found += (counts * ~answered[..., None]).sum(axis=(0, 1)) / self.classes
        return _power(found, counts.sum(axis=(0, 1)))

    def _with_neighbours(self, others: NDArray[Any], levels: int) -> NDArray[Any]:
        """The votes of each value and fold, with as many of the neighbours' as a number needs; the missing ask nobody."""
        window = min(max(math.isqrt(len(self.labels)), NEIGHBOURS[0]), NEIGHBOURS[1])
        until = np.zeros((levels + 1, *others.shape[1:]), dtype=np.int64)
        np.cumsum(others[:levels], axis=0, out=until[1:])
        votes = others.copy()
        for fold in range(FOLDS):
            rows = until[:, fold].sum(axis=1)
            reach = np.maximum(window - np.diff(rows) + 1, 0) // 2
            first = np.maximum(np.searchsorted(rows, rows[:-1] - reach, side="right") - 1, 0)
            last = np.minimum(np.searchsorted(rows, rows[1:] + reach, side="left"), levels)
            votes[:levels, fold] = until[last, fold] - until[first, fold]
        return votes


def question(target: pl.Series, *, seed: int = 0) -> Question | None:
    """Deal the rows of *target* into folds; None where fewer than two classes have rows enough to say anything."""
    codes = code(target.cast(pl.String)).codes
    counts = np.bincount(codes)
    chosen = np.argsort(-counts, kind="stable")[:CLASSES]
    chosen = chosen[counts[chosen] >= EVIDENCE]
    if len(chosen) < 2:
        return None
    place = np.full(len(counts), -1)
    place[chosen] = np.arange(len(chosen))
    labels = place[codes]
    folds = np.empty(len(codes), dtype=np.int64)
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    # dealt class by class, so that each fold has its share of each
    folds[shuffled[np.argsort(labels[shuffled], kind="stable")]] = np.arange(len(codes)) % FOLDS
    return Question(labels, folds, len(chosen))


def code(values: pl.Series) -> Coded:
    """*values* as whole numbers; NaN is missing."""
    ordered = values.dtype.is_numeric() or values.dtype.is_temporal()
    values = values.fill_nan(None) if values.dtype.is_float() else values
    ranks = values.rank("dense")
    highest: Any = ranks.max()
    levels = int(highest or 0)
    codes = ranks.cast(pl.Int64).fill_null(levels + 1).to_numpy() - 1
    return Coded(values.name, codes, levels, ordered)


def _power(found: NDArray[Any], rows: NDArray[Any]) -> Power:
    recall = found / rows
    spread = np.sqrt(recall * (1 - recall) / rows + 1 / (4 * rows**2))
    low = (recall + 1 / (2 * rows) - spread) / (1 + 1 / rows)
    chance = 1 / len(rows)
    value, least = ((float(one.mean()) - chance) / (1 - chance) for one in (recall, low))
    return Power(value, least, float(recall.mean()), chance)
