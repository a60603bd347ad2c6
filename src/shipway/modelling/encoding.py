"""From a prepared frame to the numbers that an estimator takes; all that is learned here is learned from the rows of `fit`.

This module defines a scikit-learn class and imports it at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from shipway.core.errors import DataError
from shipway.modelling import kinds, levels
from shipway.modelling.numbers import Numbers, scales
from shipway.modelling.preprocessing import Form, Preprocess

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

Matrix = Any
"""Dense, or of scipy.sparse; float64, shape (rows, columns)."""

DENSE = 200
"""Columns up to which the matrix is dense though the estimator would take a sparse one: it is small then."""


class Encoder(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[misc, call-arg]
    """Encode numbers, truth values, dates and categories as a float64 matrix, by the rules of `[preprocess]`.

    - Numbers, and booleans as 0 and 1; dates as days since 1970, month, weekday and hour: with `gaps` as they are, missing values
      NaN; else missing values are filled, and each column is brought to mean 0 and variance 1.
    - Categories: for trees one column of level numbers, else one column a level. A level that `fit` did not see
      goes to the place of the rare ones, or is NaN, or all zeros, where there is none.
    - Categories with very many levels: the target's mean at each level. The learning rows get it from other learning rows, in
      `fit_transform`; so do not put together `fit` and `transform` on the same rows.

    It goes by way of a compact matrix, with one column of level numbers for each category, in which rows can be made up.

    Attributes:
        gaps: Whether the estimator takes NaN; so do trees, which need no scaling either.
        ignore: Columns of free text, left out.
        rules: `[preprocess]` as plain values.
        numbers_: What was learned of numbers and dates.
        placed_, averaged_: Categories by their levels, and by the target's mean.
        mean_, scale_: What the target's means are scaled by; 0 and 1 for estimators that need no scaling.
        names_: What each column of the matrix holds.
    """

    def __init__(self, *, form: Form, ignore: list[str], rules: dict[str, Any] | None = None, seed: int = 0) -> None:
        self.form, self.ignore, self.rules, self.seed = form, ignore, rules, seed

    @property
    def gaps(self) -> bool:
        """Whether missing numbers stay missing, and levels are numbers; so for trees, which need no scaling either."""
        return self.form in ("codes", "gaps")

    def fit(self, frame: pl.DataFrame, y: NDArray[np.int64] | None = None) -> Self:
        """Learn from *frame*, and from *y*, the index of each row's class. Raises DataError when nothing can be learned from."""
        self.compact(frame, y)
        return self

    def fit_transform(self, frame: pl.DataFrame, y: NDArray[np.int64] | None = None) -> Matrix:
        """Learn from the rows, and give the matrix that an estimator may learn from."""
        return self.expand(self.compact(frame, y))

    def transform(self, frame: pl.DataFrame) -> Matrix:
        """The matrix; shape (rows, columns of the encoding)."""
        means = levels.means_of(levels.places(frame, self.averaged_), self.averaged_)
        return self.expand(self._joined(frame, means))

    def compact(self, frame: pl.DataFrame, y: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Learn from the rows, and give their compact matrix: numbers, means of the target, and level numbers (-1 for none)."""
        rules = msgspec.convert(self.rules or {}, Preprocess)
        kind = kinds.kinds_of(frame, self.ignore)
        columns, moments, categories = (
            [name for name in kind if kind[name] == wanted] for wanted in ("number", "moment", "category")
        )
        moments = [name for name in moments if rules.rule(name, "moment").dates == "parts"]
        self.numbers_ = Numbers.learn(frame, columns, moments, gaps=self.gaps, rules=rules)
        found = levels.learn(frame, categories, y, rules, self.form)
        self.placed_ = [category for category in found if category.means is None]
        self.averaged_ = [category for category in found if category.means is not None]
        means = np.zeros((frame.height, 0))
        if self.averaged_ and y is not None:
            means = levels.learn_means(levels.places(frame, self.averaged_), y, self.averaged_, self.seed)
        self.mean_, self.scale_ = scales(means) if not self.gaps else (np.zeros(means.shape[1]), np.ones(means.shape[1]))
        self.names_ = self._names()
        if not self.names_:
            raise DataError(f"[preprocess] leaves no column to learn from of {', '.join(kind)}; drop fewer of them")
        return self._joined(frame, means)

    def expand(self, compact: NDArray[np.float64]) -> Matrix:
        """The matrix of a compact one."""
        width = compact.shape[1] - len(self.placed_)
        codes = compact[:, width:].astype(np.int64)
        if self.gaps:
            return np.hstack([compact[:, :width], np.where(codes < 0, np.nan, codes)])
        if self.form == "sparse" and len(self.names_) > DENSE:
            return self._sparse(compact, codes, width)
        matrix = np.zeros((len(compact), len(self.names_)))
        matrix[:, :width] = compact[:, :width]
        for place, category in enumerate(self.placed_):
            found = codes[:, place] >= 0
            matrix[found.nonzero()[0], width + codes[found, place]] = 1.0
            width += category.places
        return matrix

    def _sparse(self, compact: NDArray[np.float64], codes: NDArray[np.int64], width: int) -> Matrix:
        from scipy.sparse import csr_matrix

        first = width + np.cumsum([0, *(category.places for category in self.placed_)])[:-1]
        used = np.hstack([np.ones((len(compact), width), dtype=bool), codes >= 0])
        numbers = np.broadcast_to(np.arange(width), (len(compact), width))
        values = np.hstack([compact[:, :width], np.ones(codes.shape)])
        ends = np.concatenate([[0], used.sum(axis=1).cumsum()])
        shape = len(compact), len(self.names_)
        return csr_matrix((values[used], np.hstack([numbers, codes + first])[used], ends), shape=shape)

    @property
    def used(self) -> set[str]:
        """Columns that the matrix is made of."""
        categories = {category.name for category in (*self.placed_, *self.averaged_)}
        return categories.union(self.numbers_.columns, self.numbers_.moments)

    @property
    def coded(self) -> list[int]:
        """Places of the compact matrix's columns that are level numbers; with `gaps`, of the matrix's."""
        width = len(self.names_) if self.gaps else len(self.names_) - sum(category.places for category in self.placed_)
        first = width - len(self.placed_) if self.gaps else width
        return list(range(first, first + len(self.placed_)))

    def _joined(self, frame: pl.DataFrame, means: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.hstack([self.numbers_.transform(frame), (means - self.mean_) / self.scale_, levels.places(frame, self.placed_)])

    def _names(self) -> list[str]:
        names = [*self.numbers_.names]
        for category in self.averaged_:
            width = category.means.shape[1] if category.means is not None else 0
            names += [f"{category.name} mean {column}" if width > 1 else f"{category.name} mean" for column in range(width)]
        for category in self.placed_:
            names += [category.name] if self.gaps else [f"{category.name}={label}" for label in category.labels]
        return names
