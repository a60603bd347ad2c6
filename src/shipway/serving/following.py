"""A worker follows what the watcher says is to be served: loads it aside, and swaps only to what passed its self-tests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from shipway.core import lineup
from shipway.core.errors import ShipwayError
from shipway.core.lineup import CHAMPION, Lineup
from shipway.core.serve import Serve
from shipway.serving.live import Cast, Live, LiveModels, bring, check_name

SECONDS = 1.0
"""Between two looks at the lineups."""
AGAIN_SECONDS = 30.0
"""After which a version that could not be loaded is tried again, as what was missing may be there by then."""

log = logging.getLogger("shipway.serving")


class Follower:
    """Keeps *models* at what the lineups in *folder* say, from a thread of its own.

    Args:
        settle: Called with a project and how it says that it is served, before a version of it answers, and when that changes.
        names: Gives the projects to be served; one that is new is served once it has a champion.
    """

    def __init__(
        self, models: LiveModels, folder: Path, settle: Callable[[str, Serve], None], names: Callable[[], Iterable[str]]
    ) -> None:
        self._models, self._folder, self._settle, self._names = models, folder, settle, names
        self._settled: dict[str, Serve] = {}
        self._failed: dict[tuple[str, str], tuple[float, str]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SECONDS):
            for name in dict.fromkeys((*self._models, *self._names())):
                if name in self._models and self._models[name].state == "loading":
                    continue  # of the first model, which comes before any swap
                try:
                    self._follow(name, lineup.read(self._folder / name))
                except Exception:
                    log.exception("the lineup of %s could not be followed", name)

    def _follow(self, name: str, told: Lineup) -> None:
        before = self._models.get(name)
        answering = {} if before is None else self._models.versions(name)
        ready = {version: live for version, live in answering.items() if live.state == "ready"}
        waits = before is None and CHAMPION not in {*told.versions, *told.refused}
        problems = [] if waits else told.problems
        wanted = told.versions
        for version in dict.fromkeys(wanted.values()):
            if version not in ready:
                live, problem = self._bring(name, version)
                if live is not None:
                    ready[version] = live
                else:
                    problems.append(f"version {version} is not served: {problem}")
        champion = ready.get(wanted.get(CHAMPION, ""), before)
        if champion is not None:
            if told.serve is not None and told.serve != self._settled.get(name):
                self._settle(name, told.serve)
                self._settled[name] = told.serve
            led = {alias: ready[version] for alias, version in wanted.items() if version in ready}
            self._models.put(name, Cast(champion, led))
            if champion is not before:
                after = "the first of its project" if before is None else f"after version {before.release.version}"
                log.info("%s: version %s answers, %s", name, champion.release.version, after)
        if problems != self._models.problems.get(name, []):
            for problem in problems:
                log.warning("%s: %s", name, problem)
        self._models.problems[name] = problems

    def _bring(self, name: str, version: str) -> tuple[Live | None, str]:
        """A version that is ready, or why it is not."""
        at, problem = self._failed.get((name, version), (0.0, ""))
        if problem and time.monotonic() < at + AGAIN_SECONDS:
            return None, problem
        try:
            check_name(name)
            live = bring(*lineup.released(self._folder / name, version))
        except ShipwayError as error:
            return None, self._fail(name, version, str(error))
        except Exception as error:  # of a library that the model was not made with: the old version goes on
            log.exception("%s version %s could not be loaded", name, version)
            return None, self._fail(name, version, f"it could not be loaded ({type(error).__name__})")
        self._failed.pop((name, version), None)
        return live, ""

    def _fail(self, name: str, version: str, problem: str) -> str:
        self._failed[name, version] = time.monotonic(), problem
        self._models.failures[name, version] += 1
        return problem
