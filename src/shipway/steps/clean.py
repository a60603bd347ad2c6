"""Drop what would count twice, and tell what looks odd."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from shipway.core.artifacts import Checked
from shipway.core.contract import Contract, text_of
from shipway.core.errors import DataError
from shipway.core.findings import Tally
from shipway.core.ports import Progress, Staging
from shipway.core.rows import Rows, RowsWriter
from shipway.core.step import step

if TYPE_CHECKING:
    from numpy.typing import NDArray

Repeats = Literal["drop", "keep", "fail"]
Conflicts = Literal["report", "drop"]


@step(writes="clean")
def clean(
    checked: Checked,
    *,
    contract: Contract,
    staging: Staging,
    progress: Progress,
    duplicates: Repeats = "drop",
    conflicts: Conflicts = "report",
) -> Rows:
    """Drop exact duplicates, report or drop conflicting labels; nothing else is dropped, and nothing is learned.

    Args:
        duplicates: What to do with rows that equal an earlier one in every column, key included.
        conflicts: What to do with rows that have equal features and different labels.

    Raises:
        DataError: There are duplicates and they are to `fail`, or no row is left.
    """
    rows, _ = tidy(
        checked.rows, contract=contract, staging=staging, progress=progress, duplicates=duplicates, conflicts=conflicts
    )
    return rows


def tidy(
    rows: Rows, *, contract: Contract, staging: Path, progress: Progress, duplicates: Repeats, conflicts: Conflicts
) -> tuple[Rows, Tally]:
    """What `clean` keeps of *rows*, and what became of the others; arguments and errors as there."""
    rows, tally = _without_repeats(rows, staging, progress, duplicates)
    return _without_conflicts(rows, tally, contract, staging, progress, conflicts)


def _without_repeats(rows: Rows, staging: Path, progress: Progress, duplicates: Repeats) -> tuple[Rows, Tally]:
    import numpy as np

    from shipway.core.twins import first_equals

    received = rows.height
    first = first_equals(rows)
    single = None if first is None else first == np.arange(received)
    again = 0 if single is None else received - int(single.sum())
    if again and duplicates == "fail":
        raise DataError(
            f'{again:,} rows repeat an earlier one in every column; mend the source, or set [clean] duplicates = "drop"'
        )
    if not again or duplicates == "keep":
        progress.note(f"{received:,} rows, {again:,} duplicates")
        return rows, Tally(received=received, duplicates=again, kept=received)
    assert single is not None
    rows = _keep(rows, single, staging / "unique", progress)
    progress.note(f"{rows.height:,} rows, {again:,} duplicates dropped")
    if again > rows.height:
        progress.warn(
            f"most rows ({again:,} of {received:,}) repeated an earlier one and were dropped; if each is a "
            'case of its own, set [clean] duplicates = "keep", or name what tells them apart as key in contract.toml'
        )
    return rows, Tally(received=received, duplicates=again, kept=rows.height)


def _without_conflicts(
    rows: Rows, tally: Tally, contract: Contract, staging: Path, progress: Progress, conflicts: Conflicts
) -> tuple[Rows, Tally]:
    """Deal with groups of rows with equal features and different labels."""
    import msgspec
    import numpy as np

    from shipway.core.twins import first_equals

    first = first_equals(rows, contract.features)
    if first is None:
        return rows, tally
    labels = _labels(rows, contract)
    mixed = np.zeros(len(first), dtype=bool)  # at the place of a group's first row: whether another label follows
    mixed[first[labels != labels[first]]] = True
    of_mixed = mixed[first]
    groups, members = int(mixed.sum()), int(of_mixed.sum())
    if not groups:
        return rows, tally
    tally = msgspec.structs.replace(tally, conflict_groups=groups, conflict_rows=members)
    found = f"{groups:,} groups of rows ({members:,} rows) have equal features and different {contract.target!r}"
    if conflicts == "report":
        progress.warn(f'{found}: no model can get all of them right; [clean] conflicts = "drop" leaves them out')
        return rows, tally
    if members == rows.height:
        raise DataError(
            f'{found}, and no row would be left; set [clean] conflicts = "report", or add the columns that tell them apart'
        )
    progress.warn(f"{found}: they were dropped")
    rows = _keep(rows, ~of_mixed, staging / "agreed", progress)
    return rows, msgspec.structs.replace(tally, kept=rows.height)


def _labels(rows: Rows, contract: Contract) -> NDArray[Any]:
    """The class of each row, as its place among the contract's classes; shape (rows,)."""
    import numpy as np
    import polars as pl

    places = {text_of(level): place for place, level in enumerate(contract.classes)}
    target = pl.col(contract.target).cast(pl.String).replace_strict(places, return_dtype=pl.Int32)
    return np.concatenate([batch.select(target).to_series().to_numpy() for batch in rows.batches([contract.target])])


def _keep(rows: Rows, wanted: NDArray[Any], folder: Path, progress: Progress) -> Rows:
    """Those of *rows* that are *wanted*, written into *folder*."""
    writer = RowsWriter(folder)
    with progress("writing", total=int(wanted.sum())) as tick:
        for batch in rows.chosen(wanted):
            writer.write(batch)
            tick(batch.height)
    return writer.finish()
