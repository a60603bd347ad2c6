"""Stratified folds of the training rows, each encoded once for all fits on it."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shipway.core.contract import Contract, text_of
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import Progress
from shipway.modelling.encoding import Encoder

if TYPE_CHECKING:
    import polars as pl

Rows = NDArray[np.int64]


@dataclass
class Fold:
    """Rows to learn from and rows to score on, encoded when first needed and let go of after the last fit.

    Attributes:
        left: How many fits are still to come.
    """

    number: int
    learn: Rows
    score: Rows
    left: int
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _encoded: dict[bool, tuple[NDArray[np.float64], NDArray[np.float64]]] = field(default_factory=dict)

    def encode(self, prepared: pl.DataFrame, encoder: Encoder) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The matrices to learn from and to score on; what *encoder* learns, it learns from the former."""
        with self._lock:
            if encoder.gaps not in self._encoded:
                learn = prepared[self.learn]
                encoder.fit(learn)
                self._encoded[encoder.gaps] = encoder.transform(learn), encoder.transform(prepared[self.score])
            return self._encoded[encoder.gaps]

    def release(self) -> None:
        """One fit is over."""
        with self._lock:
            self.left -= 1
            if not self.left:
                self._encoded.clear()


def split(contract: Contract, truth: Rows, folds: int, *, fits: int, seed: int, progress: Progress) -> list[Fold]:
    """Deal the rows out to folds so that each has about the same share of every class.

    Where a class has fewer rows than there are folds, fewer folds are made, with a warning; a class of one row is only ever
    scored, never learned, in one of them.

    Raises:
        UsageError: Fewer than two folds were asked for.
        DataError: There are fewer than two classes, or fewer than two of them have two rows.
    """
    from sklearn.model_selection import StratifiedKFold

    if folds < 2:
        raise UsageError(f"[tune] folds = {folds}: a search needs at least 2 folds")
    counts = np.bincount(truth, minlength=len(contract.classes))
    present = counts[counts > 0]
    if len(present) < 2:
        raise DataError(f"the training rows hold {len(present)} of the {len(counts)} classes of {contract.target!r}, not two")
    rare = ", ".join(
        f"{text_of(level)} ({count})" for level, count in zip(contract.classes, counts, strict=True) if 0 < count < folds
    )
    if (present > 1).sum() < 2:
        raise DataError(
            f"a search needs two classes of {contract.target!r} with two training rows or more, to learn from some and score on "
            f"others; classes with few: {rare}. Send more rows, or set aside fewer with [split] test_share"
        )
    possible = int(min(folds, present[present > 1].min()))
    if rare:
        fewer = f"the search uses {possible} folds, not {folds}"
        what = fewer if possible < folds else "one of a single row is scored only by fits that did not learn it"
        progress.warn(f"classes with few training rows: {rare}; {what}")
    dealt = StratifiedKFold(possible, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        parts = list(dealt.split(np.zeros(len(truth)), truth))
    return [Fold(number, learn, score, left=fits) for number, (learn, score) in enumerate(parts)]
