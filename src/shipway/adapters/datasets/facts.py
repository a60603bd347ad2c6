"""What is known of a real table: the parameters of its stand-in, one JSON file a table, written by a measurement."""

from __future__ import annotations

from pathlib import Path

import msgspec

FOLDER = Path(__file__).with_name("stand_ins")


class Unless(msgspec.Struct, frozen=True):
    """Where *column* is *level*, the text stands instead of a drawn level."""

    column: str
    level: str
    text: str


class Levels(msgspec.Struct, frozen=True, kw_only=True, tag="levels", omit_defaults=True):
    """A column of few values: how often each occurs, in the order in which the latent score runs through them."""

    name: str
    levels: list[str]
    counts: list[int]
    unless: Unless | None = None


class Quantiles(msgspec.Struct, frozen=True, kw_only=True, tag="quantiles"):
    """A column of whole numbers: its values at the given shares, linear between them."""

    name: str
    shares: list[float]
    values: list[float]


class Sum(msgspec.Struct, frozen=True, kw_only=True, tag="sum"):
    """A price: a base and what each level adds, with a spread around it; kept within bounds, in steps."""

    name: str
    base: float
    adds: dict[str, dict[str, float]]
    spread: float
    step: float
    minimum: float
    maximum: float


class Product(msgspec.Struct, frozen=True, kw_only=True, tag="product"):
    """A running total: count times price, off by a spread that grows with the root of the count; blank where the count is 0.

    The column *count* has the levels 0, 1, 2 and so on, so that a level's place is its number.
    """

    name: str
    count: str
    price: str
    spread: float
    step: float
    minimum: float
    blank: str


class Near(msgspec.Struct, frozen=True, kw_only=True, tag="near"):
    """A column that follows another: quantiles of the difference where that is 0 and elsewhere, and how many cells are empty."""

    name: str
    of: str
    shares: list[float]
    at_zero: list[float]
    elsewhere: list[float]
    empty: int


class Serial(msgspec.Struct, frozen=True, kw_only=True, tag="serial"):
    """A key: the row's number in a pattern that shows that it is no real one."""

    name: str
    pattern: str


class Tree(msgspec.Struct, frozen=True, array_like=True):
    """Go left where feature <= threshold; a child below 0 is the leaf ~child. Node 0 is the root."""

    features: list[int]
    thresholds: list[float]
    left: list[int]
    right: list[int]
    leaves: list[float]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one class: its columns that are drawn by rank, and their mixing, one row a column, lower triangular."""

    rows: int
    columns: list[Levels | Quantiles]
    mixing: list[list[float]]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The target: its score is the trees' sum over *features* plus noise.

    Attributes:
        runs: Positives in each equal part of the file, from its first rows to its last.
        never: Column -> a level that no positive row has.
    """

    name: str
    negative: str
    positive: str
    runs: list[int]
    never: dict[str, str]
    features: list[str]
    trees: list[Tree]
    noise: float


Derived = Sum | Product | Near | Serial


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a table. *derived* columns are made from the others, in the given order."""

    header: list[str]
    parts: list[Part]
    derived: list[Derived]
    target: Target


def load(name: str) -> Parameters:
    """The measured parameters of the table *name* in the catalogue."""
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Parameters)
