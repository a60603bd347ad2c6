"""Merge what was received into one table, in which a row is what a caller would send."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core import disk
from shipway.core.artifacts import ROW, SOURCE, DataVersion
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import DataVersions, Progress, Staging
from shipway.core.rows import COMPRESSION, Rows, RowsWriter, part_name
from shipway.core.step import step

if TYPE_CHECKING:
    import polars


@step(writes="rows")
def combine(
    data_version: DataVersion, *, versions: DataVersions, staging: Staging, progress: Progress, where: str | None = None
) -> Rows:
    """Put the parts of a data version under each other; a column that a part lacks is missing there.

    Args:
        where: A SQL condition (Polars' dialect) that a row must meet to be kept. Values are as received: those of a CSV are
            texts, so that a comparison of numbers needs a cast, such as `CAST(tenure AS INT) > 0`.

    Raises:
        UsageError: *where* is no condition on these columns.
        DataError: The parts can't be put together, or no row is left.
    """
    merged = _merged(versions.open(data_version), staging / "merged", data_version.name)
    received = merged.height
    if where is None:
        progress.note(f"{received:,} rows")
        return merged
    rows = _filtered(merged, where, staging / "kept", progress)
    if not rows.height:
        raise DataError(f"[combine] where = {where!r} leaves none of the {received:,} rows; mend the condition")
    progress.note(f"{rows.height:,} of {received:,} rows")
    return rows


def _merged(folder: Path, target: Path, name: str) -> Rows:
    """The parts in *folder* as rows in *target*: linked where they have the columns and types of all, else written anew."""
    import polars as pl
    from polars.exceptions import PolarsError

    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise DataError(f"the data version {name} has no parts; run again from ingest: shipway run PROJECT --from ingest")
    target.mkdir()
    schemas = [pl.Schema(pl.read_parquet_schema(part)) for part in parts]
    if _same(schemas):
        for place, part in enumerate(parts):
            disk.link_or_copy(part, target / part_name(place))
        return Rows(target)
    try:
        scans = _alike([pl.scan_parquet(part, glob=False) for part in parts], schemas, name)
        together = pl.concat([scan.clear() for scan in scans], how="diagonal_relaxed").select(
            pl.exclude(SOURCE, ROW), SOURCE, ROW
        )
        schema = together.collect_schema()
        for place, (part, own, scan) in enumerate(zip(parts, schemas, scans, strict=True)):
            if _same([own, schema]):
                disk.link_or_copy(part, target / part_name(place))
            else:
                _as(scan, schema).sink_parquet(target / part_name(place), compression=COMPRESSION)
    except PolarsError as error:
        raise DataError(f"the parts of {name} do not fit together: {error}; send each column with one type") from None
    return Rows(target)


def _same(schemas: Sequence[polars.Schema]) -> bool:
    """Whether all have the same columns and types in the same order."""
    return all(list(schema.items()) == list(schemas[0].items()) for schema in schemas)


def _as(part: polars.LazyFrame, schema: polars.Schema) -> polars.LazyFrame:
    """A part with all columns of *schema*, in its types and order; missing where the part lacks them."""
    import polars as pl

    known = part.collect_schema().names()
    return part.select(
        (pl.col(name).cast(dtype) if name in known else pl.lit(None, dtype=dtype).alias(name)) for name, dtype in schema.items()
    )


def _alike(parts: Sequence[polars.LazyFrame], schemas: Sequence[polars.Schema], name: str) -> list[polars.LazyFrame]:
    """The parts, ready to be put under each other: Polars would turn dates beside numbers into numbers without a word, spell
    a number beside texts as 84.0 where the contract has "84", and refuse enumerations that list different levels."""
    import polars as pl
    from polars import selectors

    from shipway.core.reading import cells

    kinds: dict[str, set[str]] = {}
    for schema in schemas:
        for column, dtype in schema.items():
            kinds.setdefault(column, set()).add(_kind(dtype))
    for column, found in kinds.items():
        if len(found - {"text", "nothing"}) > 1:
            words = " and ".join(sorted(found - {"nothing"}))
            raise DataError(f"the parts of {name} do not fit together: {column!r} holds {words}; send each column with one type")
    spelled = [column for column, found in kinds.items() if {"text", "numbers"} <= found]
    texts = {column: pl.coalesce(cells.canonical(pl.col(column), "number"), pl.col(column).cast(pl.String)) for column in spelled}
    parts = [part.with_columns((selectors.categorical() | selectors.enum()).cast(pl.String)) for part in parts]
    return [
        part.with_columns(texts[column] for column in spelled if column in schema and schema[column].is_float())
        for part, schema in zip(parts, schemas, strict=True)
    ]


def _kind(dtype: polars.DataType) -> str:
    import polars as pl

    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    if dtype == pl.Null:
        return "nothing"
    return "numbers" if dtype.is_numeric() or dtype == pl.Boolean else "dates or times" if dtype.is_temporal() else "other values"


def _filtered(rows: Rows, where: str, folder: Path, progress: Progress) -> Rows:
    import polars as pl
    from polars.exceptions import PolarsError

    writer = RowsWriter(folder)
    try:
        condition = pl.sql_expr(where)
        with progress("filtering", total=rows.height) as tick:
            for batch in rows.batches():
                writer.write(batch.filter(condition))
                tick(batch.height)
    except PolarsError as error:
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"[combine] where = {where!r} is no condition on the received columns: {reason}") from None
    return writer.finish()
