"""`shipway explain`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from shipway.cli import words


def explain(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Name of a project, or a path to it.")],
    variant: words.Variant = None,
    overrides: words.Overrides = None,
    force: words.Force = None,
    stand_in: words.StandIn = False,
    as_json: words.Json = False,
) -> None:
    """Say for each step whether a run would run it, and what changed since last time."""
    from shipway import wiring
    from shipway.core.pipeline import Selection

    plan = wiring.explain(
        wiring.open_workspace(),
        project,
        selection=Selection(forced=tuple(force or ())),
        variant=variant,
        overrides=overrides or (),
        stand_in=stand_in,
    )
    if as_json:
        steps = [{"name": item.step.name, "would_run": bool(item.because), "because": item.because} for item in plan]
        typer.echo(json.dumps({"steps": steps}, indent=2))
        return
    for item in plan:
        state = "would run" if item.because else "unchanged"
        typer.echo(f"{item.step.name:<10}{state:<11}{'; '.join(item.because)}".rstrip())
