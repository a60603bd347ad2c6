"""Which rows a model learns from: those that `[preprocess]` does not leave out. At prediction every row is answered.

This module imports numpy and Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from shipway.core.errors import DataError
from shipway.modelling import numbers, outliers
from shipway.modelling.preprocessing import Kind, Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray


def select(
    frame: pl.DataFrame, truth: NDArray[np.int64], kinds: Mapping[str, Kind], rules: Preprocess, seed: int
) -> NDArray[np.bool_]:
    """Which rows of *frame* to learn from; shape (rows,).

    Args:
        kinds: The columns that take part.

    Raises:
        DataError: Rows of fewer than two classes are left.
    """
    of_column = {name: rules.rule(name, kind) for name, kind in kinds.items()}
    kept = np.ones(frame.height, dtype=bool)
    complete = [name for name, rule in of_column.items() if rule.missing == "drop_rows"]
    if complete:
        kept &= frame.select(pl.all_horizontal(pl.col(complete).is_not_null())).to_series().to_numpy()
        # a number that was divided by 0 is missing too
        kept &= ~np.isnan(numbers.read(frame, [name for name in complete if kinds[name] == "number"], [])).any(axis=1)
    dropping = [name for name, rule in of_column.items() if kinds[name] == "number" and rule.outlier_action == "drop"]
    if any(of_column[name].outliers != "none" for name in dropping):
        matrix = numbers.read(frame, dropping, [])
        bounds = outliers.bounds(matrix[kept], [of_column[name] for name in dropping])
        kept &= ~outliers.outside(matrix, *bounds).any(axis=1)
    if rules.outliers == "isolation_forest" and kept.any():
        matrix = numbers.read(frame, [name for name, kind in kinds.items() if kind == "number"], [])
        kept[kept] = ~outliers.strange_rows(matrix[kept], rules.outlier_share, seed)
    classes = len(np.unique(truth[kept]))
    if classes < 2:
        raise DataError(
            f"[preprocess] leaves {int(kept.sum()):,} of {frame.height:,} rows to learn from, of {classes} classes, where two "
            'are needed: fill missing values instead of missing = "drop_rows", or cap outliers instead of outlier_action = "drop"'
        )
    return kept
