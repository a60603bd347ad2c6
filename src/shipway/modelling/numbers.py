"""Numbers and dates as columns of float64: outliers met, gaps filled, tails straightened, scaled.

This module imports numpy and Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from shipway.modelling import outliers
from shipway.modelling.neighbours import Neighbours
from shipway.modelling.preprocessing import Preprocess, Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

MICROSECONDS_A_DAY = 86_400_000_000
MOMENT_PARTS = ("days", "month", "weekday", "hour")

INDICATED_ROWS = 10
"""So many rows have to be missing (and as many known) for "it is missing" to be worth a column of its own."""

SKEWED = 2.0
"""Skewness above which a column is straightened, that of an exponential distribution. From 1 on ("highly skewed", Bulmer 1979),
with heaps, the log loss of logistic regression in 5 folds got better on three tables of benchmarks/out_of_the_box.py
(breast_cancer, skewed, airline) and worse on two (wine, digits)."""

REPEATED = 0.1
"""Share of a column's commonest value above which it is not straightened: a heap stays a heap, however it is bent."""

SKEW_SAMPLE = 10_000
"""Rows on which the power of a transformation is fitted, as its search looks at them some dozens of times a column."""


@dataclass
class Numbers:
    """What was learned of the numbers and dates. Arrays have an entry a column.

    Attributes:
        columns, moments: Names of the numbers and of the dates, as far as they are used.
        names: What each column of the matrix holds.
        low, high: Bounds that numbers are brought to.
        floor, ceiling: Bounds outside of which numbers count as missing.
        fill: The value for a missing number; NaN where it stays missing.
        neighbours: Fills the columns that go by their neighbours; None where none does.
        indicated: Places of the columns that have another one that says where they are missing.
        bent: Places of the columns that a power transformation straightens.
        power: That transformation, None where there is none.
        mean, scale: What each column is brought to mean 0 and variance 1 with; 0 and 1 for estimators that need no scaling.
    """

    columns: list[str]
    moments: list[str]
    names: list[str]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    floor: NDArray[np.float64]
    ceiling: NDArray[np.float64]
    fill: NDArray[np.float64]
    neighbours: Neighbours | None
    indicated: list[int]
    bent: list[int]
    power: Any
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def learn(cls, frame: pl.DataFrame, columns: Sequence[str], moments: Sequence[str], *, gaps: bool, rules: Preprocess) -> Self:
        """Learn from the rows of *frame*. With *gaps* missing values stay unless a rule says otherwise, and nothing is scaled."""
        matrix = read(frame, columns, moments)
        of_numbers, of_moments = ({name: rules.rule(name, kind) for name in names} for names, kind in _kinds(columns, moments))
        each = [of_numbers[name] for name in columns] + [of_moments[name] for name in moments for _ in MOMENT_PARTS]
        # counted in the matrix, as a number that was divided by 0 is missing too
        share = np.isnan(matrix).sum(axis=0) / max(frame.height, 1)
        used = np.array([_used(rule, part) for rule, part in zip(each, share, strict=True)], dtype=bool)
        matrix, each = matrix[:, used], [each[place] for place in np.flatnonzero(used)]
        columns = [name for place, name in enumerate(columns) if used[place]]
        moments = [name for place, name in enumerate(moments) if used[len(of_numbers) + place * len(MOMENT_PARTS)]]
        bounds = outliers.bounds(matrix, each)
        low, high, floor, ceiling = (
            np.where([rule.outlier_action == action for rule in each], bound, endless)
            for action in ("cap", "null")
            for bound, endless in zip(bounds, (-np.inf, np.inf), strict=True)
        )
        learned = cls(
            columns,
            moments,
            [*columns, *(f"{name} {part}" for name in moments for part in MOMENT_PARTS)],
            *(low, high, floor, ceiling),
            fill=np.zeros(0),
            neighbours=None,
            indicated=[],
            bent=[],
            power=None,
            mean=np.zeros(len(each)),
            scale=np.ones(len(each)),
        )
        learned._learn_gaps(learned._bounded(matrix), each, gaps)
        if not gaps:
            learned._learn_scales(learned._filled(learned._bounded(matrix)), each)
        return learned

    def transform(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """The matrix; shape (rows, columns and indicators)."""
        known = self._bounded(read(frame, self.columns, self.moments))
        matrix = (self._straight(self._filled(known)) - self.mean) / self.scale
        if not self.indicated:
            return matrix
        return np.hstack([matrix, np.isnan(known[:, self.indicated])])

    def far(self, frame: pl.DataFrame) -> dict[str, int]:
        """Column -> how many of its numbers lie outside of the bounds, of columns that have such."""
        matrix = read(frame, self.columns, [])
        bounds = np.maximum(self.low, self.floor), np.minimum(self.high, self.ceiling)
        counts = outliers.outside(matrix, *(bound[: len(self.columns)] for bound in bounds)).sum(axis=0)
        return {name: int(count) for name, count in zip(self.columns, counts, strict=True) if count}

    def _learn_gaps(self, known: NDArray[np.float64], rules: Sequence[Rule], gaps: bool) -> None:
        missing = np.isnan(known)
        count = missing.sum(axis=0)
        self.fill = np.array([_fill(known[:, place], rule) for place, rule in enumerate(rules)])
        # where training has no gap, trees have not learned what to do with one: it is filled for them too
        stays = [not rule.filled and gaps and bool(count[place]) for place, rule in enumerate(rules)]
        self.fill[stays] = np.nan
        near = [place for place, rule in enumerate(rules) if rule.missing == "knn"]
        if near:
            self.neighbours = Neighbours.learn(known, near)
        for place, rule in enumerate(rules):
            enough = INDICATED_ROWS <= count[place] <= len(known) - INDICATED_ROWS
            wanted = enough and not stays[place] if rule.indicator == "auto" else rule.indicator
            twin = place > len(self.columns) and (place - len(self.columns)) % len(MOMENT_PARTS)
            if wanted and not twin:
                self.indicated.append(place)
        label = [self.names[place] if place < len(self.columns) else self._moment_of(place) for place in self.indicated]
        self.names = [*self.names, *(f"{name} is missing" for name in label)]

    def _moment_of(self, place: int) -> str:
        return self.moments[(place - len(self.columns)) // len(MOMENT_PARTS)]

    def _learn_scales(self, filled: NDArray[np.float64], rules: Sequence[Rule]) -> None:
        self.bent = [place for place, rule in enumerate(rules) if rule.skew != "none" and _skewed(filled[:, place])]
        if self.bent:
            self._learn_power(filled)
        self.mean, self.scale = scales(self._straight(filled))

    def _learn_power(self, filled: NDArray[np.float64]) -> None:
        from sklearn.preprocessing import PowerTransformer

        step = max(1, len(filled) // SKEW_SAMPLE)
        power = PowerTransformer(method="yeo-johnson", standardize=False)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            power.fit(filled[::step, self.bent])
            straight = power.transform(filled[:, self.bent])
        if np.isfinite(straight).all():
            self.power = power
        else:
            self.bent = []

    def _bounded(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        gone = outliers.outside(matrix, self.floor, self.ceiling)
        return np.where(gone, np.nan, np.clip(matrix, self.low, self.high))

    def _filled(self, known: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.neighbours is not None:
            known = self.neighbours.fill(known)
        return np.where(np.isnan(known), self.fill, known)

    def _straight(self, filled: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.power is None:
            return filled
        straight = filled.copy()
        with warnings.catch_warnings(), np.errstate(over="ignore"):
            warnings.simplefilter("ignore")
            straight[:, self.bent] = self.power.transform(filled[:, self.bent])
        return straight


def read(frame: pl.DataFrame, columns: Sequence[str], moments: Sequence[str]) -> NDArray[np.float64]:
    """Numbers, booleans as 0 and 1, and the parts of dates; what is missing or not finite is NaN."""
    schema = frame.schema
    wanted = [_number(name, schema[name] == pl.Duration) for name in columns]
    wanted += [part for name in moments for part in _moment(name)]
    if not wanted:
        return np.zeros((frame.height, 0))
    matrix = frame.select(wanted).to_numpy().astype(np.float64, copy=True)
    # divided here because Polars' division depends in the last digit on the number of rows
    matrix[:, len(columns) :: len(MOMENT_PARTS)] /= MICROSECONDS_A_DAY
    matrix[~np.isfinite(matrix)] = np.nan
    return matrix


def scales(filled: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column; 1 for a constant column."""
    # a power of two near the greatest number: sums and squares of very large or small numbers stay in range, to the same bit
    unit = np.ldexp(1.0, np.frexp(np.abs(filled).max(axis=0, initial=0.0))[1] - 1)
    mean = (filled / unit).mean(axis=0) * unit
    deviation = (filled / unit).std(axis=0) * unit
    return mean, np.where(deviation > 0, deviation, 1.0)


def _kinds(columns: Sequence[str], moments: Sequence[str]) -> tuple[Any, Any]:
    return (columns, "number"), (moments, "moment")


def _used(rule: Rule, share: float) -> bool:
    return not (rule.missing == "drop_columns" and share > rule.max_missing)


def _fill(column: NDArray[np.float64], rule: Rule) -> float:
    known = column[~np.isnan(column)]
    if rule.missing == "constant":
        return float(rule.fill)
    if not len(known):
        return 0.0
    if rule.missing == "mean":
        return float(scales(known[:, None])[0][0])
    if rule.missing == "most_frequent":
        values, counts = np.unique(known, return_counts=True)
        return float(values[counts.argmax()])
    return float(np.median(known))


def _skewed(column: NDArray[np.float64]) -> bool:
    """Whether the column has a long tail and no heap."""
    mean, scale = scales(column[:, None])
    centred = (column - mean) / scale
    if not abs((centred**3).mean()) > SKEWED:
        return False
    return bool(np.unique(column, return_counts=True)[1].max() <= REPEATED * len(column))


@functools.lru_cache(maxsize=4096)
def _number(name: str, duration: bool) -> pl.Expr:
    column = pl.col(name)
    return (column.dt.total_microseconds() if duration else column).cast(pl.Float64)


@functools.lru_cache(maxsize=4096)
def _moment(name: str) -> list[pl.Expr]:
    moment = pl.col(name).cast(pl.Datetime("us"))
    parts = (moment.dt.epoch("us"), moment.dt.month(), moment.dt.weekday(), moment.dt.hour())
    return [part.cast(pl.Float64).alias(f"{name} {label}") for part, label in zip(parts, MOMENT_PARTS, strict=True)]
