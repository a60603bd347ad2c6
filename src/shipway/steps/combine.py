"""Merge what was received into one table, in which a row is what a caller would send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.artifacts import ROW, SOURCE, DataVersion, Table
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import DataVersions, Progress
from shipway.core.step import step

if TYPE_CHECKING:
    import polars


@step(writes="rows")
def combine(data_version: DataVersion, *, versions: DataVersions, progress: Progress, where: str | None = None) -> Table:
    """Put the parts of a data version under each other; a column that a part lacks is missing there.

    Args:
        where: A SQL condition (Polars' dialect) that a row must meet to be kept. Values are as received: those of a CSV are
            texts, so that a comparison of numbers needs a cast, such as `CAST(tenure AS INT) > 0`.

    Raises:
        UsageError: *where* is no condition on these columns.
        DataError: The parts can't be put together, or no row is left.
    """
    rows = _merged(versions.open(data_version), data_version.name)
    received = rows.height
    if where is not None:
        rows = _filtered(rows, where)
        if rows.is_empty():
            raise DataError(f"[combine] where = {where!r} leaves none of the {received:,} rows; mend the condition")
    progress.note(f"{rows.height:,} rows" if where is None else f"{rows.height:,} of {received:,} rows")
    return rows


def _merged(folder: Path, name: str) -> Table:
    import polars as pl
    from polars.exceptions import PolarsError

    parts = [pl.read_parquet(path) for path in sorted(folder.glob("part-*.parquet"))]
    if not parts:
        raise DataError(f"the data version {name} has no parts; run again from ingest: shipway run PROJECT --from ingest")
    try:
        rows = pl.concat(_alike(parts, name), how="diagonal_relaxed") if len(parts) > 1 else parts[0]
    except PolarsError as error:
        raise DataError(f"the parts of {name} do not fit together: {error}; send each column with one type") from None
    return rows.select(pl.exclude(SOURCE, ROW), SOURCE, ROW)


def _alike(parts: list[Table], name: str) -> list[Table]:
    """The parts, ready to be put under each other: Polars would turn dates beside numbers into numbers without a word, spell
    a number beside texts as 84.0 where the contract has "84", and refuse enumerations that list different levels."""
    import polars as pl
    from polars import selectors

    from shipway.core import cells

    kinds: dict[str, set[str]] = {}
    for part in parts:
        for column, dtype in part.schema.items():
            kinds.setdefault(column, set()).add(_kind(dtype))
    for column, found in kinds.items():
        if len(found - {"text", "nothing"}) > 1:
            words = " and ".join(sorted(found - {"nothing"}))
            raise DataError(f"the parts of {name} do not fit together: {column!r} holds {words}; send each column with one type")
    spelled = [column for column, found in kinds.items() if {"text", "numbers"} <= found]
    texts = {column: pl.coalesce(cells.canonical(pl.col(column), "number"), pl.col(column).cast(pl.String)) for column in spelled}
    parts = [part.with_columns((selectors.categorical() | selectors.enum()).cast(pl.String)) for part in parts]
    return [part.with_columns(texts[c] for c in spelled if c in part.columns and part[c].dtype.is_float()) for part in parts]


def _kind(dtype: polars.DataType) -> str:
    import polars as pl

    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    if dtype == pl.Null:
        return "nothing"
    return "numbers" if dtype.is_numeric() or dtype == pl.Boolean else "dates or times" if dtype.is_temporal() else "other values"


def _filtered(rows: Table, where: str) -> Table:
    import polars as pl
    from polars.exceptions import PolarsError

    try:
        return rows.filter(pl.sql_expr(where))
    except PolarsError as error:
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"[combine] where = {where!r} is no condition on the received columns: {reason}") from None
