"""A process that is kept beside this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.waiting import until

from shipway.serving import processes

if TYPE_CHECKING:
    import pytest

CHILD = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); sys.stdin.read()"
PARENT = """
import signal, sys
from pathlib import Path
from shipway.serving.processes import kept
with kept({"the child": [sys.executable, "-c", sys.argv[1], sys.argv[2]]}, Path.cwd()):
    signal.pause()
"""


def children(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def runs(process: int) -> bool:
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_ends_is_started_again_and_it_ends_with_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SOON", 0.02)
    file = tmp_path / "started"
    with processes.kept({"the child": [sys.executable, "-c", CHILD, str(file)]}, tmp_path):
        until(lambda: len(children(file)) == 1)
        os.kill(children(file)[0], signal.SIGKILL)
        until(lambda: len(children(file)) == 2)
    assert not runs(children(file)[1])


def test_it_ends_when_the_process_that_keeps_it_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "started"
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(file)]) as parent:
        until(lambda: len(children(file)) == 1)
        parent.kill()
    until(lambda: not runs(children(file)[0]))


def test_a_process_that_can_not_be_started_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SOON", 0.05)
    program = tmp_path / "program"
    done = tmp_path / "done"
    with processes.kept({"it": [str(program)]}, tmp_path):
        program.write_text(f"#!/bin/sh\ntouch {done}\ncat >/dev/null\n")
        program.chmod(0o755)
        until(done.exists)
