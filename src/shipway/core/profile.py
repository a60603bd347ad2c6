"""The profile: what the training rows looked like. It belongs to a model version and only ever warns."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.contract import Contract

if TYPE_CHECKING:
    import polars

LEVELS = 1000
"""Levels that are kept of a column. A column with as many is open-ended (names, codes), so a new level there says nothing."""

NAMED_ROWS = 3
"""Rows that a level must have to be named where others read it: what fewer have may tell whose they are."""

QUANTILES = 21
"""Points of a profile's quantiles, evenly spaced from the minimum to the maximum: every 5 %."""

TOLERANCE = 0.1
"""How far outside of the observed range a value may lie without a remark, as a share of the range's width. On a test part drawn
from the same rows the extremes differ a little from the training part's; a tenth keeps such rows silent."""


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One feature as the training rows showed it: share of missing values, and levels with counts, or range and quantiles.

    A time's range and quantiles are seconds since 1970 (UTC).
    """

    missing: float
    levels: dict[str, int] | None = None
    minimum: float | None = None
    maximum: float | None = None
    quantiles: list[float] | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What the training rows looked like: how many there were, and each feature."""

    rows: int
    columns: dict[str, ColumnProfile]


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A warning with an answer: rule `level` (not seen in training) or `range` (far from what training saw)."""

    column: str
    rule: str
    message: str


def measure(contract: Contract, frame: polars.DataFrame) -> Profile:
    """Profile the features of *frame*, training rows that the contract has read.

    Categories, texts and booleans get their levels with counts, at most the `LEVELS` commonest; numbers and times a range and
    `QUANTILES` quantiles.
    """
    columns = {}
    for name in contract.features:
        values = frame[name]
        missing = values.null_count() / max(len(values), 1)
        if contract.columns[name].type in ("category", "text", "boolean"):
            columns[name] = ColumnProfile(missing=missing, levels=_levels(values))
        elif values.null_count() == len(values):
            columns[name] = ColumnProfile(missing=missing)
        else:
            quantiles = _quantiles(values)
            columns[name] = ColumnProfile(missing=missing, minimum=quantiles[0], maximum=quantiles[-1], quantiles=quantiles)
    return Profile(rows=frame.height, columns=columns)


def compare(profile: Profile, frame: polars.DataFrame) -> dict[int, list[Remark]]:
    """The remarks on each row of *frame* (rows without one are left out).

    A missing value never has a remark, nor has a time: new rows are later than the training rows.
    """
    import polars as pl

    tests, remarks = [], {}
    for name, column in profile.columns.items():
        if name not in frame.columns:
            continue
        if column.levels is not None and len(column.levels) < LEVELS:
            tests.append(_unseen(name, tuple(column.levels)))
            remarks[name] = Remark(column=name, rule="level", message="a level not seen in training")
        elif column.minimum is not None and column.maximum is not None and not isinstance(frame[name].dtype, pl.Datetime):
            tests.append(_far(name, column.minimum, column.maximum))
            remarks[name] = Remark(column=name, rule="range", message="far from what training saw")
    found: dict[int, list[Remark]] = {}
    for flags in frame.select(tests).get_columns() if tests else ():
        if flags.max():
            for row in flags.arg_true().to_list():
                found.setdefault(row, []).append(remarks[flags.name])
    return dict(sorted(found.items()))


def _levels(values: polars.Series) -> dict[str, int]:
    """Levels with counts, the commonest first; equal counts in the order of the text, so that the same rows give the same."""
    import polars as pl

    counts = pl.DataFrame({"level": values.cast(pl.String)}).drop_nulls().group_by("level").len()
    kept = counts.sort(["len", "level"], descending=[True, False]).head(LEVELS)
    return {level: int(count) for level, count in kept.iter_rows()}


def _quantiles(values: polars.Series) -> list[float]:
    import polars as pl

    numbers = values.dt.epoch("us") / 1e6 if isinstance(values.dtype, pl.Datetime) else values.cast(pl.Float64)
    shares = [place / (QUANTILES - 1) for place in range(QUANTILES)]
    row: tuple[Any, ...] = pl.select([pl.lit(numbers).quantile(share, "linear").alias(f"{share}") for share in shares]).row(0)
    return [float(number) for number in row]


@functools.lru_cache(maxsize=1024)
def _unseen(name: str, levels: tuple[str, ...]) -> polars.Expr:
    import polars as pl

    return ~pl.col(name).cast(pl.String).is_in(pl.Series(levels, dtype=pl.String).implode())


@functools.lru_cache(maxsize=1024)
def _far(name: str, minimum: float, maximum: float) -> polars.Expr:
    import polars as pl

    room = TOLERANCE * (maximum - minimum)
    return (pl.col(name) < minimum - room) | (pl.col(name) > maximum + room)
