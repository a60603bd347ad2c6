"""Drop what would count twice, and tell what looks odd."""

from __future__ import annotations

from typing import Literal

from shipway.core.artifacts import Checked, Table
from shipway.core.contract import Contract
from shipway.core.errors import DataError
from shipway.core.ports import Progress
from shipway.core.step import step

PLACE, LABELS, ROWS = "_shipway_place", "_shipway_labels", "_shipway_rows"
"""Names of passing columns; no contract has such a name."""


@step(writes="clean")
def clean(
    checked: Checked, *, contract: Contract, progress: Progress, duplicates: Literal["drop", "keep", "fail"] = "drop"
) -> Table:
    """Drop exact duplicates and report conflicting labels; nothing else is dropped, and nothing is learned.

    Args:
        duplicates: What to do with rows that equal an earlier one in every column, key included.

    Raises:
        DataError: There are duplicates and they are to `fail`.
    """
    rows = checked.rows
    again = _repeats(rows)
    if again and duplicates == "fail":
        raise DataError(
            f'{len(again):,} rows repeat an earlier one in every column; mend the source, or set [clean] duplicates = "drop"'
        )
    if again and duplicates == "drop":
        rows = _without(rows, again)
        progress.note(f"{rows.height:,} rows, {len(again):,} duplicates dropped")
        if len(again) > rows.height:
            progress.warn(
                f"most rows ({len(again):,} of {checked.rows.height:,}) repeated an earlier one and were dropped; if each is a "
                'case of its own, set [clean] duplicates = "keep", or name what tells them apart as key in contract.toml'
            )
    else:
        progress.note(f"{rows.height:,} rows, {len(again):,} duplicates")
    groups, members = _conflicts(rows, contract)
    if groups:
        progress.warn(
            f"{groups:,} groups of rows ({members:,} rows) have equal features and different {contract.target!r}: "
            "no model can get all of them right"
        )
    return rows


def _repeats(rows: Table) -> list[int]:
    """Places of the rows that equal an earlier one. Rows with equal hashes are compared in full, so a collision drops nothing."""
    suspects = rows.with_row_index(PLACE).filter(rows.hash_rows().is_duplicated())
    first = suspects.unique(subset=rows.columns, keep="first", maintain_order=True)
    return suspects.filter(~suspects[PLACE].is_in(first[PLACE].implode()))[PLACE].to_list()


def _without(rows: Table, places: list[int]) -> Table:
    import polars as pl

    return rows.filter(~pl.int_range(pl.len()).is_in(pl.Series(places, dtype=pl.Int64).implode()))


def _conflicts(rows: Table, contract: Contract) -> tuple[int, int]:
    """How many groups of equal feature rows have more than one label, and how many rows they hold."""
    import polars as pl

    groups = rows.group_by(contract.features).agg(pl.col(contract.target).n_unique().alias(LABELS), pl.len().alias(ROWS))
    mixed = groups.filter(pl.col(LABELS) > 1)
    return mixed.height, int(mixed[ROWS].sum())
