"""Rows with equal features: what a random split would put on both sides, and what no model can get right.

This module imports NumPy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from shipway.core.findings import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mixed(first: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows have a twin with another label; shape (rows,).

    Args:
        first: For each row the place of the first row with equal features, which may be its own.
        labels: The class of each row, as a number.
    """
    differs = np.zeros(len(first), dtype=np.bool_)
    differs[first[labels != labels[first]]] = True
    found: NDArray[np.bool_] = differs[first]
    return found


def find(first: NDArray[Any], labels: NDArray[Any], target: str) -> Iterator[Finding]:
    """What groups of equal feature rows say, from the same arrays as `mixed` takes."""
    rows = len(first)
    torn = mixed(first, labels)
    if torn.any():
        pairs, counts = np.unique(np.stack([first[torn], labels[torn]]), axis=1, return_counts=True)
        groups, group = np.unique(pairs[0], return_inverse=True)
        commonest = np.zeros(len(groups), dtype=np.int64)
        np.maximum.at(commonest, group, counts)
        yield Finding(
            kind="conflicts",
            message=f"{_groups(len(groups))} ({int(torn.sum()):,} rows) have equal features and different labels of {target!r}, "
            f"so {int(torn.sum() - commonest.sum()):,} of {rows:,} rows can't be got right by any model; look whether a column "
            'that tells them apart is missing, or whether labels are wrong ([clean] conflicts = "drop" leaves them out)',
        )
    sizes = np.bincount(first, minlength=rows)
    twins = sizes[sizes > 1]
    if len(twins):
        yield Finding(
            kind="twins",
            message=f"{_groups(len(twins))} ({int(twins.sum()):,} of {rows:,} rows) have equal features; the split keeps each "
            'group on one side, unless [split] twins = "spread", so that no test row has a twin in training: split them likewise '
            "wherever you judge a model yourself",
        )


def _groups(count: int) -> str:
    return f"{count:,} group{'s' * (count != 1)} of rows"
