"""`shipway report`."""

from __future__ import annotations

import shutil
import webbrowser
from pathlib import Path

import click

from shipway.cli import words


@click.command()
@words.project
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Copy the page there.")
@click.option("--open", "look", is_flag=True, help="Open the page in the browser.")
def report(project: str, out: Path | None, look: bool) -> None:
    """Say where the data report of PROJECT's last run is: one page of HTML, whole in itself."""
    from shipway import wiring

    page = wiring.data_report(wiring.open_workspace(), project)
    if out is not None:
        shutil.copyfile(page, out)
        page = out.absolute()
    click.echo(page)
    if look:
        webbrowser.open(page.as_uri())
