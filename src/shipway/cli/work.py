"""`shipway work`, which `shipway serve --workers` calls."""

from __future__ import annotations

import click

from shipway.cli import words


@click.command(hidden=True)
@words.projects
@click.option("--socket", "descriptor", type=int, required=True, help="The descriptor of a socket that listens.")
@click.option("--no-auth", is_flag=True, help="Ask nobody for a key.")
@words.tls_certificate
@words.tls_key
@words.drain
def work(
    projects: tuple[str, ...],
    descriptor: int,
    no_auth: bool,
    tls_certificate: str | None,
    tls_key: str | None,
    drain: float | None,
) -> None:
    """Be one of the processes that answer, until standard input ends."""
    from shipway import operating, preflight, settings, wiring

    place = wiring.open_workspace()
    manner = preflight.manner(settings.load(place.root), certificate=tls_certificate, key=tls_key, drain=drain)
    operating.work(place, projects, descriptor, preflight.Setup(no_auth=no_auth, manner=manner))
