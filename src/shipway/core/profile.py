"""The profile: what the training rows looked like. It belongs to a model version and only ever warns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.contract import Contract

if TYPE_CHECKING:
    import polars


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One feature as the training rows showed it: share of missing values, and levels with counts, or range and quantiles."""

    missing: float
    levels: dict[str, int] | None = None
    minimum: float | None = None
    maximum: float | None = None
    quantiles: list[float] | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    rows: int
    columns: dict[str, ColumnProfile]


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A warning with an answer: rule `level` (not seen in training) or `range` (far from what training saw)."""

    column: str
    rule: str
    message: str


def measure(contract: Contract, frame: polars.DataFrame) -> Profile:
    """Profile the features of *frame*, training rows that the contract has read."""
    raise NotImplementedError


def compare(profile: Profile, frame: polars.DataFrame) -> dict[int, list[Remark]]:
    """The remarks on each row of *frame* (rows without one are left out)."""
    raise NotImplementedError
