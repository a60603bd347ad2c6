"""What there is to serve: which versions the registry points to, and how each project's files say that it is served."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway import wiring
from shipway.core import disk, lineup, project, retention
from shipway.core import serve as serve_section
from shipway.core.errors import OutsideError, UsageError
from shipway.core.lineup import Lineup
from shipway.core.models import Release
from shipway.core.serve import Serve
from shipway.core.workspace import Workspace
from shipway.wiring import Adapters, open_project

if TYPE_CHECKING:
    from shipway.serving.entries import Journalling

PROJECT_FILES = ("project.toml", "contract.toml")
"""What says how a project is served."""


def look(adapters: Adapters) -> Lineup:
    """Ask the registry what a project's aliases point to, bring what may be served, and tell the workers by the lineup file.

    Where the registry does not answer, or the project's file can't be read, what was found before stays. Versions that nothing
    has pointed to for a while are removed.
    """
    folder = adapters.place.bundles / adapters.folder.name
    try:
        before = lineup.read(folder)
    except msgspec.DecodeError:  # of another version of Shipway, or damaged; the registry knows better
        before = Lineup()
    try:
        found: Lineup = adapters.registry.follow(folder, before)
    except OutsideError as error:
        found = msgspec.structs.replace(before, away=str(error))
    try:
        found = msgspec.structs.replace(found, serve=_served(adapters.folder.folder), unread=None)
    except UsageError as error:
        found = msgspec.structs.replace(found, serve=before.serve, unread=str(error))
    if found != before:
        retention.mark(folder, before)
        lineup.write(folder, found)
    if found.away is None:
        retention.remove(folder, found)
    return found


def releases(place: Workspace, names: Sequence[str] = ()) -> list[tuple[Release, Path]]:
    """What the champion of each project (all of the workspace by default) is, with the folder of its bundle.

    Raises:
        UsageError: A project that was named has no champion, or none has one; or what a project says in `[serve]` is wrong.
        OutsideError: The same, where a registry does not answer, or refuses what it points to.
    """
    found, without, told = [], [], []
    for name in names or place.names():
        folder, adapters = open_project(place, name)
        serve_section.of(folder)
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


def served(place: Workspace, name: str) -> Serve:
    """How a project is served: as its file says, or where that can't be read, as it said when it was last followed."""
    try:
        return _served(place.folder(name))
    except UsageError:
        told = lineup.read(place.bundles / name).serve
        if told is None:
            raise
        return told


def _served(folder: Path) -> Serve:
    """How the project in *folder* says that it is served by now. Raises UsageError where its file or contract can't be read."""
    try:
        stamps = [(found.st_mtime_ns, found.st_size) for name in PROJECT_FILES if (found := (folder / name).stat())]
    except OSError as error:
        raise UsageError(f"{folder} can't be read: {error.strerror}") from None
    return _served_then(folder, *stamps)


@functools.lru_cache(maxsize=1000)
def _served_then(folder: Path, *stamps: tuple[int, int]) -> Serve:
    return serve_section.of(project.load(folder))


def journalling(place: Workspace, names: Iterable[str]) -> Journalling:
    """What a service of the projects *names* needs to keep its predictions, as each says in `[serve.journal]`."""
    from shipway.serving.entries import Journalling

    keepings = {name: served(place, name).journal for name in names}
    return Journalling(wiring.journal(place), keepings, disk.secret(place.salt))
