"""Equal rows that mean nothing: in a table of few columns with few values, they are different cases that happen to be alike.

This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

MANY = 0.1
"""Share of the rows that equal an earlier one from which it matters what becomes of them: dropped or kept, together or not."""

DEPENDENCE = 5.0
"""How many times as many pairs of equal rows there may be as there would be if columns had nothing to do with each other among
the rows of a class: more are repeats. Eight public tables have 1.1 (the people of the Titanic) to 2.5 times as many (phishing
sites); tables with one column of amounts, there twice, have a hundred times as many and more."""


def by_chance(frame: pl.DataFrame, columns: Sequence[str], target: str) -> str | None:
    """Why equal values in *columns* are no sign of a repeat; None where rows with equal ones are few, or are repeats.

    Two rows of a class are equal by chance with the product of the chances that they are equal in each column (naive Bayes).

    Args:
        columns: In which rows are compared, besides the target.
    """
    names = [name for name in columns if name != target]
    if not names or not frame.height:
        return None
    sizes = frame.select(*names, target).hash_rows().value_counts(name="rows")["rows"]
    again = frame.height - len(sizes)
    if again <= MANY * frame.height or _pairs(sizes) > DEPENDENCE * _expected(frame, names, target):
        return None
    return f"{again:,} of {frame.height:,} rows equal an earlier one, as chance has it where columns have few values"


def _expected(frame: pl.DataFrame, names: Sequence[str], target: str) -> float:
    """How many pairs of rows of a class would be equal in all *names* if these had nothing to do with each other there."""
    classes = dict(frame[target].value_counts(name="rows").iter_rows())
    pairs = {level: rows * (rows - 1) / 2 for level, rows in classes.items() if rows > 1}
    left = dict(pairs)
    for name in names:
        for (level,), equal in frame.group_by(target, name).len("rows").group_by(target):
            if level in left:
                left[level] *= _pairs(equal["rows"]) / pairs[level]
    return math.fsum(left.values())


def _pairs(sizes: pl.Series) -> float:
    """Pairs that can be made within groups of these *sizes*."""
    many = sizes.cast(pl.Float64)
    return float((many * (many - 1)).sum()) / 2
