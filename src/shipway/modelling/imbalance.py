"""Classes of very unequal size: told, weighed, or evened out by imbalanced-learn on the rows that are learned from.

This module imports numpy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from shipway.core.contract import Level, text_of
from shipway.core.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RARE = 0.2
"""A class is told to be rare below this share of what it would have if all were equal: 10 % for two classes."""

NEIGHBOURS = 5
"""Neighbours between which SMOTE makes up a row (Chawla and others 2002), where a class has as many."""

Rows = tuple["NDArray[np.float64]", "NDArray[np.int64]", "NDArray[np.float64] | None"]
"""A compact matrix, the class of each row, and its weight."""


def told(classes: Sequence[Level], truth: NDArray[np.int64]) -> str | None:
    """A sentence on the rarest class, where it is much rarer than the others."""
    counts = np.bincount(truth, minlength=len(classes))
    rarest = int(np.where(counts > 0, counts, len(truth)).argmin())
    if counts[rarest] * (counts > 0).sum() >= RARE * len(truth):
        return None
    return (
        f"class {text_of(classes[rarest])} has {int(counts[rarest]):,} of {len(truth):,} rows, {counts[rarest] / len(truth):.2%}"
    )


def even_out(method: str, rows: Rows, coded: Sequence[int], seed: int) -> Rows:
    """The rows with their classes evened out by *method*, a value of `imbalance`.

    Args:
        rows: Not changed for `report`; for `class_weights` only the weights are.
        coded: Columns of the compact matrix that are level numbers.

    Raises:
        DataError: Rows can't be made up between those there are.
    """
    compact, truth, weights = rows
    if method == "class_weights":
        from sklearn.utils.class_weight import compute_sample_weight

        balanced = compute_sample_weight("balanced", truth)
        return compact, truth, balanced if weights is None else balanced * weights
    if method in ("over", "under"):
        from imblearn.over_sampling import RandomOverSampler
        from imblearn.under_sampling import RandomUnderSampler

        sampler = (RandomOverSampler if method == "over" else RandomUnderSampler)(random_state=seed)
        sampler.fit_resample(np.zeros((len(truth), 1)), truth)
        chosen = sampler.sample_indices_
        return compact[chosen], truth[chosen], None if weights is None else weights[chosen]
    return (*_made_up(compact, truth, coded, seed), weights) if method == "smote" else rows


def _made_up(
    compact: NDArray[np.float64], truth: NDArray[np.int64], coded: Sequence[int], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    counts = np.bincount(truth)
    commonest = int(counts.max())
    few = {int(place): 2 for place in np.flatnonzero(counts == 1)}
    if few:
        from imblearn.over_sampling import RandomOverSampler

        # between one row and itself there is nothing to make up
        compact, truth = RandomOverSampler(sampling_strategy=few, random_state=seed).fit_resample(compact, truth)
        counts = np.bincount(truth)
    neighbours = int(min(NEIGHBOURS, counts[(counts > 0) & (counts < commonest)].min(initial=NEIGHBOURS + 1) - 1))
    sampler = _sampler(compact.shape[1], coded, k_neighbors=neighbours, random_state=seed)
    try:
        made, labels = sampler.fit_resample(compact, truth)
    except ValueError as error:
        raise DataError(
            f'[preprocess] imbalance = "smote" can\'t make up rows between those of the rare classes: {error}; choose '
            '"class_weights" or "over"'
        ) from error
    return np.asarray(made, dtype=np.float64), np.asarray(labels, dtype=np.int64)


def _sampler(width: int, coded: Sequence[int], **options: Any) -> Any:
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

    if not coded:
        return SMOTE(**options)
    return SMOTEN(**options) if len(coded) == width else SMOTENC(categorical_features=list(coded), **options)
