"""`shipway work`, which `shipway serve --workers` calls."""

from __future__ import annotations

import click

from shipway.cli import words


@click.command(hidden=True)
@words.projects
@click.option("--socket", "descriptor", type=int, required=True, help="The descriptor of a socket that listens.")
@click.option("--no-auth", is_flag=True, help="Ask nobody for a key.")
def work(projects: tuple[str, ...], descriptor: int, no_auth: bool) -> None:
    """Be one of the processes that answer, until standard input ends."""
    from shipway import operating, wiring
    from shipway.preflight import Setup

    operating.work(wiring.open_workspace(), projects, descriptor, Setup(no_auth=no_auth))
