"""Hold the rows against the contract."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from shipway.core.artifacts import ROW, SOURCE, Checked, Table
from shipway.core.contract import Broken, Contract, Reading, read
from shipway.core.errors import DataError, UsageError
from shipway.core.findings import Change, Examined
from shipway.core.ports import Progress, Staging
from shipway.core.rows import Rows, RowsWriter
from shipway.core.step import step

if TYPE_CHECKING:
    import polars

SHOWN_REASONS = 10
QUARANTINE = ("source", "row", "column", "rule", "message", "record")
QUARANTINED_AT_ONCE = 20_000
"""Rows that are made into JSON texts at once, so that a batch in which every row breaks many rules takes no more memory."""

PLACE = "_shipway_place"
"""Name of a passing column; no contract has such a name."""


@step(writes="checked")
def check(rows: Rows, *, contract: Contract, staging: Staging, progress: Progress, max_bad_share: float = 0.05) -> Checked:
    """Read the rows into the contract's types; rows that break a rule go to quarantine.

    Quarantine is a result of this step: mending the contract and running again takes the rows back.

    Args:
        rows: As received, with where each row stood.
        max_bad_share: Largest share of rows in quarantine, in [0, 1], that still is an accident and not another table.

    Raises:
        DataError: A column is lost, too many rows break a rule (the commonest reasons are named), or none is left.
    """
    import polars as pl

    if not 0 <= max_bad_share <= 1:
        raise UsageError(f"[check] max_bad_share must be between 0 and 1; found {max_bad_share}")
    _compare_columns([name for name in rows.columns if name not in (SOURCE, ROW)], contract, progress)
    kept, aside = RowsWriter(staging / "rows"), RowsWriter(staging / "quarantine")
    aside.write(pl.DataFrame(schema=dict.fromkeys(QUARANTINE, pl.String) | {"row": pl.Int64}))
    reasons = Counter[tuple[str, str, str]]()
    changes = Counter[tuple[str, str]]()
    bad = 0
    with progress("checking", total=rows.height) as tick:
        for batch in rows.batches():
            reading = read(contract, batch.drop(SOURCE, ROW), target=True)
            broken = _rows_of(reading.broken)
            bad += len(broken)
            reasons.update({(one.column, one.rule, one.message): len(one.rows) for one in reading.broken})
            if bad <= max_bad_share * rows.height:  # else the run stops, and only the reasons are still counted
                good = _but_for(broken, batch.height)
                typed = reading.frame if good is None else reading.frame.filter(good)
                changes.update(_changes(batch if good is None else batch.filter(good), typed, reading, broken, contract))
                kept.write(typed)
                for lines in _quarantine(batch, reading.broken, broken):
                    aside.write(lines)
            tick(batch.height)
    if bad > max_bad_share * rows.height or bad == rows.height:
        raise DataError(
            f"{bad:,} of {rows.height:,} rows break the contract, more than max_bad_share = {max_bad_share:g} allows; "
            f"the commonest reasons:\n{_commonest(reasons)}\nMend the data, or contract.toml where it is wrong "
            "(a text that stands for no value, such as NA, belongs in the missing markers of its column)."
        )
    kept.finish()
    aside.finish()
    progress.note(f"{bad:,} quarantined")
    ordered = sorted(changes.items(), key=lambda item: (list(contract.columns).index(item[0][0]), item[0][1]))
    found = [Change(column=column, what=what, cells=cells) for (column, what), cells in ordered]
    return Checked(staging, Examined(received=rows.height, quarantined=bad, changes=found))


def _compare_columns(columns: Sequence[str], contract: Contract, progress: Progress) -> None:
    new = [name for name in columns if name not in contract.columns]
    lost = [name for name in contract.columns if name not in columns and contract.role(name) != "ignored"]
    for name in lost:
        near = difflib.get_close_matches(name, new, n=1, cutoff=0.5) or _same_but_for_spelling(name, new)
        hint = f"; the nearest new column is {near[0]!r}" if near else f"; new columns are {', '.join(new)}" if new else ""
        if not contract.columns[name].nullable or name == contract.target:
            raise DataError(
                f"the rows have no column {name!r}, which the contract requires{hint}; mend the source or contract.toml"
            )
        progress.warn(f"the rows have no column {name!r}: all its values are missing{hint}")
    if new:
        progress.warn(
            f"left out, as the contract does not have them: {', '.join(map(repr, new))}; the service refuses them unless the "
            'contract names them with role = "ignored"'
        )


def _same_but_for_spelling(name: str, others: Sequence[str]) -> list[str]:
    """Those of *others* with the same letters and digits: `tenure_months` for `Tenure Months`."""

    def plain(text: str) -> str:
        return "".join(filter(str.isalnum, text)).casefold()

    return [other for other in others if plain(other) == plain(name)]


def _commonest(reasons: Counter[tuple[str, str, str]]) -> str:
    commonest = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"  {count:,} x {column}: {message} ({rule})" for (column, rule, message), count in commonest[:SHOWN_REASONS]]
    rest = len(commonest) - SHOWN_REASONS
    return "\n".join([*lines, f"  and {rest} more"] if rest > 0 else lines)


def _rows_of(broken: Sequence[Broken]) -> polars.Series:
    """The rows that break a rule, each once, ascending."""
    import polars as pl

    if not broken:
        return pl.Series([], dtype=pl.UInt32)
    return pl.concat([one.rows for one in broken]).unique().sort()


def _but_for(broken: polars.Series, height: int) -> polars.Series | None:
    """Which of *height* rows keep the contract; None where all do."""
    import polars as pl

    return pl.Series([True]).new_from_index(0, height).scatter(broken, False) if len(broken) else None


def _changes(kept: Table, typed: Table, reading: Reading, broken: polars.Series, contract: Contract) -> Counter[tuple[str, str]]:
    """How many cells of the kept rows were read as missing, by marker, and how many numbers were not spelled as such.

    A cell of a kept row that is null now and was not before held a missing marker.
    """
    import polars as pl

    from shipway.core import cells

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


def _quarantine(batch: Table, broken: Sequence[Broken], bad: polars.Series) -> Iterator[Table]:
    """One line a broken rule: where the row stood, what it broke, and the row as received; some rows at a time, in order."""
    import polars as pl

    none = pl.DataFrame(schema={PLACE: pl.UInt32, "column": pl.String, "rule": pl.String, "message": pl.String})
    for some in bad.cast(pl.UInt32).alias(PLACE).to_frame().iter_slices(QUARANTINED_AT_ONCE):
        found = batch[some[PLACE]]
        found = found.select(source=SOURCE, row=ROW).with_columns(_records(found.drop(SOURCE, ROW)), some[PLACE])
        first, last = some[PLACE][0], some[PLACE][-1]
        lines = [none]
        for one in broken:
            places = one.rows.cast(pl.UInt32).alias(PLACE)
            places = places.filter(places.is_between(first, last))
            lines.append(pl.select(places, column=pl.lit(one.column), rule=pl.lit(one.rule), message=pl.lit(one.message)))
        table = pl.concat(lines).sort(PLACE, maintain_order=True)
        yield table.join(found, on=PLACE, how="left", maintain_order="left").select(QUARANTINE)


def _records(rows: Table) -> polars.Series:
    """Each row as JSON text, as received; values that JSON has no word for as text."""
    import polars as pl

    if rows.width and set(rows.dtypes) == {pl.String}:
        return rows.select(pl.struct(pl.all()).struct.json_encode()).to_series().alias("record")
    texts = (msgspec.json.encode(row, enc_hook=str).decode() for row in rows.iter_rows(named=True))
    return pl.Series("record", texts, dtype=pl.String)
