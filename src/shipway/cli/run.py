"""`shipway run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from shipway.cli import display, words
from shipway.core import disk
from shipway.core.errors import InterruptedRun, ShipwayError, UsageError
from shipway.core.pipeline import Run, Selection
from shipway.core.report import RunReport, report
from shipway.core.workspace import Workspace

GATES_DID_NOT_HOLD = 4


@click.command()
@words.projects
@click.option("--from", "first", metavar="STEP", help="Begin here, with the last results of earlier steps.")
@click.option("--to", "last", metavar="STEP", help="End after this step.")
@words.force
@words.overrides
@words.variant
@words.stand_in
@words.as_json
def run(
    projects: tuple[str, ...],
    first: str | None,
    last: str | None,
    force: tuple[str, ...],
    overrides: tuple[str, ...],
    variant: str | None,
    stand_in: bool,
    as_json: bool,
) -> int:
    """Take projects through the lifecycle, from ingest to register.

    \b
    ingest   snapshot  combine   check     clean     split
    tune     train     validate  compile   register

    A step whose code, settings, inputs and libraries are as they were is not run again. Exit code 4 means that a model was
    registered as challenger because its gates did not hold. Where one of several projects fails, the others are run all the
    same, and the exit code is the first failure's.
    """
    from shipway import wiring

    place = wiring.open_workspace()
    selection = Selection(first=first, last=last, forced=force)
    code = 0
    for name in projects or _here(place):
        try:
            done = run_one(
                place, name, selection=selection, variant=variant, overrides=overrides, stand_in=stand_in, as_json=as_json
            )
            code = code or (0 if done.held else GATES_DID_NOT_HOLD)
        except InterruptedRun:
            raise
        except ShipwayError as error:
            if len(projects) < 2:
                raise
            click.secho(f"{name}: {error}", fg="red", err=True)
            code = code or error.exit_code
    return code


def run_one(
    place: Workspace,
    name: str,
    *,
    selection: Selection,
    variant: str | None = None,
    overrides: Sequence[str] = (),
    stand_in: bool = False,
    as_json: bool = False,
) -> RunReport:
    """Run one project, show it, print its summary or its JSON object; an error is printed as JSON too before it is raised."""
    from shipway import wiring

    going = Run()
    label = Path(name).resolve().name
    try:
        with display.watcher(label) as watcher:
            wiring.run(
                place,
                name,
                selection=selection,
                watcher=watcher,
                variant=variant,
                overrides=overrides,
                stand_in=stand_in,
                report=going,
            )
    except Exception as error:
        if as_json:
            refused = disk.refusal(error) if isinstance(error, OSError) else None
            _print_json(report(label, going, error=str(refused or error)))
        raise
    done = report(label, going)
    if as_json:
        _print_json(done)
    else:
        click.echo(display.summary(done))
    return done


def _print_json(found: RunReport) -> None:
    click.echo(msgspec.json.encode(found).decode())


def _here(place: Workspace) -> list[str]:
    """The project whose folder we stand in."""
    if (Path.cwd() / "project.toml").is_file():
        return ["."]
    raise UsageError(f"name a project: shipway run {' or '.join(place.names()) or 'NAME'}")
