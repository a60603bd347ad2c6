"""The versions that are live: loaded aside, self-tested, and only then answering."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shipway.core.errors import OutsideError, ShipwayError, UsageError
from shipway.core.models import ModelCard, Release
from shipway.scoring import predictor as bundles
from shipway.scoring.predictor import Predictor

TOLERANCE = 1e-9
"""How far a self-test's probability may lie from the stored one: another machine's arithmetic differs in the last digits."""

RESERVED = ("docs", "health", "metrics", "openapi.json")
"""Addresses that are the service's own."""

log = logging.getLogger("shipway.serving")


@dataclass
class Live:
    """A release and, once it has passed its self-tests, the predictor that answers for it."""

    release: Release
    folder: Path
    card: ModelCard
    example: dict[str, Any]
    loading: Future[Predictor] = field(default_factory=Future, repr=False)

    @property
    def state(self) -> str:
        """`loading`, `ready` or `failed`."""
        if not self.loading.done():
            return "loading"
        return "ready" if self.loading.exception() is None else "failed"

    @property
    def predictor(self) -> Predictor | None:
        return self.loading.result() if self.state == "ready" else None


@dataclass(frozen=True)
class Cast:
    """The versions of a project that answer.

    Attributes:
        led: Alias -> the version that it points to, where that is ready.
    """

    champion: Live
    led: Mapping[str, Live] = field(default_factory=dict)


class LiveModels(Mapping[str, Live]):
    """The champions of one service by the name of their project, and the other versions that answer beside them.

    A request takes its version once and keeps it, so a swap is one assignment: what began with the old one ends with it.

    Raises:
        OutsideError: A bundle's files are not those of its manifest.
        UsageError: A project has a name that is an address of the service's own, or is there twice.
    """

    def __init__(self, releases: Sequence[tuple[Release, Path]]) -> None:
        self._casts: dict[str, Cast] = {}
        self.problems: dict[str, list[str]] = {}
        """Project -> why what answers is not what the registry says."""
        self.failures: Counter[tuple[str, str]] = Counter()
        """Project and version -> how often it was tried to let it answer, in vain."""
        for release, folder in releases:
            check_name(release.name)
            if release.name in self._casts:
                raise UsageError(f"{release.name} is to be served twice; name each project once")
            self._casts[release.name] = Cast(_read(release, folder))

    def __getitem__(self, name: str) -> Live:
        return self._casts[name].champion

    def __iter__(self) -> Iterator[str]:
        return iter(self._casts)

    def __len__(self) -> int:
        return len(self._casts)

    def only(self, names: Collection[str]) -> LiveModels:
        """Those of *names* as they are now, with the problems of those that do not answer yet."""
        part = LiveModels([])
        part._casts = {name: self._casts[name] for name in names if name in self._casts}
        part.problems = {name: self.problems.get(name, []) for name in names}
        return part

    @property
    def ready(self) -> bool:
        return all(live.state == "ready" for live in self.values())

    def versions(self, name: str) -> dict[str, Live]:
        """The versions of a project that answer, the champion first."""
        cast = self._casts[name]
        return {live.release.version: live for live in (cast.champion, *cast.led.values())}

    def led(self, name: str, alias: str) -> Live | None:
        """The version of a project that *alias* points to; None where none answers."""
        return self._casts[name].led.get(alias)

    def load(self, pool: ThreadPoolExecutor) -> None:
        """Begin to load all models in *pool*."""
        for live in self.values():
            live.loading = pool.submit(load, live.release, live.folder)
            live.loading.add_done_callback(lambda done, live=live: _tell(live, done))  # type: ignore[misc]

    def put(self, name: str, cast: Cast) -> None:
        """Let *cast*, and no other version, answer for a project from now on, which may be one that was not served before."""
        self._casts = {**self._casts, name: cast}  # others may be going through it


def check_name(name: str) -> None:
    """Raises UsageError for a project that can't be served under its name."""
    if name in RESERVED:
        raise UsageError(f"a project named {name!r} can't be served: that is an address of the service; rename it")


def bring(release: Release, folder: Path) -> Live:
    """A release that is ready. Raises OutsideError when its bundle was changed, or it fails its self-tests."""
    live = _read(release, folder)
    live.loading.set_result(load(release, folder))
    return live


def _read(release: Release, folder: Path) -> Live:
    bundles.verify(folder)
    return Live(release, folder, bundles.read_card(folder), bundles.read_self_tests(folder)[0].record)


def load(release: Release, folder: Path) -> Predictor:
    """Load the bundle in *folder* and put it to its self-tests. Raises OutsideError when it answers otherwise than it should."""
    predictor = Predictor.load(folder)
    answers = predictor.predict([test.record for test in predictor.self_tests]).probabilities
    worst = max(abs(answers - [test.probabilities for test in predictor.self_tests]).max(axis=1))
    if not worst <= TOLERANCE:
        made_with = ", ".join(f"{name} {version}" for name, version in predictor.manifest.made_with.items())
        raise OutsideError(
            f"{release.name} version {release.version} fails its self-test: a probability is {worst:.2g} off. "
            f"It was made with {made_with}; install these versions, or run the project again with those at hand"
        )
    return predictor


def _tell(live: Live, done: Future[Predictor]) -> None:
    if done.cancelled():
        return
    name = f"{live.release.name} version {live.release.version}"
    error = done.exception()
    if error is None:
        log.info("%s is ready", name)
    elif isinstance(error, ShipwayError):
        log.error("%s is not served: %s", name, error)
    else:
        log.error("%s is not served", name, exc_info=error)
