"""`shipway work`, which `shipway serve --workers` calls."""

from __future__ import annotations

import click

from shipway.cli import words


@click.command(hidden=True)
@words.projects
@click.option("--socket", "descriptor", type=int, required=True, help="The descriptor of a socket that listens.")
def work(projects: tuple[str, ...], descriptor: int) -> None:
    """Be one of the processes that answer, until standard input ends."""
    from shipway import operating, wiring

    operating.work(wiring.open_workspace(), projects, descriptor)
