"""Hold the rows against the contract."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence

import msgspec

from shipway.core.artifacts import ROW, SOURCE, Checked, Table
from shipway.core.contract import Breach, Contract, read
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import Progress
from shipway.core.step import step

SHOWN_REASONS = 10


@step(writes="checked")
def check(rows: Table, *, contract: Contract, progress: Progress, max_bad_share: float = 0.05) -> Checked:
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
    table = rows.drop(SOURCE, ROW)
    _compare_columns(table.columns, contract, progress)
    reading = read(contract, table, target=True)
    bad = sorted({breach.row for breach in reading.breaches})
    if len(bad) > max_bad_share * rows.height or len(bad) == rows.height:
        raise DataError(
            f"{len(bad):,} of {rows.height:,} rows break the contract, more than max_bad_share = {max_bad_share:g} allows; "
            f"the commonest reasons:\n{_reasons(reading.breaches)}\nMend the data, or contract.toml where it is wrong "
            "(a text that stands for no value, such as NA, belongs in the missing markers of its column)."
        )
    good = pl.Series([True]).new_from_index(0, rows.height)
    kept = reading.frame.filter(good.scatter(bad, False)) if bad else reading.frame
    progress.note(f"{len(bad):,} quarantined")
    return Checked(kept, _quarantine(rows, bad, reading.breaches), len(bad))


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


def _reasons(breaches: Sequence[Breach]) -> str:
    counts = Counter((breach.column, breach.rule, breach.message) for breach in breaches)
    commonest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"  {count:,} x {column}: {message} ({rule})" for (column, rule, message), count in commonest[:SHOWN_REASONS]]
    rest = len(commonest) - SHOWN_REASONS
    return "\n".join([*lines, f"  and {rest} more"] if rest > 0 else lines)


def _quarantine(rows: Table, bad: Sequence[int], breaches: Sequence[Breach]) -> Table:
    """One line a broken rule: where the row stood, what it broke, and the row as received."""
    import polars as pl

    found = rows[list(bad)]
    records = [msgspec.json.encode(record, enc_hook=str).decode() for record in found.drop(SOURCE, ROW).iter_rows(named=True)]
    index = {row: place for place, row in enumerate(bad)}
    lines = pl.DataFrame(
        [(index[breach.row], breach.column, breach.rule, breach.message) for breach in breaches],
        schema={"place": pl.Int64, "column": pl.String, "rule": pl.String, "message": pl.String},
        orient="row",
    )
    found = found.select(source=SOURCE, row=ROW).with_columns(pl.Series("record", records, dtype=pl.String))
    return lines.select(
        found["source"].gather(lines["place"]),
        found["row"].gather(lines["place"]),
        "column",
        "rule",
        "message",
        found["record"].gather(lines["place"]),
    )
