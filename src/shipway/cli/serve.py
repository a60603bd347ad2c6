"""`shipway serve`."""

from __future__ import annotations

import click

from shipway.cli import words


@click.command()
@words.projects
@click.option("--host", help="Address to listen on; 127.0.0.1 unless set otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 8000 unless set otherwise.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that answer.")
@words.tls_certificate
@words.tls_key
@words.drain
def serve(
    projects: tuple[str, ...],
    host: str | None,
    port: int | None,
    workers: int,
    tls_certificate: str | None,
    tls_key: str | None,
    drain: float | None,
) -> None:
    """Serve the champions of all projects, or of those named, in one microservice.

    It follows the registry: when the alias champion moves, the new version answers within seconds, without a restart, once its
    gates held, its files are what was registered, and it gives the stored answers to its self-tests. Until then the old one does.
    """
    from shipway import settings, wiring

    place = wiring.open_workspace()
    known = settings.load(place.root)
    manner = wiring.manner(known, certificate=tls_certificate, key=tls_key, drain=drain)
    releases = wiring.releases(place, projects)
    wiring.serve(place, releases, known.host if host is None else host, known.port if port is None else port, workers, manner)
