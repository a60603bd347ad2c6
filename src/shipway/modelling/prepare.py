"""The first stage of the fitted pipeline: a frame as the contract read it -> the frame that the model learns from.

This module defines a scikit-learn class and imports it at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any, Self

import polars as pl
from polars.exceptions import PolarsError
from polars.testing import assert_frame_equal
from sklearn.base import BaseEstimator, TransformerMixin

from shipway.core.errors import DataError, UsageError
from shipway.core.reading import cells
from shipway.modelling.preparation import Prepare, require

ROW_WISE = frozenset({"Alias", "BinaryExpr", "Cast", "Column", "Function", "Literal", "Ternary"})
"""Kinds of nodes in Polars' serialized expressions that look at one row only; of functions, most do."""

LEAVES = frozenset({"Column", "Literal"})
SAMPLE = 32
"""Rows on which an expression is computed one by one and together, to find functions that look at other rows."""


class Preparer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[misc, call-arg]
    """Rename, cast, add and drop columns, row by row. Learns nothing; `fit` only checks."""

    def __init__(self, rename: dict[str, str], cast: dict[str, str], add: dict[str, str], drop: list[str]) -> None:
        self.rename, self.cast, self.add, self.drop = rename, cast, add, drop

    @classmethod
    def of(cls, prepare: Prepare) -> Self:
        return cls(prepare.rename, dict(prepare.cast), prepare.add, prepare.drop)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, frame: pl.DataFrame, y: Any = None) -> Self:
        """Check the section against *frame*. Raises UsageError naming the entry, and the columns there are."""
        require(self.rename, frame.columns, "[prepare.rename]")
        taken = set(frame.columns) - set(self.rename)
        for old, new in self.rename.items():
            if new in taken:
                raise UsageError(f"[prepare.rename] {old} = {new!r}: there is a column {new!r} already")
            taken.add(new)
        frame = frame.rename(self.rename)
        require(self.cast, frame.columns, "[prepare.cast]")
        for name, type in self.cast.items():
            before = frame[name]
            try:
                frame = frame.with_columns(_cast(name, type))
            except PolarsError:
                raise UsageError(f"[prepare.cast] {name}: {before.dtype} can't be turned into {type}") from None
            if before.null_count() < frame[name].null_count() == frame.height:
                raise UsageError(f"[prepare.cast] {name}: none of its values is one of type {type}; leave the cast out")
        for name, text in self.add.items():
            where = f"[prepare.add] {name} = {text!r}"
            if name in frame.columns:
                raise UsageError(f"{where}: there is a column {name!r} already; choose another name and drop the old one")
            frame = frame.with_columns(_checked(text, frame, where).alias(name))
        require(self.drop, frame.columns, "[prepare.drop]")
        if set(frame.columns) <= set(self.drop):
            raise UsageError("[prepare] drop leaves no column to learn from")
        return self

    def transform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The prepared frame. Raises DataError where an expression fails on a value."""
        if frame.height == 1 and self.add:
            # Polars divides one row by a constant but multiplies many by its reciprocal: a row must not depend on its company
            twice = [pl.Series(column.name, column.to_list() * 2, dtype=column.dtype) for column in frame.get_columns()]
            return self._transform(pl.DataFrame(twice)).head(1)
        return self._transform(frame.rechunk())

    def _transform(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = frame.rename(self.rename) if self.rename else frame
        if self.cast:
            frame = frame.with_columns(_cast(name, type) for name, type in self.cast.items())
        for name, text in self.add.items():
            try:
                frame = frame.with_columns(_parse(text).alias(name))
            except PolarsError as error:
                reason = str(error).partition("\n")[0]
                raise DataError(f"[prepare.add] {name} = {text!r} fails on these rows: {reason}") from None
        return frame.drop(self.drop) if self.drop else frame


def _cast(name: str, type: str) -> pl.Expr:
    return pl.col(name).cast(cells.DTYPES[type], strict=False)


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> pl.Expr:
    return pl.sql_expr(text)


def _checked(text: str, frame: pl.DataFrame, where: str) -> pl.Expr:
    """The expression, once it is known to be one of these columns and of one row."""
    columns = f"the columns are {', '.join(frame.columns)}"
    try:
        expression = _parse(text)
    except PolarsError as error:
        raise UsageError(f"{where} is no SQL expression: {error}; {columns}") from None
    require(dict.fromkeys(expression.meta.root_names()), frame.columns, where)
    foreign = set(_kinds(json.loads(expression.meta.serialize(format="json")))) - ROW_WISE
    refusal = UsageError(
        f"{where} looks at more than one row (an aggregate or a window); [prepare] runs on each row alone, in training as in the "
        "service, so use only columns of the same row"
    )
    if foreign:
        raise refusal
    step = max(1, frame.height // SAMPLE)
    sample = frame.gather_every(step).head(SAMPLE)
    try:
        together = sample.select(pl.first(), expression.alias("_value"))
        alone = [sample.slice(row, 1).select(pl.first(), expression.alias("_value")) for row in range(sample.height)]
    except PolarsError as error:
        raise UsageError(f"{where} can't be computed: {str(error).partition(chr(10))[0]}; {columns}") from None
    try:
        # Polars' own division differs in the last digit between one row and many
        assert_frame_equal(together, pl.concat([together.clear(), *alone]), rel_tol=1e-9, abs_tol=0)
    except (AssertionError, PolarsError):
        raise refusal from None
    return expression


def _kinds(node: Any) -> Iterator[str]:
    """The kinds of nodes in a serialized expression; what a function is told besides its inputs is not looked at."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for child in node:
            yield from _kinds(child)
    elif isinstance(node, dict):
        for kind, content in node.items():
            yield kind
            if kind in LEAVES or kind not in ROW_WISE:
                continue
            if kind == "Alias":
                yield from _kinds(content[0])
                continue
            inputs = {"Function": ("input",), "Cast": ("expr",), "BinaryExpr": ("left", "right")}
            for name in inputs.get(kind, ("predicate", "truthy", "falsy")):
                yield from _kinds(content[name])
