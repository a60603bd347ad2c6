"""Waiting for what something else brings about."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds after which it is taken for never; far more than any of it takes on a busy machine."""

PAUSE = 0.01
"""Seconds between two looks, which leaves the processor to what is waited for."""


def until(fits: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not fits():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(PAUSE)
