"""The last stage of the fitted pipeline: any classifier, its probabilities in the order of the contract's classes.

This module defines a scikit-learn class and imports it at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Aligned(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose probabilities have a column for each class of the contract, 0 for one absent from training.

    The classifier inside learns the classes that are there, numbered from 0 without gaps, as some need it.
    """

    def __init__(self, estimator: Any, classes: int) -> None:
        self.estimator, self.classes = estimator, classes

    def fit(self, X: NDArray[np.float64], y: NDArray[np.int64], **options: Any) -> Self:
        """Fit on *y*, the index of each row's class among the contract's classes; *options* go to the classifier's own `fit`."""
        self.present_, codes = np.unique(y, return_inverse=True)
        self.classes_ = np.arange(self.classes)
        self.estimator_ = clone(self.estimator).fit(X, codes, **options)
        return self

    def predict_proba(self, X: NDArray[np.float64], **options: Any) -> NDArray[np.float64]:
        """float64, shape (rows, classes); *options* go to the classifier's own `predict_proba`."""
        probabilities = self.estimator_.predict_proba(X, **options)
        if len(self.present_) == self.classes:
            return np.asarray(probabilities, dtype=np.float64)
        aligned = np.zeros((len(probabilities), self.classes))
        aligned[:, self.present_] = probabilities
        return aligned

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        likeliest: NDArray[np.int64] = self.predict_proba(X).argmax(axis=1)
        return likeliest
