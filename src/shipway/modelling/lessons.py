"""What an estimator is given to learn from: rows selected, encoded, evened out and weighed.

A search's folds and the final fit come through here alike. This module imports Polars at its top, so it is itself
imported only inside functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from shipway.core.contract import Contract
from shipway.core.errors import DataError
from shipway.modelling import estimators, imbalance, kinds, selection
from shipway.modelling.encoding import Encoder, Matrix
from shipway.modelling.preprocessing import Preprocess

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Lesson:
    """Rows to learn from.

    Attributes:
        matrix: Shape (rows, columns).
        truth: Index of each row's class.
        weights: How much each row counts; None where all count the same.
        coded: Columns of the matrix that are level numbers.
        kept: Which of the rows before `[preprocess]` were learned from.
    """

    matrix: Matrix
    truth: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    coded: list[int]
    kept: NDArray[np.bool_]

    def options(self, estimator: Any) -> dict[str, Any]:
        """What *estimator* is told in `fit` besides the rows."""
        told: dict[str, Any] = {} if self.weights is None else {"sample_weight": self.weights}
        if self.coded and estimators.form_of(estimator) == "codes":
            told["categorical_feature"] = self.coded
        return told


def make(
    frame: pl.DataFrame,
    truth: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    *,
    encoder: Encoder,
    preprocess: Preprocess,
    seed: int,
) -> Lesson:
    """Fit *encoder* on the rows of *frame* that `[preprocess]` selects, and make the lesson of them.

    Args:
        frame: Prepared rows.
        truth: Index of each row's class.

    Raises:
        DataError: Too few rows or columns are left.
    """
    kept = selection.select(frame, truth, kinds.kinds_of(frame, encoder.ignore), preprocess, seed)
    if not kept.all():
        frame, truth, weights = frame.filter(kept), truth[kept], None if weights is None else weights[kept]
    rows = encoder.compact(frame, truth), truth, weights
    compact, truth, weights = imbalance.even_out(preprocess.imbalance, rows, encoder.coded, seed)
    return Lesson(encoder.expand(compact), truth, weights, encoder.coded if encoder.gaps else [], kept)


def weights_of(contract: Contract, frame: pl.DataFrame) -> NDArray[np.float64] | None:
    """The weight of each row, None where the contract names no column of weights.

    Raises:
        DataError: A weight is missing or negative, or all are 0.
    """
    if contract.weight is None:
        return None
    found: NDArray[np.float64] = frame[contract.weight].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    wrong = int((~(found >= 0)).sum())
    if wrong or not found.sum() > 0:
        what = f"{wrong:,} of {len(found):,} rows have none, or a negative one" if wrong else "all are 0"
        raise DataError(
            f"the column of weights {contract.weight!r}: {what}; give it a minimum of 0 and no nullable in contract.toml, so "
            "that such rows go to quarantine"
        )
    return found
