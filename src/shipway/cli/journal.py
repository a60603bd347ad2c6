"""`shipway journal`: the predictions that the service answered, and the true labels that came for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from shipway.cli import tables, words
from shipway.core import journal as journals
from shipway.core import serve
from shipway.core.errors import UsageError
from shipway.core.journal import Comparison, Stats, Which, keeping
from shipway.core.journal import export as journal_export

PIECE = 5_000
"""Predictions that are deleted in one transaction: a service that writes at the same time waits for it, and for no longer."""


class Moment(click.ParamType[int]):
    """A date, a time, or so long ago; in the journal's microseconds. A time without a zone is UTC, as the journal's are."""

    name = "moment"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return journals.now() - round(keeping.period(value).total_seconds() * 1e6)
        except ValueError:
            pass
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"expected a date or time such as 2026-11-01 or 2026-11-01T12:00, or an age such as 30d; found {value!r}")
        return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1e6)


@click.group()
def journal() -> None:
    """Export, prune and count the predictions that the service answered."""


@journal.command()
@words.project
@click.option("--out", metavar="FILE", type=words.a_file, required=True, help="The file: .parquet, .csv or .jsonl.")
@click.option("--since", metavar="WHEN", type=Moment(), help="Only from then on: a date, a time, or an age such as 30d.")
@click.option("--until", metavar="WHEN", type=Moment(), help="Only from before then.")
@click.option("--only", type=click.Choice(["answered", "shadow"]), help="Only what callers got, or only what was made beside it.")
def export(project: str, out: Path, since: int | None, until: int | None, only: Which | None) -> None:
    """Write the predictions of PROJECT with their true labels to a file, one line each, by time."""
    from shipway import wiring

    journal_export.check(out)
    place = wiring.open_workspace()
    found = wiring.journal(place)
    try:
        count = journal_export.save(found.read(place.folder(project).name, since, until, only or "all"), out)
    finally:
        found.close()
    click.echo(f"{count:,} predictions are in {out}")


@journal.command()
@words.project
@click.option("--before", metavar="WHEN", type=Moment(), help="A date, a time, or an age such as 30d.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(project: str, before: int | None, yes: bool) -> None:
    """Delete old predictions of PROJECT with their labels: those from before WHEN, or those that are older than
    [serve.journal] keep."""
    import sys

    from shipway import wiring

    place = wiring.open_workspace()
    folder, _ = wiring.open_project(place, project)
    age = serve.of(folder).journal.age
    if before is None:
        if age is None:
            raise UsageError(f"say what is old: --before 30d, or keep in [serve.journal] of {folder.file}")
        before = journals.now() - round(age.total_seconds() * 1e6)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody is there to ask; --yes deletes without asking")
        when = f"{journal_export.time_of(before):%Y-%m-%d %H:%M} UTC"
        click.confirm(f"Delete the predictions of {folder.name} from before {when}, with their labels?", abort=True, err=True)
    found, deleted = wiring.journal(place), 0
    try:
        while piece := found.prune(folder.name, before, PIECE):
            deleted += piece
    finally:
        found.close()
    click.echo(f"predictions of {folder.name} that were deleted: {deleted:,}")


@journal.command()
@words.project
@words.as_json
def stats(project: str, as_json: bool) -> None:
    """Count the predictions of PROJECT: how many, how many with a true label, by model version and class."""
    from shipway import wiring

    place = wiring.open_workspace()
    name = place.folder(project).name
    found = wiring.journal(place)
    try:
        counted = found.stats(name)
    finally:
        found.close()
    if as_json:
        times = {key: _time(getattr(counted, key)) for key in ("first", "last")}
        click.echo(json.dumps({"project": name, **msgspec.to_builtins(counted), **times}, ensure_ascii=False))
    else:
        _show(name, counted)


def _show(name: str, counted: Stats) -> None:
    click.echo(f"{counted.predictions:,} predictions of {name}, {counted.labelled:,} with a true label")
    if counted.waiting:
        click.echo(f"labels that wait for their prediction: {counted.waiting:,}")
    if counted.predictions:
        click.echo(f"from {_time(counted.first)} to {_time(counted.last)}")
    click.echo(f"the journal takes {counted.size / 2**20:,.1f} MB with all projects")
    if counted.shares:
        click.echo()
        rows = [(one.model_version, str(one.label), f"{one.predictions:,}", f"{one.labelled:,}") for one in counted.shares]
        tables.show(("version", "label", "predictions", "with a true label"), rows)
    if counted.shadows:
        click.echo("\nversions in the shadow, on the records that both versions labelled:")
        tables.show(
            ("version", "shadow", "records", "agree", "with a true label", "version right", "shadow right"),
            [_compared(one) for one in counted.shadows],
        )


def _compared(one: Comparison) -> tuple[str, ...]:
    right = [f"{count / one.labelled:.1%}" if one.labelled else "" for count in (one.answered_right, one.shadow_right)]
    return (one.answered, one.shadow, f"{one.records:,}", f"{one.agreed / one.records:.1%}", f"{one.labelled:,}", *right)


def _time(moment: int | None) -> str | None:
    return None if moment is None else journal_export.time_of(moment).isoformat(timespec="seconds")
