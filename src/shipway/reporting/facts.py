"""What is measured of a table for the data report: plain figures, no drawing and no words.

This module imports NumPy and Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from shipway.core.contract import Column, Contract, text_of
from shipway.core.profile import NAMED_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 24
"""Bars of a histogram, at most: as many as can be told apart on a phone."""

FEW = 12
"""Levels shown of a column, and different whole numbers up to which a number is shown by its values, as ratings are."""

SHOWN_CLASSES = 6
"""Classes up to which distributions are shown by class: as many as there are colours that can be told apart."""

REACH = 1.5
"""Quartile distances beyond the quartiles from which a value is an outlier (Tukey 1977)."""

TAILS = 0.01
"""Share of the rows at each end that may lie beyond a histogram's axis, where they would squeeze the rest of it."""

SQUEEZE = 0.5
"""How far beyond those, as a share of the width between them, the extremes may lie and still be on the axis."""

SLICES = 20
"""Parts of the file in which the classes are counted, to see whether it is ordered."""

GRID = 5_000
"""Different values up to which the step between neighbouring values is looked for."""


@dataclass(frozen=True)
class Numbers:
    """The values of a number or time (seconds since 1970).

    Attributes:
        quantiles: Minimum, quartiles, maximum.
        fences: Beyond these a value is an outlier; None for times, and where more than half of the values are equal.
        skew: The third standardised moment; None where all values are equal.
        start, width: The histogram's first edge and the width of its bars.
        bars: Rows in each bar, of each class; shape (classes, bars).
        below, above: Rows beyond the axis.
    """

    quantiles: tuple[float, float, float, float, float]
    fences: tuple[float, float] | None
    outliers: int
    skew: float | None
    start: float
    width: float
    bars: NDArray[Any]
    below: int
    above: int


@dataclass(frozen=True)
class Levels:
    """The levels of a column with few, or the commonest of many.

    Attributes:
        counts: Rows of each level, of each class; shape (levels, classes).
        others: Levels not named.
        other_rows: Their rows.
    """

    names: list[str]
    counts: NDArray[Any]
    others: int
    other_rows: int


@dataclass(frozen=True)
class Lengths:
    """The characters of a column of texts."""

    least: int
    median: int
    most: int


@dataclass(frozen=True)
class ColumnFacts:
    """One column.

    Attributes:
        missing_by_class: Share of each class's rows without a value.
        values: What may be told of its values: numbers or times, levels, or the lengths of texts. None for keys, for what plays
            no part, and where there is no value.
    """

    name: str
    role: str
    column: Column
    rows: int
    missing: int
    missing_by_class: list[float]
    distinct: int
    values: Numbers | Levels | Lengths | None = None


@dataclass(frozen=True)
class TableFacts:
    """All rows.

    Attributes:
        classes: The classes with their rows, in the contract's order; those that no row has included.
        shown: The classes that distributions are shown by; a single nameless one where there are too many.
        along: Share of each shown class in consecutive parts of the file; shape (parts, classes).
    """

    rows: int
    classes: dict[str, int]
    shown: list[str]
    along: NDArray[Any]
    columns: list[ColumnFacts]

    @property
    def missing(self) -> float:
        """Share of the cells of the features without a value."""
        features = [column for column in self.columns if column.role == "feature"]
        return sum(column.missing for column in features) / max(self.rows * len(features), 1)


def measure(frame: pl.DataFrame, contract: Contract) -> TableFacts:
    """Measure *frame*, rows that the contract has read, target included."""
    names = [text_of(level) for level in contract.classes]
    texts = frame[contract.target].cast(pl.String)
    place = {name: number for number, name in enumerate(names)}
    # what the target's levels do not have is -1: it is counted nowhere by class
    labels = texts.replace_strict(place, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
    counts = np.bincount(labels[labels >= 0], minlength=len(names))
    shown = names if len(names) <= SHOWN_CLASSES else [""]
    by = labels if len(names) <= SHOWN_CLASSES else np.zeros(len(labels), dtype=np.int64)
    return TableFacts(
        rows=frame.height,
        classes=dict(zip(names, counts.tolist(), strict=True)),
        shown=shown,
        along=_along(by, len(shown)),
        columns=list(_columns(frame, contract, by, len(shown))),
    )


def _along(by: NDArray[Any], classes: int) -> NDArray[Any]:
    parts = min(SLICES, max(len(by) // SLICES, 1))
    part = np.arange(len(by)) * parts // max(len(by), 1)
    counted = by >= 0
    counts = np.bincount(part[counted] * classes + by[counted], minlength=parts * classes).reshape(parts, classes)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def _columns(frame: pl.DataFrame, contract: Contract, by: NDArray[Any], classes: int) -> Iterator[ColumnFacts]:
    sizes = np.maximum(np.bincount(by[by >= 0], minlength=classes), 1)
    for name, column in contract.columns.items():
        if name not in frame.columns:
            continue
        values, role = _known(frame[name]), contract.role(name)
        gone = values.is_null().to_numpy()
        missing = np.bincount(by[gone & (by >= 0)], minlength=classes) / sizes
        distinct = values.n_unique() - bool(gone.any())
        yield ColumnFacts(
            name=name,
            role=role,
            column=column,
            rows=len(values),
            missing=int(gone.sum()),
            missing_by_class=missing.tolist(),
            distinct=distinct,
            values=_values(values, column, role, distinct, by, classes),
        )


def _known(values: pl.Series) -> pl.Series:
    """*values* with null where there is no finite number."""
    if not values.dtype.is_float():
        return values
    return values.to_frame().select(pl.when(pl.all().is_finite()).then(pl.all())).to_series()


def _values(
    values: pl.Series, column: Column, role: str, distinct: int, by: NDArray[Any], classes: int
) -> Numbers | Levels | Lengths | None:
    if not distinct or role in ("key", "ignored"):
        return None
    if column.type == "text":
        lengths = values.str.len_chars().drop_nulls().to_numpy()
        return Lengths(int(lengths.min()), int(np.median(lengths)), int(lengths.max()))
    if role == "target" or column.type in ("category", "boolean") or (column.type == "integer" and distinct <= FEW):
        return _levels(values, column, by, classes)
    times = isinstance(values.dtype, pl.Datetime)
    numbers = values.dt.epoch("us") / 1e6 if times else values.cast(pl.Float64)
    known = values.is_not_null().to_numpy()
    return _numbers(numbers.filter(pl.Series(known)).to_numpy(), by[known], classes, times=times)


def _levels(values: pl.Series, column: Column, by: NDArray[Any], classes: int) -> Levels:
    table = pl.DataFrame({"level": values, "class": pl.Series(by)}).drop_nulls("level")
    counts = table.group_by("level", "class").len()
    totals = counts.group_by("level").agg(pl.col("len").sum())
    named = totals.filter(pl.col("len") >= NAMED_ROWS).sort(["len", "level"], descending=[True, False]).head(FEW)
    if column.type == "integer":
        named = named.sort("level")
    levels = named["level"].to_list()
    declared = [text_of(level) for level in column.levels or ()]
    if 0 < len(declared) <= FEW:
        order = {level: place for place, level in enumerate(declared)}
        levels.sort(key=lambda level: order.get(text_of(level), len(order)))
    place = {level: number for number, level in enumerate(levels)}
    cells = np.zeros((len(levels), classes), dtype=np.int64)
    for level, label, count in counts.filter(pl.col("level").is_in(levels), pl.col("class") >= 0).iter_rows():
        cells[place[level], label] = count
    shown_rows = int(named["len"].sum())
    return Levels([text_of(level) for level in levels], cells, totals.height - len(levels), table.height - shown_rows)


def _numbers(values: NDArray[Any], by: NDArray[Any], classes: int, *, times: bool) -> Numbers:
    low, first, half, third, high = (float(one) for one in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    reach = third - first
    fences = (first - REACH * reach, third + REACH * reach) if not times and 0 < reach < math.inf else None
    outliers = int(((values < fences[0]) | (values > fences[1])).sum()) if fences else 0
    left, right = _axis(values, low, high)
    start, width, bars = _bars(values, left, right)
    with np.errstate(over="ignore"):
        place = np.floor((values - start) / width)
    on = (place >= 0) & (place < bars) & (by >= 0)
    counts = np.bincount(by[on] * bars + place[on].astype(np.int64), minlength=classes * bars).reshape(classes, bars)
    below, above = int((place < 0).sum()), int((place >= bars).sum())
    return Numbers((low, first, half, third, high), fences, outliers, _skew(values), start, width, counts, below, above)


def _axis(values: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Where the axis begins and ends: at the extremes, unless they would squeeze the rest."""
    left, right = (float(one) for one in np.quantile(values, [TAILS, 1 - TAILS]))
    room = SQUEEZE * (right - left)
    if not 0 < room < math.inf:
        return low, high
    return (low if low >= left - room else left), (high if high <= right + room else right)


def _bars(values: NDArray[Any], left: float, right: float) -> tuple[float, float, int]:
    """First edge, width and number of bars. Where values lie on a grid (whole numbers, tenths) each bar has as many of its points
    as the next, or the bars would show the grid instead of the values."""
    if not 0 < right - left < math.inf:
        width = max(abs(left), 1.0) / 2
        return left - width / 2, width, 1
    step = _grid(values[(values >= left) & (values <= right)])
    if not step:
        # a hair wider, so that the last edge takes the largest value in
        width = (right - left) / BINS * (1 + 1e-9)
        return left, width, BINS
    points = round((right - left) / step) + 1
    each = math.ceil(points / BINS)
    return left - step / 2, step * each, math.ceil(points / each)


def _grid(values: NDArray[Any]) -> float:
    """The distance of which all distances between neighbouring values are multiples; 0 where there is none."""
    different = np.unique(values)
    if not 1 < len(different) <= GRID:
        return 0.0
    apart = np.diff(different)
    step = float(apart.min())
    with np.errstate(over="ignore"):
        multiples = apart / step
    on_grid = step > 0 and np.isfinite(multiples).all() and bool((np.abs(multiples - np.round(multiples)) < 1e-3).all())
    return step if on_grid and float(different[-1] - different[0]) / step < GRID else 0.0


def _skew(values: NDArray[Any]) -> float | None:
    largest = float(np.abs(values).max())
    if not largest:
        return None
    scaled = values / largest
    apart = scaled - scaled.mean()
    spread = float(np.sqrt(np.mean(apart**2)))
    return float(np.mean((apart / spread) ** 3)) if spread > 1e-12 else None
