"""Hold the rows against the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from shipway.core import quarantine, schema_changes, table_changes
from shipway.core.artifacts import ROW, SOURCE, Checked, Table
from shipway.core.contract import Contract, Reading, read, text_of
from shipway.core.errors import DataError, UsageError
from shipway.core.findings import Change, Examined, Finding
from shipway.core.ports import Progress, Staging
from shipway.core.project import suggest
from shipway.core.rows import Rows, RowsWriter
from shipway.core.step import step

if TYPE_CHECKING:
    import polars

SHOWN_REASONS = 10
SHOWN_LEVELS = 5
AUDITED_ROWS = 100_000
"""Rows that are looked at for leaks, evenly spread over the table: a leak shows in any of them."""

COMPARED_ROWS = 20_000
"""Rows that show whether a new column has the values of a lost one."""


@step(writes="checked")
def check(
    rows: Rows,
    *,
    contract: Contract,
    staging: Staging,
    progress: Progress,
    max_bad_share: float = 0.05,
    audit: bool = True,
    known: tuple[str, ...] = (),
) -> Checked:
    """Read the rows into the contract's types; rows that break a rule go to quarantine.

    Quarantine is a result of this step: mending the contract and running again takes the rows back.

    Args:
        rows: As received, with where each row stood.
        max_bad_share: Largest share of rows in quarantine, in [0, 1], that still is an accident and not another table.
        audit: Whether to look for leaks: columns that give the target away.
        known: Columns whose leaks were looked at and accepted; the audit is silent about them.

    Raises:
        DataError: A column is lost, too many rows break a rule (the commonest reasons are named), or none is left.
    """
    _check_settings(contract, max_bad_share, known)
    _compare_columns(rows, contract, progress)
    kept, aside = RowsWriter(staging / "rows"), RowsWriter(staging / "quarantine")
    aside.write(quarantine.empty())
    reasons = Counter[tuple[str, str, str]]()
    changes = Counter[tuple[str, str]]()
    unlisted: dict[str, Counter[str]] = {}
    bad = 0
    with progress("checking", total=rows.height) as tick:
        for batch in rows.batches():
            reading = read(contract, batch.drop(SOURCE, ROW), target=True)
            broken = quarantine.bad(reading.broken)
            bad += len(broken)
            reasons += quarantine.reasons(reading.broken)
            if bad <= max_bad_share * rows.height:  # else the run stops, and only the reasons are still counted
                good = _but_for(broken, batch.height)
                typed = reading.frame if good is None else reading.frame.filter(good)
                changes.update(_changes(batch if good is None else batch.filter(good), typed, reading, broken, contract))
                _count_unlisted(typed, contract, unlisted)
                kept.write(typed)
                for lines in quarantine.lines(batch, reading.broken):
                    aside.write(lines)
            tick(batch.height)
    if bad > max_bad_share * rows.height or bad == rows.height:
        misread = schema_changes.evidence(reasons, rows.height)
        retyped = [each.text for each in schema_changes.changes(contract, rows.columns, misread) if each.kind == "retyped"]
        told = "\n".join([_commonest(reasons), *retyped])
        raise DataError(
            f"{bad:,} of {rows.height:,} rows break the contract, more than max_bad_share = {max_bad_share:g} allows; "
            f"the commonest reasons:\n{told}\nMend the data, or contract.toml where it is wrong "
            "(a text that stands for no value, such as NA, belongs in the missing markers of its column)."
        )
    aside.finish()
    checked = kept.finish()
    findings = _audit(checked, contract, known, progress) if audit else []
    strange = [_unlisted(name, levels) for name, levels in unlisted.items()]
    for finding in strange:
        progress.warn(finding.message)
    findings += strange
    progress.note(f"{bad:,} quarantined")
    ordered = sorted(changes.items(), key=lambda item: (list(contract.columns).index(item[0][0]), item[0][1]))
    found = [Change(column=column, what=what, cells=cells) for (column, what), cells in ordered]
    return Checked(staging, Examined(received=rows.height, quarantined=bad, changes=found, findings=findings))


@check.check
def _check_settings(contract: Contract, max_bad_share: float, known: Collection[str]) -> None:
    if not 0 <= max_bad_share <= 1:
        raise UsageError(f"[check] max_bad_share must be between 0 and 1; found {max_bad_share}")
    for name in known:
        if name not in contract.columns:
            raise UsageError(f"[check] known: there is no column {name!r}; {suggest(name, contract.columns)}")


def _audit(rows: Rows, contract: Contract, known: Collection[str], progress: Progress) -> list[Finding]:
    from shipway.modelling import leakage

    with progress("looking for leaks"):
        sample, places = rows.sample(AUDITED_ROWS)
        findings = leakage.audit(sample, contract, places=places, known=known)
    for finding in findings:
        progress.warn(finding.message)
    return findings


def _compare_columns(rows: Rows, contract: Contract, progress: Progress) -> None:
    columns = [name for name in rows.columns if name not in (SOURCE, ROW)]
    alike = None
    if all(schema_changes.departed(contract, columns)):
        sample, _ = rows.sample(COMPARED_ROWS)
        alike = table_changes.alike(contract, table_changes.observe(contract, sample.drop(SOURCE, ROW)))
    found = schema_changes.changes(contract, columns, alike=alike)
    for change in found:
        name = change.nearest if change.kind == "renamed" else change.column
        if change.kind in ("lost", "renamed") and (name == contract.target or not contract.columns[str(name)].nullable):
            raise DataError(f"{change.text}; the contract requires {name!r}: mend the source or contract.toml")
        if change.kind in ("lost", "renamed"):
            progress.warn(f"{change.text}; all values of {name!r} are missing")
    if new := [change.column for change in found if change.kind in ("new", "renamed")]:
        progress.warn(
            f"left out, as the contract does not have them: {', '.join(map(repr, new))}; the service refuses them unless the "
            'contract names them with role = "ignored"'
        )


def _commonest(reasons: Counter[tuple[str, str, str]]) -> str:
    commonest = quarantine.commonest(reasons)
    lines = [f"  {count:,} x {column}: {message} ({rule})" for (column, rule, message), count in commonest[:SHOWN_REASONS]]
    rest = len(commonest) - SHOWN_REASONS
    return "\n".join([*lines, f"  and {rest} more"] if rest > 0 else lines)


def _but_for(broken: polars.Series, height: int) -> polars.Series | None:
    """Which of *height* rows keep the contract; None where all do."""
    import polars as pl

    return pl.Series([True]).new_from_index(0, height).scatter(broken, False) if len(broken) else None


def _count_unlisted(typed: Table, contract: Contract, unlisted: dict[str, Counter[str]]) -> None:
    """Add to *unlisted* how many rows have each level that an open list of the contract does not have."""
    import polars as pl

    for name, column in contract.columns.items():
        if column.levels and not column.closed and name != contract.target and column.role != "ignored":
            texts = typed[name].cast(pl.String)
            listed = [text_of(level) for level in column.levels]
            others = texts.filter(~texts.is_in(listed)).drop_nulls()
            if len(others):
                unlisted.setdefault(name, Counter()).update(dict(others.value_counts().sort(name).iter_rows()))


def _unlisted(name: str, levels: Counter[str]) -> Finding:
    shown = ", ".join(f'"{level}"' for level, _ in levels.most_common(SHOWN_LEVELS))
    more = f" and {len(levels) - SHOWN_LEVELS} more" if len(levels) > SHOWN_LEVELS else ""
    what = f"levels that the contract does not list ({shown}{more}) in {levels.total():,} rows"
    return Finding(
        kind="unlisted",
        columns=[name],
        message=f"{name!r} has {what}, which are kept; closed = true in contract.toml would set them apart",
    )


def _changes(kept: Table, typed: Table, reading: Reading, broken: polars.Series, contract: Contract) -> Counter[tuple[str, str]]:
    """How many cells of the kept rows were read as missing, by marker, and how many numbers were not spelled as such.

    A cell of a kept row that is null now and was not before held a missing marker.
    """
    import polars as pl

    from shipway.core.reading import cells

    counted = Counter[tuple[str, str]]()
    for name in typed.columns:
        if name not in kept.columns or contract.columns[name].role == "ignored":
            continue
        values, before = typed[name], kept[name]
        if values.null_count() > before.null_count():
            gone = before.filter(values.is_null() & before.is_not_null()).to_frame()
            kind = "number" if before.dtype.is_float() else "text" if before.dtype == pl.String else "other"
            for marker, count in gone.select(cells.canonical(pl.col(name), kind)).to_series().drop_nulls().value_counts().rows():
                counted[name, f'"{marker}" read as missing'] += count
        if name in reading.respelled:
            respelled = reading.respelled[name]
            counted[name, "respelled as a number"] += len(respelled.filter(~respelled.is_in(broken.implode())))
    return +counted
