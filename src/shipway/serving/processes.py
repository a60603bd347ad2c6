"""Processes beside this one, started again when they end and never left behind."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

SOON, LATE = 1.0, 60.0
"""Seconds before a process that ended is started again: more each time, and few again once it has run for as long as LATE."""
END_SECONDS = 5.0

log = logging.getLogger("shipway.serving")


@contextlib.contextmanager
def kept(command: Sequence[str], folder: Path, what: str) -> Iterator[None]:
    """Keep a process running for the block.

    Its input is a pipe that closes when this process ends, however it ends: the sign for it to end, too.

    Args:
        folder: Where it runs.
        what: It in words, for the log.
    """
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(command, folder, what, over), name=what, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join(2 * END_SECONDS)


def _keep(command: Sequence[str], folder: Path, what: str, over: threading.Event) -> None:
    pause = SOON
    while not over.is_set():
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, start_new_session=True) as process:
            ran = 0.0
            while process.poll() is None and not over.wait(SOON):
                ran += SOON
            if over.is_set():
                _end(process)
                return
        pause = SOON if ran >= LATE else min(2 * pause, LATE)
        log.error("%s ended with code %s; it is started again in %.0f s", what, process.returncode, pause)
        over.wait(pause)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
