"""`shipway serve`."""

from __future__ import annotations

import click

from shipway.cli import words


@click.command()
@words.projects
@click.option("--host", help="Address to listen on; 127.0.0.1 unless set otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 8000 unless set otherwise.")
def serve(projects: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Serve the champions of all projects, or of those named, in one microservice."""
    from shipway import settings, wiring

    place = wiring.open_workspace()
    releases = wiring.releases(place, projects)
    known = settings.load(place.root)
    journal = wiring.journalling(place, [release.name for release, _ in releases])
    wiring.serve(releases, known.host if host is None else host, known.port if port is None else port, journal)
