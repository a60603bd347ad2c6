"""From a prepared frame to the numbers that an estimator takes; all that is learned here is learned from the rows of `fit`.

This module defines a scikit-learn class and imports it at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, TransformerMixin

from shipway.core.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_LEVELS = 50
"""Levels of a category that get a place of their own, the commonest ones; the others share one."""

MICROSECONDS_A_DAY = 86_400_000_000
MOMENT_PARTS = ("days", "month", "weekday", "hour")


class Encoder(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[misc, call-arg]
    """Encode numbers, truth values, dates and categories as a float64 matrix.

    - Numbers, and booleans as 0 and 1: with `gaps` as they are, missing values NaN; else missing values become the median, and
      the column is brought to mean 0 and variance 1.
    - Dates and times: days since 1970, month, weekday and hour, as numbers.
    - Categories: with `gaps` one column of level numbers (for trees), else one column a level. A level that `fit` did not see
      is NaN, or all zeros; beyond `MOST_LEVELS` the rare levels share a place, and unseen ones go there too.

    Attributes:
        gaps: Whether the estimator takes NaN; so do trees, which need no scaling either.
        ignore: Columns of free text, left out.
        numbers_, moments_, categories_: Names of the columns by kind.
        levels_, rest_, missing_: For each category the levels with a place of their own, whether others share one, and whether
            missing values have one.
        fill_, mean_, scale_: For each number the value for a missing one, and what it is scaled by.
        names_: What each column of the matrix holds.
    """

    def __init__(self, *, gaps: bool, ignore: list[str]) -> None:
        self.gaps, self.ignore = gaps, ignore

    def fit(self, frame: pl.DataFrame, y: Any = None) -> Self:
        """Learn medians, scales and levels. Raises DataError when no column can be learned from."""
        used = [series for series in frame.get_columns() if series.name not in self.ignore]
        self.numbers_ = [s.name for s in used if s.dtype.is_numeric() or s.dtype in (pl.Boolean, pl.Duration)]
        self.moments_ = [s.name for s in used if s.dtype in (pl.Date, pl.Datetime)]
        texts = [s for s in used if s.dtype in (pl.String, pl.Categorical, pl.Enum)]
        self.categories_ = [s.name for s in texts]
        if not (self.numbers_ or self.moments_ or self.categories_):
            texts_only = ", ".join(frame.columns)
            raise DataError(
                f"there is no column to learn from, as free text is left out of the model ({texts_only}); "
                'make features of it in [prepare.add], such as LENGTH(name), or declare a column as "category" in contract.toml'
            )
        counted = [s.drop_nulls().cast(pl.String).alias("level").value_counts(name="rows") for s in texts]
        kept = [c.sort(["rows", "level"], descending=[True, False])["level"].head(MOST_LEVELS).sort().to_list() for c in counted]
        self.levels_: list[list[str]] = kept
        self.rest_ = [c.height > MOST_LEVELS for c in counted]
        self.missing_ = [s.null_count() > 0 for s in texts]
        matrix = self._numbers(frame)
        known = ~np.isnan(matrix)
        columns = zip(matrix.T, known.T, strict=True)
        self.fill_ = np.array([np.median(column[there]) if there.any() else 0.0 for column, there in columns])
        filled = np.where(known, matrix, self.fill_)
        # a power of two near the greatest number: sums and squares of very large or small numbers stay in range, to the same bit
        unit = np.ldexp(1.0, np.frexp(np.abs(filled).max(axis=0, initial=0.0))[1] - 1)
        self.mean_ = (filled / unit).mean(axis=0) * unit
        deviation = (filled / unit).std(axis=0) * unit
        self.scale_ = np.where(deviation > 0, deviation, 1.0)
        self.names_ = self._names()
        return self

    def transform(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """The matrix; shape (rows, columns of the encoding)."""
        numbers = self._numbers(frame)
        if not self.gaps:
            numbers = (np.where(np.isnan(numbers), self.fill_, numbers) - self.mean_) / self.scale_
        matrix = np.zeros((frame.height, len(self.names_)))
        width = numbers.shape[1]
        matrix[:, :width] = numbers
        for places, size in zip(self._places(frame), self._sizes(), strict=True):
            found = places >= 0
            if self.gaps:
                matrix[:, width] = np.where(found, places, np.nan)
                width += 1
            else:
                matrix[found.nonzero()[0], width + places[found]] = 1.0
                width += size
        return matrix

    def _numbers(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        schema = frame.schema
        columns = [_number(name, schema[name] == pl.Duration) for name in self.numbers_]
        columns += [part for name in self.moments_ for part in _moment(name)]
        if not columns:
            return np.zeros((frame.height, 0))
        matrix = frame.select(columns).to_numpy().astype(np.float64, copy=True)
        # divided here because Polars' division depends in the last digit on the number of rows
        first = len(self.numbers_)
        matrix[:, first :: len(MOMENT_PARTS)] /= MICROSECONDS_A_DAY
        matrix[~np.isfinite(matrix)] = np.nan
        return matrix

    def _places(self, frame: pl.DataFrame) -> list[NDArray[np.int64]]:
        """For each category, the place of each row's level among its levels; -1 for none."""
        kinds = zip(self.categories_, self.levels_, self.rest_, self.missing_, strict=True)
        found = frame.select(_place(name, tuple(levels), rest, missing) for name, levels, rest, missing in kinds)
        return [series.to_numpy() for series in found.get_columns()]

    def _sizes(self) -> list[int]:
        counts = zip(self.levels_, self.rest_, self.missing_, strict=True)
        return [1 if self.gaps else len(levels) + rest + missing for levels, rest, missing in counts]

    def _names(self) -> list[str]:
        names = [*self.numbers_, *(f"{name} {part}" for name in self.moments_ for part in MOMENT_PARTS)]
        for name, levels, rest, missing in zip(self.categories_, self.levels_, self.rest_, self.missing_, strict=True):
            places = [*levels, *["(other)"] * rest, *["(missing)"] * missing]
            names += [name] if self.gaps else [f"{name}={level}" for level in places]
        return names


@functools.lru_cache(maxsize=4096)
def _number(name: str, duration: bool) -> pl.Expr:
    column = pl.col(name)
    return (column.dt.total_microseconds() if duration else column).cast(pl.Float64)


@functools.lru_cache(maxsize=4096)
def _moment(name: str) -> list[pl.Expr]:
    moment = pl.col(name).cast(pl.Datetime("us"))
    parts = (moment.dt.epoch("us"), moment.dt.month(), moment.dt.weekday(), moment.dt.hour())
    return [part.cast(pl.Float64).alias(f"{name} {label}") for part, label in zip(parts, MOMENT_PARTS, strict=True)]


@functools.lru_cache(maxsize=4096)
def _place(name: str, levels: tuple[str, ...], rest: bool, missing: bool) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    known = text.cast(pl.Enum(levels), strict=False).to_physical().cast(pl.Int64)
    unseen, gone = len(levels) if rest else -1, len(levels) + rest if missing else -1
    return pl.when(text.is_null()).then(pl.lit(gone, pl.Int64)).otherwise(known.fill_null(unseen)).alias(name)
