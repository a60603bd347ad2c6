"""Processes beside this one, started again when they end and never left behind."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SOON, LATE = 1.0, 60.0
"""Seconds before a process that ended is started again: more each time, and few again once it has run for as long as LATE."""
END_SECONDS = 20.0
"""For a process to end by itself, which a worker does after the requests under way."""

log = logging.getLogger("shipway.serving")


@contextlib.contextmanager
def kept(commands: Mapping[str, Sequence[str]], folder: Path, *, sockets: Sequence[int] = ()) -> Iterator[None]:
    """Keep processes running for the block.

    The input of each is a pipe that closes when this process ends, however it ends: the sign for it to end, too. `until_alone`
    makes a signal of it.

    Args:
        commands: By what each is in words, for the log.
        folder: Where they run.
        sockets: Descriptors that they share with this process.
    """
    over = threading.Event()
    keepers = [
        threading.Thread(target=_keep, args=(command, folder, what, sockets, over), name=what, daemon=True)
        for what, command in commands.items()
    ]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        over.set()
        for keeper in keepers:
            keeper.join()


def until_alone() -> None:
    """From now on, end this process by SIGTERM when the one that keeps it has ended."""

    def watch() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="until alone", daemon=True).start()


def _keep(command: Sequence[str], folder: Path, what: str, sockets: Sequence[int], over: threading.Event) -> None:
    pause = SOON
    while not over.is_set():
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, start_new_session=True, pass_fds=sockets) as process:
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
