"""The watcher: asks the registry again and again, for the workers of a service, who only look at what it writes."""

from __future__ import annotations

import logging
import select
import sys
from collections.abc import Sequence

from shipway import preflight, wiring
from shipway.core.workspace import Workspace

SECONDS = 2.0
"""Between two looks. A worker looks at the files every second, and a version is to be live within ten."""

log = logging.getLogger("shipway.following")


def follow(place: Workspace, names: Sequence[str]) -> None:
    """Follow the registry for the projects *names* until standard input ends; a change is logged once.

    Raises as `wiring.open_project` does for a name that is none.
    """
    opened = {name: wiring.open_project(place, name)[1] for name in names}
    told: dict[str, list[str]] = {name: [] for name in names}
    while not select.select([sys.stdin], [], [], SECONDS)[0]:
        for name, adapters in opened.items():
            problems = preflight.look(adapters).problems
            for problem in problems:
                if problem not in told[name]:
                    log.warning("%s: %s", name, problem)
            if told[name] and not problems:
                log.info("%s: the registry is followed again", name)
            told[name] = problems
