"""`shipway run`."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer

from shipway.cli import display, words
from shipway.core.errors import ShipwayError, UsageError
from shipway.core.pipeline import Run, Selection
from shipway.core.report import RunReport, report
from shipway.core.workspace import Workspace

GATES_DID_NOT_HOLD = 4


def run(
    projects: words.Projects = None,
    first: words.First = None,
    last: words.Last = None,
    force: words.Force = None,
    overrides: words.Overrides = None,
    variant: words.Variant = None,
    stand_in: words.StandIn = False,
    as_json: words.Json = False,
) -> None:
    """Take projects through the lifecycle: ingest, snapshot, check, clean, split, tune, train, validate, compile, register.

    A step whose code, settings, inputs and libraries are as they were is not run again. Exit code 4 means that a model was
    registered as challenger because its gates did not hold.
    """
    from shipway import wiring

    place = wiring.open_workspace()
    selection = Selection(first=first, last=last, forced=tuple(force or ()))
    held = True
    for name in projects or _here(place):
        done = run_one(place, name, selection=selection, variant=variant, overrides=overrides, stand_in=stand_in, as_json=as_json)
        held = held and done.held
    if not held:
        raise typer.Exit(GATES_DID_NOT_HOLD)


def run_one(
    place: Workspace,
    name: str,
    *,
    selection: Selection,
    variant: str | None = None,
    overrides: list[str] | None = None,
    stand_in: bool = False,
    as_json: bool = False,
) -> RunReport:
    """Run one project, show it, print its summary or its JSON object; an error is printed as JSON too before it is raised."""
    from shipway import wiring

    going = Run()
    label = Path(name).name
    try:
        with display.watcher(label) as watcher:
            wiring.run(
                place,
                name,
                selection=selection,
                watcher=watcher,
                variant=variant,
                overrides=overrides or (),
                stand_in=stand_in,
                report=going,
            )
    except ShipwayError as error:
        if as_json:
            _print_json(report(label, going, error=str(error)))
        raise
    done = report(label, going)
    if as_json:
        _print_json(done)
    else:
        typer.echo(display.summary(done))
    return done


def _print_json(found: RunReport) -> None:
    typer.echo(msgspec.json.encode(found).decode())


def _here(place: Workspace) -> list[str]:
    """The project whose folder we stand in."""
    if (Path.cwd() / "project.toml").is_file():
        return ["."]
    raise UsageError(f"name a project: shipway run {' or '.join(place.names()) or 'NAME'}")
