"""Take the rows in, as they come."""

from __future__ import annotations

from shipway.core.artifacts import ROW, SOURCE, Origin, Received
from shipway.core.errors import DataError
from shipway.core.ports import Progress, Source, Staging
from shipway.core.rows import BATCH_ROWS, part_name
from shipway.core.step import step

ZSTD_LEVEL = 1
"""Parts are kept with each data version, so they are packed well, but at the level that costs hardly more than none."""


@step(writes="received")
def ingest(*, source: Source, staging: Staging, progress: Progress) -> Received:
    """Stage the source's rows as Parquet parts, values as received, each row with where it stood.

    Args:
        source: Where the rows come from; its fingerprint is part of this step's cache key.
        staging: Where the parts are written.

    Raises:
        DataError: The source has no row, or a column with a name that Shipway keeps for itself.
    """
    import polars as pl

    rows = parts = 0
    for name, first, table in source.batches(progress):
        if table.is_empty():
            continue
        if taken := {SOURCE, ROW} & set(table.columns):
            raise DataError(f"{name} has a column {min(taken)!r}, a name that Shipway keeps for itself; rename it in the source")
        place = [pl.lit(name).alias(SOURCE), pl.int_range(first, first + table.height, dtype=pl.Int64).alias(ROW)]
        for part in table.with_columns(place).iter_slices(BATCH_ROWS):
            part.write_parquet(staging / part_name(parts), compression="zstd", compression_level=ZSTD_LEVEL)
            parts += 1
        rows += table.height
    described = dict(source.describe())
    origin = Origin(
        source=str(described.get("source", "")),
        rows=rows,
        positions=described.get("positions", {}),
        stand_in=bool(described.get("stand_in", False)),
    )
    if not rows:
        raise DataError(f"the source {origin.source!r} has no rows; look at [ingest.source] in project.toml and at what it names")
    progress.note(f"{rows:,} rows")
    return Received(staging, origin)
