"""`shipway serve`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import msgspec

from shipway.cli import display, tables, words
from shipway.core.errors import UsageError
from shipway.core.keys import PLATFORMS

if TYPE_CHECKING:
    from shipway.preflight import Check, Offered


@click.command()
@words.projects
@click.option("--host", help="Address to listen on; 127.0.0.1 unless set otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 8000 unless set otherwise.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that answer.")
@click.option("--no-auth", is_flag=True, help="Ask nobody for an API key, whoever reaches the address.")
@click.option(
    "--behind",
    type=click.Choice([*PLATFORMS]),
    help="Ask nobody for an API key, as this platform stands before the service and authenticates its callers.",
)
@click.option("--check", is_flag=True, help="Say what would be served, load it, and end without opening a port.")
@click.option("--json", "as_json", is_flag=True, help="With --check: print one JSON object on stdout.")
@words.tls_certificate
@words.tls_key
@words.drain
def serve(
    projects: tuple[str, ...],
    host: str | None,
    port: int | None,
    workers: int,
    no_auth: bool,
    behind: str | None,
    check: bool,
    as_json: bool,
    tls_certificate: str | None,
    tls_key: str | None,
    drain: float | None,
) -> int:
    """Serve the champions of all projects, or of those named, in one microservice.

    It follows the registry: when the alias champion moves, the new version answers within seconds, without a restart, once its
    gates held, its files are what was registered, and it gives the stored answers to its self-tests. Until then the old one does.
    Where all projects are served, one that gets its first champion later is served from then on.

    Callers need an API key as soon as there is one (shipway keys add); on an address that others reach, the service does not
    start without.
    """
    from shipway import offers, operating, preflight, settings, wiring

    if no_auth and behind:
        raise UsageError("--no-auth and --behind both say that nobody is asked for a key; give one of them")
    if as_json and not check:
        raise UsageError("--json goes with --check")
    place = wiring.open_workspace()
    known = settings.load(place.root)
    setup = preflight.Setup(
        host=known.host if host is None else host,
        port=known.port if port is None else port,
        workers=workers,
        no_auth=no_auth,
        behind=behind,
        manner=preflight.manner(known, certificate=tls_certificate, key=tls_key, drain=drain),
    )
    if not check:
        preflight.entrance(place, setup)
        operating.serve(place, offers.releases(place, projects), setup, every=not projects)
        return 0
    with display.progress() as progress, progress("checking"):
        found = preflight.check(place, projects, setup)
    _show(found, as_json)
    return found.exit_code


def _show(found: Check, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"ok": not found.problems, **msgspec.to_builtins(found)}))
    else:
        if found.projects:
            header = ("project", "version", "data", "", "gates", "self-tests", "predictions")
            tables.show(header, [_line(one) for one in found.projects])
        facts = {
            "address": found.address,
            "workers": str(found.workers),
            "tls": found.tls,
            "keys": found.keys and found.keys.told,
        }
        for name, text in {**facts, "journal": found.journal}.items():
            if text:
                click.echo(f"{name:<8}  {text}")
    for warning in found.warnings:
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    for problem in found.problems:
        click.secho(problem.message, fg="red", err=True)


def _line(one: Offered) -> tuple[str, ...]:
    told = display.STAND_IN if one.stand_in else ""
    return one.project, one.version, one.data_version, told, one.gates, f"{one.self_tests} passed", one.predictions
