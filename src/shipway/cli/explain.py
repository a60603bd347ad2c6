"""`shipway explain`."""

from __future__ import annotations

import json

import click

from shipway.cli import words


@click.command()
@words.project
@words.variant
@words.overrides
@words.force
@words.stand_in
@words.as_json
def explain(
    project: str, variant: str | None, overrides: tuple[str, ...], force: tuple[str, ...], stand_in: bool, as_json: bool
) -> None:
    """Say for each step of PROJECT whether a run would run it, and what changed since last time."""
    from shipway import wiring
    from shipway.core.pipeline import Selection

    plan = wiring.explain(
        wiring.open_workspace(),
        project,
        selection=Selection(forced=force),
        variant=variant,
        overrides=overrides,
        stand_in=stand_in,
    )
    if as_json:
        steps = [{"name": item.step.name, "would_run": bool(item.because), "because": item.because} for item in plan]
        click.echo(json.dumps({"steps": steps}, indent=2))
        return
    for item in plan:
        state = "would run" if item.because else "unchanged"
        click.echo(f"{item.step.name:<10}{state:<11}{'; '.join(item.because)}".rstrip())
