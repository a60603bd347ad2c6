"""`shipway init`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--examples", is_flag=True, help="Add the three case studies.")
@click.option("--commit/--no-commit", default=None, help="Commit and tag data versions in git; yes in a new repository, else no.")
def init(folder: Path, examples: bool, commit: bool | None) -> None:
    """Make DIR a git and DVC workspace; what is there already stays as it is."""
    from shipway import wiring

    if commit is None and sys.stdin.isatty() and wiring.is_repository(folder):
        commit = click.confirm("This is a git repository already. Commit and tag data versions in it?", default=False)
    place = wiring.create_workspace(folder, examples=examples, commit=commit)
    names = [name for name in wiring.EXAMPLES if examples] or place.names()
    click.echo(f"Workspace {place.root}" + (f" with {', '.join(place.names())}" if names else ""))
    click.echo(f"Next: cd {shlex.quote(str(folder))} && shipway run {names[0] if names else 'NAME'}")
