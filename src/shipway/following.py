"""The watcher: asks the registry again and again, for the workers of a service, who only look at what it writes."""

from __future__ import annotations

import logging
import select
import sys
from collections.abc import Sequence

from shipway import offers, wiring
from shipway.core.errors import ShipwayError
from shipway.core.workspace import Workspace
from shipway.wiring import Adapters

SECONDS = 2.0
"""Between two looks. A worker looks at the files every second, and a version is to be live within ten."""

log = logging.getLogger("shipway.following")


class Watch:
    """Looks at the registry for some projects, and says each change once.

    Args:
        names: The projects; none: all that the workspace has by then.
    """

    def __init__(self, place: Workspace, names: Sequence[str]) -> None:
        self._place, self._names = place, names
        self._opened: dict[str, Adapters] = {}
        self._told: dict[str, list[str]] = {}

    def look(self) -> None:
        for name in self._names or self._place.names():
            try:
                if name not in self._opened:
                    self._opened[name] = wiring.open_project(self._place, name)[1]
                problems = offers.look(self._opened[name]).problems
            except (ShipwayError, OSError) as error:
                problems = [str(error)]
            except Exception as error:  # noqa: BLE001 - a bug, or tags that somebody edited: the others are followed all the same
                problems = [f"it could not be followed ({type(error).__name__}: {error})"]
            told = self._told.get(name, [])
            for problem in problems:
                if problem not in told:
                    log.warning("%s: %s", name, problem)
            if told and not problems:
                log.info("%s: the registry and its file are followed again", name)
            self._told[name] = problems


def follow(place: Workspace, names: Sequence[str]) -> None:
    """Follow the registry for the projects *names*, or for all that there are, until standard input ends."""
    watch = Watch(place, names)
    while not select.select([sys.stdin], [], [], SECONDS)[0]:
        watch.look()
