"""Which columns of a prepared frame are numbers, moments and categories.

This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Container

import polars as pl

from shipway.core.errors import DataError
from shipway.modelling.preprocessing import Kind


def kind_of(dtype: pl.DataType) -> Kind | None:
    """What a column of that type is to a model; None for types that it can't read."""
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Duration):
        return "number"
    if dtype in (pl.Date, pl.Datetime):
        return "moment"
    return "category" if dtype in (pl.String, pl.Categorical, pl.Enum) else None


def kinds_of(frame: pl.DataFrame, ignore: Container[str]) -> dict[str, Kind]:
    """The kind of each column that is not in *ignore*. Raises DataError when none is left to learn from."""
    found = {name: kind_of(dtype) for name, dtype in frame.schema.items() if name not in ignore}
    kinds = {name: kind for name, kind in found.items() if kind is not None}
    if not kinds:
        raise DataError(
            f"there is no column to learn from, as free text is left out of the model ({', '.join(frame.columns)}); make "
            'features of it in [prepare.add], such as LENGTH(name), declare a column as "category" in contract.toml, or take it '
            'in by its levels with high_cardinality = "target" in [preprocess.columns.NAME]'
        )
    return kinds
