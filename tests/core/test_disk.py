from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from shipway.core import disk
from shipway.core.errors import UsageError


def test_a_file_is_replaced_whole_and_nothing_is_left_aside(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    disk.write_file(path, b"one")
    disk.write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_published_folder_replaces_the_one_that_was_there(tmp_path: Path) -> None:
    for text in ("one", "two"):
        staged = tmp_path / "staged"
        staged.mkdir()
        (staged / "file").write_text(text)
        disk.publish_folder(staged, tmp_path / "target")
    assert (tmp_path / "target/file").read_text() == "two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["target"]


def test_what_a_killed_process_left_between_the_renames_is_in_nobodys_way(tmp_path: Path) -> None:
    for name in ("staged", "staged.old", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    disk.publish_folder(tmp_path / "staged", tmp_path / "target")
    assert (tmp_path / "target/file").read_text() == "staged"
    assert [entry.name for entry in tmp_path.iterdir()] == ["target"]


HOLD = """
import sys, pathlib
from shipway.core import disk
with disk.locked(pathlib.Path(sys.argv[1]), "a test"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_keeps_a_second_process_out_until_the_first_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(UsageError, match=f"a test is going on already \\(process {holder.pid}\\)"), disk.locked(path, "a test"):
        pass
    holder.kill()
    holder.communicate()
    with disk.locked(path, "a test"):
        pass


def test_a_file_system_that_says_no_is_told_from_a_bug() -> None:
    full = disk.refusal(OSError(errno.ENOSPC, "No space left on device"))
    assert full is not None and str(full).startswith("No space left on device; make room")
    shut = disk.refusal(OSError(errno.EROFS, "Read-only file system", "/there/file"))
    assert shut is not None and str(shut).startswith("/there/file: Read-only file system; see that")
    assert disk.refusal(FileNotFoundError(errno.ENOENT, "No such file or directory")) is None
