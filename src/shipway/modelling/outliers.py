"""Numbers that lie far out, and rows that are unlike the others; told by the rows that are learned from.

This module imports numpy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shipway.modelling.preprocessing import Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 1e38
"""Trees of scikit-learn compute in float32, whose range ends here."""


def bounds(matrix: NDArray[np.float64], rules: Sequence[Rule]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the greatest number of each column that is no outlier; infinite where none is.

    A column of which the middle half (or all) is one value has none: else every other value of a mostly constant column would be.
    Nor has one of two values, such as yes and no: the rarer one is not far out, it is the other one.

    Args:
        matrix: Shape (rows, columns); NaN is missing.
        rules: One a column.
    """
    low, high = np.full(matrix.shape[1], -np.inf), np.full(matrix.shape[1], np.inf)
    for place, rule in enumerate(rules):
        known = matrix[~np.isnan(matrix[:, place]), place]
        if rule.outliers == "none" or not len(known) or bool(np.isin(known, (known.min(), known.max())).all()):
            continue
        if rule.outliers == "iqr":
            first, last = np.percentile(known, (25, 75))
            room = rule.outlier_reach * (last - first)
        else:
            first = last = known.mean()
            room = rule.outlier_reach * known.std()
        if np.isfinite(room) and room > 0:
            low[place], high[place] = first - room, last + room
    return low, high


def outside(matrix: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which cells are outliers; a missing one is none."""
    found: NDArray[np.bool_] = (matrix < low) | (matrix > high)
    return found


def strange_rows(matrix: NDArray[np.float64], share: float, seed: int) -> NDArray[np.bool_]:
    """The *share* of the rows that an isolation forest tells apart soonest (Liu, Ting and Zhou 2008); shape (rows,)."""
    from sklearn.ensemble import IsolationForest

    if not matrix.shape[1]:
        return np.zeros(len(matrix), dtype=bool)
    forest = IsolationForest(contamination=share, random_state=seed, n_jobs=1)
    found: NDArray[np.bool_] = forest.fit_predict(matrix.clip(-LARGEST, LARGEST)) < 0
    return found
