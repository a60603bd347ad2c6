"""Stratified folds of the training rows, each encoded once for all fits on it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shipway.core.contract import Contract, text_of
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import Progress
from shipway.modelling.preprocessing import Form

if TYPE_CHECKING:
    from shipway.modelling.lessons import Lesson

Rows = NDArray[np.int64]
Encoded = tuple["Lesson", Any]
"""What to learn from, and the matrix to score on."""


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
    _encoded: dict[Form, Encoded] = field(default_factory=dict)

    def encode(self, kind: Form, make: Callable[[Fold], Encoded]) -> Encoded:
        """The lesson and the matrix to score on, made by *make* when first asked for; one for each *kind* of encoding."""
        with self._lock:
            if kind not in self._encoded:
                self._encoded[kind] = make(self)
            return self._encoded[kind]

    def release(self) -> None:
        """One fit is over."""
        with self._lock:
            self.left -= 1
            if not self.left:
                self._encoded.clear()


def split(contract: Contract, truth: Rows, folds: int, *, fits: int, seed: int, progress: Progress) -> list[Fold]:
    """Deal the rows out to folds so that each has about the same share of every class.

    A class with fewer rows than folds is spread over as many folds as it has rows, with a warning: each row is scored once, by
    fits that did not learn it, and learned in all other folds; so a rare class costs no other class its folds.

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
    possible = int(min(folds, present.max()))
    if rare:
        progress.warn(
            f"classes with fewer training rows than the {folds} folds: {rare}; each of their rows is scored by fits that learned "
            "from the others only, and some folds hold none"
        )
    dealt = StratifiedKFold(possible, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        parts = list(dealt.split(np.zeros(len(truth)), truth))
    return [Fold(number, learn, score, left=fits) for number, (learn, score) in enumerate(parts)]
