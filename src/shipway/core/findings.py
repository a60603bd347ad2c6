"""What was seen in the data and what was done to it: findings of the leakage audit with their evidence, and changes of cells."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    "predicts_alone",
    "key_like",
    "file_order",
    "copy",
    "copy_of_target",
    "after_the_event",
    "twins",
    "conflicts",
    "unlisted",
]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the data that makes a model look better than it will be, or that bounds how good it can be.

    Attributes:
        columns: The columns it is about; none where it is about rows.
        message: One sentence with the evidence, and what to do about it.
    """

    kind: Kind
    columns: list[str] = []
    message: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to *cells* cells of a column on the way to its type, such as what = "? read as missing"."""

    column: str
    what: str
    cells: int


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` counted. `received` rows came in, of which `quarantined` broke a rule."""

    received: int
    quarantined: int
    changes: list[Change] = []
    findings: list[Finding] = []


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows that keep the contract.

    Attributes:
        received: Rows that keep the contract.
        duplicates: Rows that equal an earlier one in every column, dropped or not.
        conflict_groups, conflict_rows: Groups of rows with equal features and different labels, and the rows in them.
        kept: Rows that are left.
    """

    received: int
    duplicates: int = 0
    conflict_groups: int = 0
    conflict_rows: int = 0
    kept: int
