"""Exported versions that nothing points to any more, removed after a while so that a disk does not fill with them."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from shipway.core import disk
from shipway.core.lineup import Lineup

SECONDS = 3600.0
"""For which a version stays after the last alias left it: by then no worker begins to load it, and nobody goes back in haste."""
SPARED = 3
"""Versions that stay, whatever their age: going back to one of them brings nothing over a network."""
LOCK = ".lock"
"""In a project's folder: held by whoever brings a version or takes one away."""


def mark(folder: Path, lineup: Lineup) -> None:
    """Note that *lineup* is about to change: from now on the time runs for what it points to and the next one does not."""
    for version in set(lineup.versions.values()):
        if (folder / version).is_dir():
            os.utime(folder / version)


def remove(folder: Path, lineup: Lineup) -> list[str]:
    """Remove what *lineup* has not pointed to for a while from *folder*, and what a killed process left; gives the versions.

    A version goes by its folder's name first, so that it is there whole or not at all.
    """
    if not _litter(folder) and not _gone(folder, lineup):
        return []
    with disk.alone(folder / LOCK):
        for path in _litter(folder):
            shutil.rmtree(path)
        gone = _gone(folder, lineup)
        for path in gone:
            shutil.rmtree(path.rename(folder / f".{path.name}"))
    return [path.name for path in gone]


def _litter(folder: Path) -> list[Path]:
    """What is being brought or removed, or was when a process was killed."""
    return list(folder.glob(".*/"))


def _gone(folder: Path, lineup: Lineup) -> list[Path]:
    led = {*lineup.versions.values(), *(path.name for path in _litter(folder))}
    idle = sorted((path for path in folder.glob("*/") if path.name not in led), key=_left, reverse=True)
    return [path for path in idle[SPARED:] if _left(path) < time.time() - SECONDS]


def _left(path: Path) -> float:
    """When a version was exported, or an alias left it, whichever came last."""
    return path.stat().st_mtime
