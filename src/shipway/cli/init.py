"""`shipway init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make a workspace of; made when missing.")],
    examples: Annotated[bool, typer.Option("--examples", help="Add the three case studies.")] = False,
    commit: Annotated[
        bool | None,
        typer.Option("--commit/--no-commit", help="Commit and tag data versions in git; yes in a new repository, else no."),
    ] = None,
) -> None:
    """Make a git and DVC workspace in DIR."""
    from shipway import wiring

    if commit is None and sys.stdin.isatty() and wiring.is_repository(folder):
        commit = typer.confirm("This is a git repository already. Commit and tag data versions in it?", default=False)
    place = wiring.create_workspace(folder, examples=examples, commit=commit)
    names = place.names()
    typer.echo(f"Workspace {place.root}" + (f" with {', '.join(names)}" if names else ""))
    typer.echo(f"Next: cd {folder} && shipway run {names[0] if names else 'NAME'}")
