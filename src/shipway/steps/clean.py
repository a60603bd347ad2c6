"""Drop what would count twice, and tell what looks odd."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from shipway.core.artifacts import Checked, DataVersion, Page, Table
from shipway.core.contract import Contract, text_of
from shipway.core.errors import DataError
from shipway.core.findings import Finding, Tally
from shipway.core.ports import Progress, Staging
from shipway.core.rows import Rows, RowsWriter
from shipway.core.step import step

if TYPE_CHECKING:
    from numpy.typing import NDArray

Repeats = Literal["drop", "keep", "fail"]
Conflicts = Literal["report", "drop"]


REPORTED_ROWS = 200_000
"""Rows that the data report is drawn from; of a larger table an even sample, which no plot could be told from the whole."""


@step(writes=("clean", "data_report"))
def clean(
    checked: Checked,
    data_version: DataVersion,
    *,
    contract: Contract,
    staging: Staging,
    progress: Progress,
    duplicates: Repeats = "drop",
    conflicts: Conflicts = "report",
    report: bool = True,
) -> tuple[Rows, Page]:
    """Drop exact duplicates, report or drop conflicting labels; nothing else is dropped, and nothing is learned.

    Args:
        data_version: What the report calls the data by.
        duplicates: What to do with rows that equal an earlier one in every column, key included.
        conflicts: What to do with rows that have equal features and different labels.
        report: Whether to draw the data report; its page is empty otherwise.

    Raises:
        DataError: There are duplicates and they are to `fail`, or no row is left.
    """
    rows, tally, findings = tidy(
        checked.rows, contract=contract, staging=staging, progress=progress, duplicates=duplicates, conflicts=conflicts
    )
    if not report:
        return rows, Page("")
    with progress("drawing the data report"):
        page = _draw(rows, tally, [*checked.findings, *findings], checked, data_version, contract)
    return rows, page


def _draw(
    rows: Rows, tally: Tally, findings: Sequence[Finding], checked: Checked, data_version: DataVersion, contract: Contract
) -> Page:
    from shipway.reporting import data_report

    text = data_report.make(
        rows.sample(REPORTED_ROWS)[0],
        contract,
        title=data_version.name.partition("/")[0],
        data_version=data_version.name,
        received=checked.examined.received,
        kept=tally.kept,
        quarantine=_told(checked),
        duplicates=tally.duplicates,
        conflicts=(tally.conflict_groups, tally.conflict_rows),
        findings=findings,
        changes=checked.changes,
        stand_in=data_version.origin.stand_in,
    )
    return Page(text)


def _told(checked: Checked) -> Table:
    """The quarantine without the rows themselves, which would take much memory and are never shown."""
    import polars as pl

    from shipway.core import quarantine

    names = ["source", "row", "column", "rule", "message"]
    return pl.concat([quarantine.empty().select(names), *checked.quarantine_rows.batches(names)])


def tidy(
    rows: Rows, *, contract: Contract, staging: Path, progress: Progress, duplicates: Repeats, conflicts: Conflicts
) -> tuple[Rows, Tally, list[Finding]]:
    """What `clean` keeps of *rows*, what became of the others, and what equal rows say; arguments and errors as there."""
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
) -> tuple[Rows, Tally, list[Finding]]:
    """Deal with groups of rows with equal features and different labels; also gives what equal rows say."""
    import msgspec
    import numpy as np

    from shipway.core.twins import first_equals
    from shipway.modelling.leakage import twins

    first = first_equals(rows, contract.features)
    if first is None:
        return rows, tally, []
    labels = _labels(rows, contract)
    findings = list(twins.find(first, labels, contract.target))
    for finding in findings:
        progress.warn(finding.message)
    mixed = twins.mixed(first, labels)
    groups, members = len(np.unique(first[mixed])), int(mixed.sum())
    tally = msgspec.structs.replace(tally, conflict_groups=groups, conflict_rows=members)
    if not groups or conflicts == "report":
        return rows, tally, findings
    if members == rows.height:
        raise DataError(
            f"all {members:,} rows have equal features and different {contract.target!r} as others, and no row would be left; "
            'set [clean] conflicts = "report", or add the columns that tell them apart'
        )
    progress.warn(f"the {members:,} rows of the groups with different labels were dropped")
    rows = _keep(rows, ~mixed, staging / "agreed", progress)
    again = f"{tally.duplicates:,} duplicates{' dropped' if tally.kept < tally.received else ''}"
    progress.note(f"{rows.height:,} rows, {again}, {members:,} with conflicting labels dropped")
    return rows, msgspec.structs.replace(tally, kept=rows.height), findings


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
