"""Missing numbers filled from the rows that are nearest in the others: scikit-learn's `KNNImputer`, on bounded ground.

This module imports numpy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DONORS = 2000
"""Rows that neighbours are looked for in, drawn from those that are learned from: the cost of a fill grows with
their number."""

STEPS = 1024.0
"""Steps a standard deviation into which numbers are rounded before they are compared. Distances are then sums of whole numbers,
exact in any order, so that a row has the same neighbours alone and in a batch."""

FARTHEST = 1000.0
"""Standard deviations from the mean at which numbers are cut off for the comparison, so that those sums stay below 2^53."""


@dataclass
class Neighbours:
    """The donors, and where each column lies.

    Attributes:
        places: The columns that are filled.
        mean, scale: By which all columns are made comparable.
        imputer: The fitted `KNNImputer`.
    """

    places: list[int]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    imputer: Any

    @classmethod
    def learn(cls, matrix: NDArray[np.float64], places: list[int]) -> Self:
        """Draw the donors from the rows of *matrix*, in which NaN is missing."""
        from sklearn.impute import KNNImputer

        known = ~np.isnan(matrix)
        counts = np.maximum(known.sum(axis=0), 1)
        unit = np.ldexp(1.0, np.frexp(np.abs(np.where(known, matrix, 0)).max(axis=0, initial=0.0))[1] - 1)
        mean = np.where(known, matrix / unit, 0).sum(axis=0) / counts
        deviation = np.sqrt((np.where(known, matrix / unit - mean, 0) ** 2).sum(axis=0) / counts)
        learned = cls(places, mean * unit, np.where(deviation > 0, deviation * unit, 1.0), KNNImputer(keep_empty_features=True))
        chosen = np.sort(np.random.default_rng(0).choice(len(matrix), min(DONORS, len(matrix)), replace=False))
        learned.imputer.fit(learned._rounded(matrix[chosen]))
        return learned

    def fill(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """*matrix* with the gaps of the chosen columns filled."""
        gaps = np.zeros(matrix.shape, dtype=bool)
        gaps[:, self.places] = np.isnan(matrix[:, self.places])
        rows = gaps.any(axis=1)
        if not rows.any():
            return matrix
        found = self.imputer.transform(self._rounded(matrix[rows])) / STEPS * self.scale + self.mean
        filled = matrix.copy()
        filled[rows] = np.where(gaps[rows], found, matrix[rows])
        return filled

    def _rounded(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.round(np.clip((matrix - self.mean) / self.scale, -FARTHEST, FARTHEST) * STEPS)
