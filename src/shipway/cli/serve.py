"""`shipway serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from shipway.cli import words


def serve(
    projects: words.Projects = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless set otherwise.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 8000 unless set otherwise.")] = None,
) -> None:
    """Serve the champions of all projects, or of those named, in one microservice."""
    from shipway import settings, wiring

    place = wiring.open_workspace()
    releases = wiring.releases(place, projects or ())
    known = settings.load(place.root)
    wiring.serve(releases, known.host if host is None else host, known.port if port is None else port)
