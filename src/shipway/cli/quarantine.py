"""`shipway quarantine`: the rows that were set apart, and why."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli import tables, words
from shipway.core import quarantine as rows_apart

if TYPE_CHECKING:
    from shipway.core.artifacts import Table

SHOWN = 20
"""Broken rules that are shown without --limit: what fits on a screen."""


@click.group()
def quarantine() -> None:
    """Show the rows that break a project's contract."""


@quarantine.command()
@words.project
@words.variant
@click.option("--rule", metavar="NAME", help="Only rows that break this rule, such as type, missing, minimum or level.")
@click.option("--column", metavar="NAME", help="Only rows that break a rule of this column.")
@click.option("--limit", metavar="LINES", type=click.IntRange(1), default=SHOWN, show_default=True, help="Show at most so many.")
@click.option("--out", metavar="FILE", type=words.a_file, help="Write the rows to mend to this file: .csv, .parquet or .jsonl.")
@words.as_json
def show(
    project: str, variant: str | None, rule: str | None, column: str | None, limit: int, out: Path | None, as_json: bool
) -> None:
    """Show the rows of PROJECT that are in quarantine: where each stood, the rule that it breaks, and the row as received.

    Quarantine follows the contract: mend contract.toml and run again, and the rows are back. Or mend the rows: --out writes one
    line a row, its original columns after _source, _row and _rules, ready to be fed back.
    """
    from shipway import inspection, wiring

    place = wiring.open_workspace()
    folder, _ = wiring.open_project(place, project, variant=variant)
    found = inspection.quarantined(place, folder)
    chosen = _chosen(found, rule, column)
    if out is not None:
        rows_apart.save(chosen, out)
    rules = Counter(chosen["rule"].to_list())
    if as_json:
        lines = [{**line, "record": json.loads(line["record"])} for line in chosen.iter_rows(named=True)]
        about = {"project": folder.name, "quarantined": rows_apart.rows_of(chosen), "rules": dict(rules.most_common())}
        click.echo(json.dumps({**about, "lines": lines}, ensure_ascii=False))
        return
    if chosen.is_empty():
        click.echo(f"no row of {folder.name} is in quarantine" + (" for that" if found.height else ""))
        return
    counts = ", ".join(f"{name} {count:,}" for name, count in rules.most_common())
    click.echo(f"{rows_apart.rows_of(chosen):,} rows of {folder.name} are in quarantine, for breaking {counts}\n")
    header = ("source", "row", "column", "rule", "message", "record")
    tables.show(header, [tuple(map(str, line)) for line in chosen.head(limit).select(header).iter_rows()])
    if chosen.height > limit:
        click.echo(f"\nand {chosen.height - limit:,} more; --limit {chosen.height} shows all, --out FILE writes the rows to mend")
    if out is not None:
        click.echo(f"\nthe rows to mend are in {out}")


def _chosen(found: Table, rule: str | None, column: str | None) -> Table:
    """The lines of one rule and column; a rule or column that no row breaks is named with those that some do."""
    import polars as pl

    from shipway.core.errors import UsageError
    from shipway.core.project import suggest

    for name, wanted in (("rule", rule), ("column", column)):
        known = sorted(found[name].unique().to_list())
        if wanted is not None and known and wanted not in known:
            raise UsageError(f"--{name} {wanted!r}: no row in quarantine breaks that; {suggest(wanted, known)}")
        found = found.filter(pl.col(name) == wanted) if wanted is not None else found
    return found
