"""The service put together: what is served, where predictions are kept, and the processes that do it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway import wiring
from shipway.core import disk, keeping, lineup, project
from shipway.core.errors import OutsideError, UsageError
from shipway.core.lineup import Lineup
from shipway.core.models import Release
from shipway.core.workspace import Workspace
from shipway.wiring import Adapters, open_project

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shipway.serving.entries import Journalling


def look(adapters: Adapters) -> Lineup:
    """Ask the registry what a project's aliases point to, bring what may be served, and tell the workers by the lineup file.

    Where the registry does not answer, what was found before stays.
    """
    folder = adapters.place.bundles / adapters.folder.name
    before = lineup.read(folder)
    try:
        found: Lineup = adapters.registry.follow(folder, before)
    except OutsideError as error:
        found = msgspec.structs.replace(before, away=str(error))
    if found != before:
        lineup.write(folder, found)
    return found


def releases(place: Workspace, names: Sequence[str] = ()) -> list[tuple[Release, Path]]:
    """What the champion of each project (all of the workspace by default) is, with the folder of its bundle.

    Raises:
        UsageError: A project that was named has no champion, or none has one.
        OutsideError: The same, where a registry does not answer, or refuses what it points to.
    """
    found, without, told = [], [], []
    for name in names or place.names():
        folder, adapters = open_project(place, name)
        seen = look(adapters)
        version = seen.versions.get(lineup.CHAMPION)
        told += [f"{folder.name}: {problem}" for problem in seen.problems]
        if version is None:
            without.append(folder.name)
        else:
            found.append(lineup.released(place.bundles / folder.name, version))
    if without and (names or not found):
        if told:
            raise OutsideError("; ".join(told))
        raise UsageError(f"no champion to serve for {', '.join(without)}; `shipway run {' '.join(without)}` makes one")
    if not found:
        raise UsageError(f"there is no project in {place.projects}; `shipway init {place.root} --examples` adds three")
    return found


def journalling(place: Workspace, names: Iterable[str]) -> Journalling:
    """What a service of the projects *names* needs to keep its predictions, as each says in `[serve.journal]`."""
    from shipway.serving.entries import Journalling

    keepings = {name: keeping.of(project.load(place.folder(name))) for name in names}
    return Journalling(wiring.journal(place), keepings, disk.secret(place.salt))


def serve(place: Workspace, found: Sequence[tuple[Release, Path]], host: str, port: int, workers: int = 1) -> None:
    """Serve releases, and what follows them in the registry, until the process is told to stop.

    Beside the *workers* one watcher asks the registry; a single worker is this process itself.
    """
    from shipway.serving import processes, server

    names = [release.name for release, _ in found]
    ours = [sys.executable, "-m", "shipway"]
    beside = {"the watcher of the registry": [*ours, "follow", *names]}
    with server.listen(host, port) as listener:
        if workers > 1:
            command = [*ours, "work", "--socket", str(listener.fileno()), *names]
            beside |= {f"worker {number}": command for number in range(1, workers + 1)}
        with processes.kept(beside, place.root, sockets=[listener.fileno()]):
            server.wait() if workers > 1 else server.answer(_app(place, found), listener)


def work(place: Workspace, names: Sequence[str], descriptor: int) -> None:
    """Be one of several workers: serve what the lineups say on a socket that is listening already."""
    from shipway.serving import processes, server

    processes.until_alone()
    champions = {name: lineup.read(place.bundles / name).versions[lineup.CHAMPION] for name in names}
    found = [lineup.released(place.bundles / name, version) for name, version in champions.items()]
    server.answer(_app(place, found, patient=True), socket.socket(fileno=descriptor))


def _app(place: Workspace, found: Sequence[tuple[Release, Path]], *, patient: bool = False) -> FastAPI:
    from shipway.serving.app import create_app

    journal = journalling(place, [release.name for release, _ in found])
    return create_app(found, follow=place.bundles, journal=journal, patient=patient)
