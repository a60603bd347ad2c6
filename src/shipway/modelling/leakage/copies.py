"""Columns that say the same as another: under other names of their levels, on another scale, or as they are.

Comparing each pair of 300 columns row by row would cost minutes. So each column is turned into numbers such that copies
correlate, one product of matrices gives all correlations, and only pairs that do are looked at. A number is its own value; a
level stands as the mean of random numbers over its rows, which does not depend on what it is called.

This module imports NumPy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shipway.modelling.leakage.power import EVIDENCE, Coded

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME = 0.98
"""Cohen's kappa (1960) between two columns, or a column and the target, from which one repeats the other in nearly all rows.
Corrected for chance, so that two rare flags that are mostly "no" do not count as equal."""

NEARLY, AGREED = 0.81, 0.95
"""Kappa that Landis and Koch (1977) call almost perfect, and share of the rows in which a column with as many levels as there are
classes says the class: together they show a copy of the target with some labels changed. Of either alone a column without a
leak may have as much: of the share one that is mostly "no", as is a rare class; of kappa a good test of two even classes."""

LINEAR = 0.99995
"""Correlation from which a number repeats another on another scale: what the line leaves over is 1 % of the spread. So
degrees, rounded to a tenth, in Celsius and Fahrenheit are copies; radius and perimeter of a measured cell (0.998) are not."""

SUSPECT = 0.9
"""Correlation from which a pair is looked at row by row."""

GAPS = 0.02
"""What gaps in one of two columns may take off the correlation of a line, as what is missing counts as the mean."""


@dataclass(frozen=True)
class Copies:
    """Columns that repeat the first of them; *how* they do."""

    columns: list[str]
    how: str


@dataclass(frozen=True)
class Agreement:
    """How two columns agree: in what share of the rows, and that corrected for chance (Cohen's kappa)."""

    share: float
    kappa: float


def find(columns: Sequence[Coded], values: Sequence[NDArray[np.float64] | None], *, seed: int = 0) -> list[Copies]:
    """The groups of columns that repeat each other, each in the columns' order.

    Args:
        columns: Columns of the same rows.
        values: Each column's numbers, NaN where missing; None where it has none.
    """
    random = np.random.default_rng(seed).standard_normal(max((len(one.codes) for one in columns), default=0))
    renamed = _correlations([_by_level(one, random) for one in columns])
    scaled = _correlations(values)
    commonest = [None if one is None else _commonest(one) for one in values]
    leads: list[int] = []
    groups: dict[int, Copies] = {}
    for place, column in enumerate(columns):
        for lead in leads:
            how = ""
            if scaled[lead, place] >= SUSPECT:
                near = bool(scaled[lead, place] >= LINEAR - GAPS)
                how = _how(values[lead], values[place], commonest[lead], commonest[place], near=near)
            if not how and renamed[lead, place] >= SUSPECT and agreement(columns[lead], column) >= SAME:
                how = "says in other words the same as"
            if how:
                groups.setdefault(lead, Copies([columns[lead].name], how)).columns.append(column.name)
                break
        else:
            leads.append(place)
    return list(groups.values())


def of_target(columns: Sequence[Coded], target: Coded) -> Iterator[tuple[Coded, Agreement]]:
    """Those of *columns* from which the target can be told one to one, and back, in all or nearly all rows; and how well."""
    for column in columns:
        if column.levels > 2 * target.levels + 1:
            continue
        found = matched(column, target)
        near = column.levels == target.levels and found.kappa >= NEARLY and found.share >= AGREED
        if found.kappa >= SAME or near:
            yield column, found


def agreement(one: Coded, other: Coded) -> float:
    """Cohen's kappa between two columns, once their levels are matched one to one; 0 where too few rows tell anything."""
    return matched(one, other).kappa


def matched(one: Coded, other: Coded) -> Agreement:
    """How two columns agree, once their levels are matched one to one; not at all where too few rows tell anything."""
    width = other.levels + 1
    cells = one.codes * width + other.codes
    size = (one.levels + 1) * width
    if size <= 10 * len(cells):
        counts = np.bincount(cells, minlength=size)
        pairs = np.flatnonzero(counts)
        counts = counts[pairs]
    else:
        pairs, counts = np.unique(cells, return_counts=True)
    left, right = np.divmod(pairs, width)
    lefts, rights = np.bincount(left, weights=counts), np.bincount(right, weights=counts)
    both = (_largest(left, counts) == counts) & (_largest(right, counts) == counts)
    rows = len(cells)
    if not both.any() or rows - counts[both].max() < EVIDENCE:
        return Agreement(0.0, 0.0)
    expected = float((lefts[left[both]] * rights[right[both]]).sum()) / rows**2
    share = float(counts[both].sum()) / rows
    return Agreement(share, (share - expected) / (1 - expected) if expected < 1 else 0.0)


def _largest(group: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    """For each cell, the largest count of its group."""
    largest = np.zeros(group.max() + 1, dtype=counts.dtype)
    np.maximum.at(largest, group, counts)
    return np.asarray(largest[group])


def _by_level(column: Coded, random: NDArray[Any]) -> NDArray[Any] | None:
    """Each row as its level's mean of *random*; None for a column whose values mostly do not come twice."""
    rows = len(column.codes)
    if not 1 < column.levels + column.missing.any() <= rows / 2:
        return None
    counts = np.bincount(column.codes, minlength=column.levels + 1)
    means = np.bincount(column.codes, weights=random, minlength=column.levels + 1) / np.maximum(counts, 1)
    return np.asarray(means[column.codes])


def _correlations(columns: Sequence[NDArray[Any] | None]) -> NDArray[Any]:
    """The size of the correlation of each pair; 0 where one is None or constant. What is missing counts as the mean."""
    table = np.zeros((max((len(one) for one in columns if one is not None), default=0), len(columns)))
    for place, column in enumerate(columns):
        if column is not None:
            table[:, place] = np.nan_to_num(_standardised(column))
    return np.abs(table.T @ table) / max(len(table), 1)


def _standardised(values: NDArray[Any]) -> NDArray[Any]:
    known = np.isfinite(values)
    largest = np.abs(values[known]).max(initial=0.0)
    if not known.any() or not largest:
        return np.zeros(len(values))
    scaled = np.where(known, values / largest, np.nan)  # squares of the largest floats would be beyond all floats
    scaled -= np.nanmean(scaled)
    spread = float(np.sqrt(np.nansum(scaled**2) / len(values)))
    return scaled / spread if spread > np.finfo(float).eps else np.zeros(len(values))


def _commonest(values: NDArray[Any]) -> NDArray[Any]:
    """Where *values* is its commonest value."""
    found, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    return np.asarray(values == (found[counts.argmax()] if len(found) else np.nan))


def _how(one: Any, other: Any, one_commonest: Any, other_commonest: Any, *, near: bool) -> str:
    """How *other* repeats the numbers of *one*; empty where it does not. Rows in which both are as usual tell nothing.

    *near*: whether a line between them is worth trying.
    """
    known, also = np.isfinite(one), np.isfinite(other)
    both, either = known & also, known | also
    telling = both & ~(one_commonest & other_commonest)
    if telling.sum() < EVIDENCE or both.sum() < SAME * either.sum():
        return ""
    if (one == other)[telling].mean() >= SAME:
        return "is equal to"
    line = float(np.mean(_standardised(one[both]) * _standardised(other[both]))) if near else 0.0
    return "is on another scale the same as" if abs(line) >= LINEAR else ""
