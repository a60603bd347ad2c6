"""Processes beside this one, started again when they end and never left behind."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SOON, LATE = 1.0, 60.0
"""Seconds before a process that ended is started again: more each time, and few again once it has run for as long as LATE."""
END_SECONDS = 2.0
"""For a process to end by itself, beyond what it needs for the requests under way."""

log = logging.getLogger("shipway.serving")


@contextlib.contextmanager
def kept(
    commands: Mapping[str, Sequence[str]], folder: Path, *, listener: socket.socket | None = None, drain: float = 0.0
) -> Iterator[None]:
    """Keep processes running for the block.

    The input of each is a pipe that closes when this process ends, however it ends: the sign for it to end, too. `until_alone`
    makes a signal of it. After the block they have *drain* and `END_SECONDS` to end; a signal in that time is handed on to them.

    Args:
        commands: By what each is in words, for the log.
        folder: Where they run.
        listener: What they share with this process, which closes it after the block: with theirs, it is then closed for all.
        drain: Seconds that they need for requests under way.
    """
    over = threading.Event()
    running: set[subprocess.Popen[bytes]] = set()
    sockets = [] if listener is None else [listener.fileno()]
    keepers = [
        threading.Thread(
            target=_keep, args=(command, folder, what, sockets, over, running, drain + END_SECONDS), name=what, daemon=True
        )
        for what, command in commands.items()
    ]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        over.set()
        with _handing_on(running):
            if listener is not None:
                listener.close()
            for keeper in keepers:
                keeper.join()


def until_alone() -> None:
    """From now on, end this process by SIGTERM when the one that keeps it has ended."""

    def watch() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="until alone", daemon=True).start()


@contextlib.contextmanager
def _handing_on(running: set[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Let a signal to this process be one to those that it keeps."""

    def hand_on(*_: object) -> None:
        for process in list(running):
            process.terminate()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, hand_on) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _keep(
    command: Sequence[str],
    folder: Path,
    what: str,
    sockets: Sequence[int],
    over: threading.Event,
    running: set[subprocess.Popen[bytes]],
    seconds: float,
) -> None:
    pause = SOON
    while not over.is_set():
        ran = 0.0
        try:
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, start_new_session=True, pass_fds=sockets)
        except OSError as error:  # no descriptor, process or memory is left at the moment
            became = f"could not be started: {error.strerror}"
        else:
            with process:
                running.add(process)
                while process.poll() is None and not over.wait(SOON):
                    ran += SOON
                if over.is_set():
                    _end(process, what, seconds)
                running.discard(process)
            became = f"ended with code {process.returncode}"
        if over.is_set():
            return
        pause = SOON if ran >= LATE else min(2 * pause, LATE)
        log.error("%s %s; it is started again in %.0f s", what, became, pause)
        over.wait(pause)


def _end(process: subprocess.Popen[bytes], what: str, seconds: float) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        log.error("%s did not end within %.0f s and is ended", what, seconds)
        process.kill()
