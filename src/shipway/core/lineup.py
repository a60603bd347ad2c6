"""What is to be served of a project: told by the watcher, who asks the registry, to the workers, who never do.

A lineup lies beside the exported versions, as `NAME/lineup.json` beside `NAME/VERSION/`, and is replaced as a whole.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipway.core import disk
from shipway.core.errors import OutsideError
from shipway.core.models import Interval, Release
from shipway.core.serve import Serve

FILE = "lineup.json"
CHAMPION, CHALLENGER, SHADOW = "champion", "challenger", "shadow"
FOLLOWED = (CHAMPION, CHALLENGER, SHADOW)
"""The aliases that say what is served, the one that answers first."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A version that an alias points to and that is not served."""

    version: str
    reason: str


class Lineup(msgspec.Struct, frozen=True, kw_only=True):
    """What the aliases of a project point to.

    Attributes:
        versions: Alias -> the version that is exported and may be served.
        refused: Alias -> the version that it points to by now and why that is not served; the one in `versions` stays.
        away: Why the registry could not be asked; None where it answered.
        serve: How the project says that it is served; None where nothing was told of that.
        unread: Why its file could not be read, so that `serve` is what it said before; None where it could.
    """

    versions: dict[str, str] = {}
    refused: dict[str, Refused] = {}
    away: str | None = None
    serve: Serve | None = None
    unread: str | None = None

    @property
    def problems(self) -> list[str]:
        """Why what is served may not be what the registry and the project's file say, in sentences.

        That a challenger is not served is no problem, unless it is to be the canary: a run calls so what its gates did not let
        through.
        """
        told = [f"the registry can't be asked: {self.away}"] if self.away else []
        if self.unread:
            told.append(f"it is served as its file said before: {self.unread}")
        canary = self.serve.canary if self.serve else None
        without = canary.alias if canary and canary.alias not in self.versions else None
        refused = {alias: one.reason for alias, one in self.refused.items()}
        if canary is None or canary.alias != CHALLENGER:
            refused.pop(CHALLENGER, None)
        if without is not None:
            reason = refused.pop(without, "no version has that alias")
            told.append(f"the canary gets no requests, and the champion all, as {without} is not served: {reason}")
        for alias, reason in refused.items():
            told.append(f"{alias} {'stays as it was' if alias in self.versions else 'is not served'}: {reason}")
        if SHADOW in self.versions and self.serve and not self.serve.journal.enabled:
            told.append("the version in the shadow gets no copy of the traffic, as predictions are not kept")
        return told


class Move(msgspec.Struct, frozen=True):
    """An alias that was led from one version to another.

    Attributes:
        at: Seconds since 1970, UTC.
        by: Who moved it.
        before: The version that it pointed to; None where there was none.
        override: Why the version may be served though its gates did not hold.
    """

    at: float
    by: str
    why: str
    alias: str
    before: str | None
    version: str
    override: str | None = None


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A version as the registry has it.

    Attributes:
        created: Seconds since 1970, UTC.
        passed: Whether its gates held.
        override: Why it may be served though they did not, and who says so.
    """

    version: str
    aliases: list[str]
    created: float
    passed: bool
    override: str | None
    data_version: str
    estimator: str
    stand_in: bool
    metrics: dict[str, Interval]
    run_id: str


def read(folder: Path) -> Lineup:
    """The lineup of the project whose versions are in *folder*; an empty one where none was told yet."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Lineup)
    except FileNotFoundError:
        return Lineup()


def write(folder: Path, lineup: Lineup) -> None:
    disk.write_file(folder / FILE, msgspec.json.format(msgspec.json.encode(lineup), indent=1) + b"\n")


def released(folder: Path, version: str) -> tuple[Release, Path]:
    """A version that was exported to *folder*, and the folder of its bundle. Raises OutsideError where it is not there whole."""
    file = folder / version / "release.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=Release), folder / version / "bundle"
    except (FileNotFoundError, msgspec.DecodeError):
        raise OutsideError(
            f"{file} is missing or was changed; remove {folder}, and it is brought from the registry anew"
        ) from None
