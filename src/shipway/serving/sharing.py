"""Where the workers of one service put their figures together."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""By which prometheus_client is told the folder; read from the environment when it is first imported, in each worker."""


@contextlib.contextmanager
def shared(root: Path) -> Iterator[None]:
    """For the block, let the processes that are started from here share the figures of their metrics, in a folder of *root*.

    What services that were killed left there is removed.
    """
    if root.is_dir():
        for left in root.iterdir():
            if not (left.name.isdigit() and alive(int(left.name))):
                shutil.rmtree(left, ignore_errors=True)
    folder = root / str(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[SHARED] = str(folder)
    try:
        yield
    finally:
        del os.environ[SHARED]
        shutil.rmtree(folder, ignore_errors=True)


def alive(number: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
