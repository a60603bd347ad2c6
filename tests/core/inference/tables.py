"""Small tables of texts, and what is guessed of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from shipway.core.contract import Column, Reading, read
from shipway.core.inference import Guess, infer

ROWS = 120


def cells(make: Callable[[random.Random, int], Any], *, rows: int = ROWS) -> list[str]:
    """A column of texts that *make* makes from a random source and the row's number."""
    draw = random.Random(0)
    return [str(make(draw, row)) for row in range(rows)]


def guess(columns: Mapping[str, Sequence[str | None]]) -> Guess:
    """The guess of a table of texts with a feature `z` and a target `y` beside *columns*."""
    rows = len(next(iter(columns.values())))
    sides = {"z": [str(row % 7) for row in range(rows)], "y": ["no" if row % 3 else "yes" for row in range(rows)]}
    return infer(pl.DataFrame({**columns, **sides}, schema_overrides=dict.fromkeys(columns, pl.String)), target="y")


def column(texts: Sequence[str | None], name: str = "x") -> Column:
    """What is guessed of one column."""
    return guess({name: texts}).contract.columns[name]


def values(texts: Sequence[str | None], name: str = "x") -> list[Any]:
    """What the contract guessed from one column reads its cells as."""
    return reading(texts, name).frame[name].to_list()


def reading(texts: Sequence[str | None], name: str = "x") -> Reading:
    rows = {name: texts, "z": [str(row % 7) for row in range(len(texts))]}
    return read(guess({name: texts}).contract, pl.DataFrame(rows), target=False)
