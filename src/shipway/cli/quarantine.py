"""`shipway quarantine`: the rows that were set apart, and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli import tables, words
from shipway.core import mending
from shipway.core import quarantine as rows_apart
from shipway.core.errors import UsageError
from shipway.core.project import suggest

if TYPE_CHECKING:
    from shipway.core.artifacts import Table

HEADER = ("source", "row", "column", "rule", "message", "record")
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
    wanted = {name: value for name, value in (("rule", rule), ("column", column)) if value is not None}

    def lines() -> Iterator[Table]:
        return (_chosen(part, wanted) for part in inspection.quarantined(place, folder))

    if out is not None:
        mending.check_ending(out)
    found = _look(inspection.quarantined(place, folder), wanted, limit)
    if out is not None:
        mending.save(lines, out)
    if as_json:
        _print_json({"project": folder.name, "quarantined": found.rows, "rules": dict(found.rules.most_common())}, lines())
        return
    if not found.rows:
        click.echo(f"no row of {folder.name} is in quarantine" + (" for that" if found.known["rule"] else ""))
        return
    counts = ", ".join(f"{name} {count:,}" for name, count in found.rules.most_common())
    click.echo(f"{found.rows:,} rows of {folder.name} are in quarantine, for breaking {counts}\n")
    tables.show(HEADER, found.shown)
    height = found.rules.total()
    if height > limit:
        click.echo(f"\nand {height - limit:,} more; --limit {height} shows all, --out FILE writes the rows to mend")
    if out is not None:
        click.echo(f"\nthe rows to mend are in {out}")


@dataclass
class _Found:
    """What a quarantine holds: rows and rules of what was asked for, its first lines, and the rules and columns of all."""

    rows: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    shown: list[tuple[str, ...]] = field(default_factory=list)
    known: dict[str, set[str]] = field(default_factory=lambda: {"rule": set(), "column": set()})


def _look(parts: Iterator[Table], wanted: dict[str, str], limit: int) -> _Found:
    """Go through a quarantine once; a rule or column that no row breaks is an error that names those that some do."""
    found = _Found()
    for part in rows_apart.whole(parts):
        for name, known in found.known.items():
            known.update(part[name].unique().to_list())
        chosen = _chosen(part, wanted)
        found.rows += rows_apart.rows_of(chosen)
        found.rules.update(dict(chosen["rule"].value_counts().sort("rule").iter_rows()))
        found.shown += [tuple(map(str, line)) for line in chosen.head(limit - len(found.shown)).select(HEADER).iter_rows()]
    for name, value in wanted.items():
        known = found.known[name]
        if known and value not in known:
            raise UsageError(f"--{name} {value!r}: no row in quarantine breaks that; {suggest(value, sorted(known))}")
    return found


def _chosen(part: Table, wanted: dict[str, str]) -> Table:
    """The lines of one rule and column, where these are wanted."""
    import polars as pl

    for name, value in wanted.items():
        part = part.filter(pl.col(name) == value)
    return part


def _print_json(about: dict[str, object], parts: Iterator[Table]) -> None:
    """One JSON object, whose lines are printed as they are read."""
    click.echo(json.dumps(about, ensure_ascii=False)[:-1] + ', "lines": [', nl=False)
    between = ""
    for part in parts:
        for line in part.iter_rows(named=True):
            click.echo(between + json.dumps({**line, "record": json.loads(line["record"])}, ensure_ascii=False), nl=False)
            between = ", "
    click.echo("]}")
