"""What `[preprocess]` did to the rows that a model learned from, in sentences: nothing is changed there without a word.

This module imports Polars by way of others at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from shipway.modelling import kinds

if TYPE_CHECKING:
    import polars as pl

    from shipway.modelling.encoding import Encoder
    from shipway.modelling.lessons import Lesson

NAMED = 5
"""Columns that a sentence names; of more it says how many."""


def told(frame: pl.DataFrame, lesson: Lesson, encoder: Encoder) -> Iterator[str]:
    """Rows left out and made up, columns left out, and numbers changed.

    Args:
        frame: Prepared rows, those among them that were left out.
        lesson, encoder: What was made of them, and the encoder that was fitted on the way.
    """
    rows, kept = len(lesson.kept), int(lesson.kept.sum())
    if kept < rows:
        yield f"[preprocess] left out {rows - kept:,} of {rows:,} training rows, for missing values or as outliers"
    if kept != len(lesson.truth):
        counts = np.bincount(lesson.truth)
        classes = " and ".join(f"{count:,}" for count in sorted({int(count) for count in counts[counts > 0]}))
        yield f"[preprocess] made {len(lesson.truth):,} rows of {kept:,} to even out the classes, {classes} of each"
    used = encoder.used
    if gone := [repr(name) for name in kinds.kinds_of(frame, encoder.ignore) if name not in used]:
        yield f"[preprocess] left out {_listed(gone)}, as columns with so many gaps, so many levels or dates are to be"
    far = encoder.numbers_.far(frame.filter(lesson.kept))
    if far:
        cells = [f"{count:,} of {name!r}" for name, count in sorted(far.items(), key=lambda item: -item[1])]
        yield f"[preprocess] brought far numbers to the last that is near, or took them for missing: {_listed(cells)}"


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - NAMED:,} more" if len(texts) > NAMED else ""
    return ", ".join(texts[:NAMED]) + more
