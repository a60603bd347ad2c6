"""A worker follows what the watcher says is to be served: loads it aside, and swaps only to what passed its self-tests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
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
                except BaseException as error:  # noqa: BLE001 - also a library's panic: the other projects are followed
                    self._say(name, [f"its lineup can't be followed ({type(error).__name__})"], error)

    def _follow(self, name: str, told: Lineup) -> None:
        before = self._models.get(name)
        answering = {} if before is None else self._models.versions(name)
        ready = {version: live for version, live in answering.items() if live.state == "ready"}
        waits = before is None and CHAMPION not in {*told.versions, *told.refused}
        problems = [] if waits else told.problems
        for version in sorted(set(told.versions.values()), key=lambda one: one != told.versions.get(CHAMPION)):
            if version not in ready:
                live, problem = self._bring(name, version)
                if live is not None:
                    ready[version] = live
                else:
                    problems.append(f"version {version} is not served: {problem}")
            self._put(name, told, ready)  # the champion does not wait for those beside it
        self._put(name, told, ready)
        self._say(name, problems)

    def _say(self, name: str, problems: list[str], error: BaseException | None = None) -> None:
        """Keep the problems of a project for readiness, and log them where they are news."""
        if problems != self._models.problems.get(name, []):
            for problem in problems:
                log.warning("%s: %s", name, problem, exc_info=error)
        self._models.problems[name] = problems

    def _put(self, name: str, told: Lineup, ready: Mapping[str, Live]) -> None:
        """Let those of *ready* answer that are told to; where the champion is not among them, the one before stays."""
        before = self._models.get(name)
        champion = ready.get(told.versions.get(CHAMPION, ""), before)
        if champion is None:
            return
        if told.serve is not None and told.serve != self._settled.get(name):
            self._settle(name, told.serve)
            self._settled[name] = told.serve
        kept = {} if before is None else {alias: self._models.led(name, alias) for alias in told.versions}
        led = {alias: ready.get(one) or kept.get(alias) for alias, one in told.versions.items()}
        self._models.put(name, Cast(champion, {alias: live for alias, live in led.items() if live is not None}))
        if champion is not before:
            after = "the first of its project" if before is None else f"after version {before.release.version}"
            log.info("%s: version %s answers, %s", name, champion.release.version, after)

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
        except BaseException as error:  # of a library that the model was not made with: the old version goes on
            log.exception("%s version %s could not be loaded", name, version)
            return None, self._fail(name, version, f"it could not be loaded ({type(error).__name__})")
        self._failed.pop((name, version), None)
        return live, ""

    def _fail(self, name: str, version: str, problem: str) -> str:
        self._failed[name, version] = time.monotonic(), problem
        self._models.failures[name, version] += 1
        return problem
