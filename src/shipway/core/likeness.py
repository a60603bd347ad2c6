"""Whether two columns of different names hold the same thing, as far as their levels and ranges show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from shipway.core.contract import Column, Type, text_of
from shipway.core.profile import LEVELS, ColumnProfile

SHARED = 0.8
"""Levels in common, as a share of those that either column has (Jaccard 1901), from which two columns have the same levels."""

DRIFT = 0.1
"""How much the shares of levels (total variation), or each quantile in widths of the middle nine tenths, may have moved."""

FILLED = 0.9
"""Share of a declared range that the values of a column must fill to be the values that the range was declared for."""

SHOWN = 5
MIDDLE = slice(1, -1)
"""The quantiles without the least and the greatest value, which move with every new row."""

KINDS: dict[Type, str] = {
    "category": "levels",
    "text": "levels",
    "boolean": "levels",
    "integer": "numbers",
    "number": "numbers",
    "datetime": "times",
}


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a column's values.

    Attributes:
        counts: Rows of each level; all 0 where the levels are only declared.
        quantiles: Evenly spaced from the least value to the greatest.
        bounds: The least and the greatest value, as declared.
    """

    kind: str
    counts: dict[str, int] = {}
    quantiles: list[float] = []
    bounds: tuple[float, float] | None = None


def traits(column: Column, seen: ColumnProfile | None = None) -> Traits:
    """What the contract says of a column, and what was *seen* of it."""
    bounds = None if column.minimum is None or column.maximum is None else (column.minimum, column.maximum)
    counts = dict.fromkeys(map(text_of, column.levels or ()), 0)
    quantiles = []
    if seen is not None:
        # a list that was cut has but the commonest levels, which say nothing of names and codes
        counts = counts if seen.levels is None or len(seen.levels) >= LEVELS else seen.levels
        quantiles = seen.quantiles or []
    return Traits(kind=KINDS[column.type], counts=counts, quantiles=quantiles, bounds=bounds)


def matches(lost: Mapping[str, Traits], new: Mapping[str, Traits]) -> dict[tuple[str, str], str]:
    """The pairs of a *lost* and a *new* column that hold the same values, with the evidence.

    A column that is like two others is like none: yes and no say nothing of what was asked.
    """
    found = {(old, name): why for old in lost for name in new if (why := evidence(lost[old], new[name]))}
    return {
        (old, name): why
        for (old, name), why in found.items()
        if sum(old == other for other, _ in found) == sum(name == other for _, other in found) == 1
    }


def evidence(one: Traits, other: Traits) -> str:
    """What shows that two columns hold the same, as a clause; empty where nothing does."""
    if one.kind != other.kind:
        return ""
    return _levels(one.counts, other.counts) or _quantiles(one.quantiles, other.quantiles) or _bounds(one, other)


def _levels(one: Mapping[str, int], other: Mapping[str, int]) -> str:
    both = [level for level in one if level in other]
    if len(both) < 2 or len(both) < SHARED * len({*one, *other}):
        return ""
    shown = ", ".join(f'"{level}"' for level in both[:SHOWN]) + (f" and {len(both) - SHOWN} more" if len(both) > SHOWN else "")
    rows, others = sum(one.values()), sum(other.values())
    if not rows or not others:
        return f"with the same levels {shown}"
    moved = sum(abs(one.get(level, 0) / rows - other.get(level, 0) / others) for level in {*one, *other}) / 2
    return f"with the levels {shown} in the same shares, but for {moved:.1%} of the rows" if moved <= DRIFT else ""


def _quantiles(one: Sequence[float], other: Sequence[float]) -> str:
    if len(one) != len(other) or not one:
        return ""
    were, are = one[MIDDLE], other[MIDDLE]
    width = were[-1] - were[0]
    if width <= 0 or max(abs(before - now) for before, now in zip(were, are, strict=True)) > DRIFT * width:
        return ""
    quartiles = [(len(one) - 1) * part // 4 for part in (1, 2, 3)]
    now, before = (" ".join(f"{row[place]:.4g}" for place in quartiles) for row in (other, one))
    return f"with nearly the same distribution: quartiles {now}, and {before} before"


def _bounds(one: Traits, other: Traits) -> str:
    declared = one.bounds or other.bounds
    if declared is None:
        return ""
    low, high = declared
    said = f"from {text_of(low)} to {text_of(high)}"
    if one.bounds == other.bounds:
        return f"with the same bounds, {said}"
    seen = one.quantiles or other.quantiles
    if not seen or not low <= seen[0] <= seen[-1] <= high or seen[-1] - seen[0] < FILLED * (high - low):
        return ""
    return f"with values that fill the declared range {said}"
