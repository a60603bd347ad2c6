"""The contract: what a row must be, as its caller or source sends it, and the one reader of rows of any origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    import polars

Level = str | int | bool
Type = Literal["text", "category", "integer", "number", "boolean", "datetime"]
Role = Literal["feature", "target", "key", "ignored"]


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of a row, as it is sent.

    Attributes:
        role: Given here only to ignore a column; target and key are named once, in the contract.
        missing: Texts that mean "no value".
        minimum, maximum: Rules that a person declared, both inclusive.
        levels: What a category may be; a rule where `closed`, else what is expected.
    """

    type: Type
    role: Literal["feature", "ignored"] = "feature"
    nullable: bool = False
    missing: tuple[str, ...] = ("",)
    minimum: float | None = None
    maximum: float | None = None
    levels: list[Level] | None = None
    closed: bool = False
    unit: str | None = None
    description: str | None = None


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns of a row and their rules."""

    target: str
    columns: dict[str, Column]
    positive: Level | None = None
    key: list[str] = []

    @property
    def features(self) -> list[str]:
        """Names of the columns that a model may learn from, in the file's order."""
        raise NotImplementedError

    @property
    def classes(self) -> list[Level]:
        """The target's levels as declared."""
        raise NotImplementedError

    def role(self, name: str) -> Role:
        raise NotImplementedError

    def fingerprint(self) -> str:
        """Changes when a rule does; comments and order of keys play no part."""
        raise NotImplementedError


def load(path: Path) -> Contract:
    """Read and check `contract.toml`. Raises UsageError naming the file, the key, what was expected and the nearest name."""
    raise NotImplementedError


@dataclass(frozen=True)
class Breach:
    """One broken rule: `row` counts from 0 in what was read; `message` tells the kind of the value, never the value."""

    row: int
    column: str
    rule: str
    message: str


@dataclass(frozen=True)
class Reading:
    """What came of reading rows: `frame` has every row typed (cells that broke a rule are null), `breaches` in row order."""

    frame: polars.DataFrame
    breaches: list[Breach]


def read(
    contract: Contract,
    rows: polars.DataFrame | Sequence[Mapping[str, Any]],
    *,
    target: bool,
) -> Reading:
    """Read rows of any origin (CSV texts, typed frames, JSON records) into the contract's types.

    Args:
        rows: A frame whose columns are texts or typed, or records as decoded from JSON.
        target: True at the door of training, where target and key are read and must be there; False at the service's door,
            where key, ignored and target columns are accepted and play no part.
    """
    raise NotImplementedError
