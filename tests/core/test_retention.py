"""Exported versions that nothing points to are removed after a while."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from shipway.core import retention
from shipway.core.lineup import Lineup

LATE = time.time() - 2 * retention.SECONDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Versions 1 to 9, which were exported one after the other, long ago."""
    for version in range(1, 10):
        (tmp_path / str(version) / "bundle").mkdir(parents=True)
        (tmp_path / str(version) / "release.json").touch()
        os.utime(tmp_path / str(version), (LATE + version, LATE + version))
    return tmp_path


def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_what_nothing_points_to_goes_but_for_the_last_few(folder: Path) -> None:
    led = Lineup(versions={"champion": "2", "shadow": "5"})
    assert sorted(retention.remove(folder, led)) == ["1", "3", "4", "6"]
    assert versions(folder) == ["2", "5", "7", "8", "9"]
    assert retention.remove(folder, led) == []


def test_the_time_of_a_version_runs_from_when_the_last_alias_left_it(folder: Path) -> None:
    retention.mark(folder, Lineup(versions={"champion": "2", "challenger": "gone"}))
    retention.remove(folder, Lineup(versions={"champion": "9"}))
    assert versions(folder) == ["2", "7", "8", "9"]


def test_a_removal_that_was_killed_anywhere_is_finished_by_the_next(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    led = Lineup(versions={"champion": "9"})
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(shutil, "rmtree", killed)
        retention.remove(folder, led)
    assert all((path / "release.json").exists() for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    retention.remove(folder, led)
    assert versions(folder) == ["6", "7", "8", "9"]


def test_a_project_without_versions_has_nothing_to_remove(tmp_path: Path) -> None:
    assert retention.remove(tmp_path / "nothing", Lineup()) == []
