"""The service put together: its processes, and the application that each worker is."""

from __future__ import annotations

import dataclasses
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shipway import offers, preflight, settings, wiring
from shipway.core import lineup
from shipway.core.errors import OutsideError
from shipway.core.models import Release
from shipway.core.workspace import Workspace
from shipway.preflight import Setup

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shipway.serving.doors import Guard

log = logging.getLogger("shipway.serving")


def serve(place: Workspace, found: Sequence[tuple[Release, Path]], setup: Setup, *, every: bool = False) -> None:
    """Serve releases, and what follows them in the registry, until the process is told to stop.

    Beside the workers one watcher asks the registry; a single worker is this process itself.

    Args:
        every: Serve each project of the workspace, also one that gets its first champion later.

    Raises:
        UsageError, OutsideError: As `preflight.entrance` and `create_app` do, before a port is opened.
    """
    from shipway.serving import processes, server, sharing

    entrance = preflight.entrance(place, setup)
    names = [] if every else [release.name for release, _ in found]
    app = application(place, found, setup, names)
    warnings = [warning for warning in (entrance.warning, _journal_away(place, found)) if warning]
    ours = [sys.executable, "-m", "shipway"]
    beside = {"the watcher of the registry": [*ours, "follow", *names]}
    manner = setup.manner or server.Manner()
    with server.listen(setup.host, setup.port, manner) as listener:
        for warning in warnings:
            log.warning(warning)
        if setup.workers == 1:
            with processes.kept(beside, place.root):
                server.answer(app, listener, manner)
            return
        options = [*manner.options, *([] if setup.asks else ["--no-auth"])]
        command = [*ours, "work", "--socket", str(listener.fileno()), *options, *names]
        beside |= {f"worker {number}": command for number in range(1, setup.workers + 1)}
        with sharing.shared(place.metrics), processes.kept(beside, place.root, listener=listener, drain=manner.drain):
            server.wait()


def work(place: Workspace, names: Sequence[str], descriptor: int, setup: Setup) -> None:
    """Be one of several workers: serve what the lineups of *names*, or of all projects, say on a socket that is listening."""
    from shipway.serving import processes, server

    processes.until_alone()
    listener = socket.socket(fileno=descriptor)
    # The file of keys may be gone by now: a worker that is started again must not be open to everybody where the first was not.
    preflight.entrance(place, dataclasses.replace(setup, host=listener.getsockname()[0]))
    told = {name: lineup.read(place.bundles / name).versions for name in names or place.names()}
    champions = {name: versions[lineup.CHAMPION] for name, versions in told.items() if lineup.CHAMPION in versions}
    found = [lineup.released(place.bundles / name, version) for name, version in champions.items()]
    server.answer(application(place, found, setup, names, patient=True), listener, setup.manner)


def application(
    place: Workspace,
    found: Sequence[tuple[Release, Path]],
    setup: Setup,
    names: Sequence[str] = (),
    *,
    patient: bool = False,
) -> FastAPI:
    """The application that each worker is, for *names* or all projects of the workspace. Raises as `create_app` does."""
    from shipway.serving.access_log import AccessLog
    from shipway.serving.app import create_app

    champions = [release.name for release, _ in found]
    canaries = {name: canary for name in champions if (canary := offers.served(place, name).canary) is not None}
    guard = _guard(place) if setup.asks else None
    form = settings.load(place.root).access_log
    access = None if form == "off" else AccessLog(form)
    return create_app(
        found,
        follow=place.bundles,
        names=(lambda: names) if names else place.names,
        canaries=canaries,
        patient=patient,
        journal=offers.journalling(place, champions),
        guard=guard,
        traffic=place.traffic,
        access=access,
    )


def _guard(place: Workspace) -> Guard:
    from shipway.serving.doors import Guard
    from shipway.serving.keyring import Keyring
    from shipway.serving.rates import Rates

    return Guard(Keyring(wiring.keys(place)), Rates(place.rates))


def _journal_away(place: Workspace, found: Sequence[tuple[Release, Path]]) -> str:
    """Why predictions can't be kept at the moment, or nothing. It keeps no service from starting: the journal may come back."""
    kept = offers.journalling(place, [release.name for release, _ in found])
    try:
        if any(kept.keeping(name) for name in kept.keepings):
            preflight.reach(kept)
    except OutsideError as error:
        return str(error)
    return ""
