"""The mean of several classifiers' probabilities.

Two models that a search hardly tells apart are chosen between by luck; their mean is seldom worse than either, and often better
(Breiman 1996, Stacked Regressions; Caruana and others 2004, Ensemble Selection from Libraries of Models). The weights are equal
rather than learned, as little can be overfitted so.

This module defines a scikit-learn class and imports it at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Blend(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Answers with the mean of what its fitted members say of the same rows.

    Its members are fitted before it is made, each on a matrix of its own form; so no project can name it as a candidate.

    Attributes:
        members: Fitted, each with `predict_proba` that takes the same rows and gives the same classes in the same order.
    """

    def __init__(self, members: list[Any]) -> None:
        self.members = members

    def fit(self, X: Any, y: Any) -> Self:
        """Raises TypeError: scikit-learn takes only what has a `fit` for an estimator, but the members are fitted before."""
        raise TypeError("a blend is made of fitted members; name their estimators as candidates, and set [tune] blend = true")

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """float64, shape (rows, classes)."""
        return average([member.predict_proba(X) for member in self.members])

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The index of the likeliest class of each row."""
        likeliest: NDArray[np.int64] = self.predict_proba(X).argmax(axis=1)
        return likeliest


def average(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The mean of arrays of one shape, added up in their order: each row's is the same alone as among others."""
    total = parts[0].astype(np.float64)
    for part in parts[1:]:
        total += part
    return total / len(parts)
