"""`shipway follow`, which `shipway serve` calls."""

from __future__ import annotations

import click

from shipway.cli import words


@click.command(hidden=True)
@words.projects
def follow(projects: tuple[str, ...]) -> None:
    """Bring what the registry's aliases point to, until standard input ends."""
    import logging

    from shipway import following, wiring

    logging.basicConfig(format="%(levelname)s:     %(message)s", level=logging.INFO)
    following.follow(wiring.open_workspace(), projects)
