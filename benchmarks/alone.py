"""What a step needs beside its results when it is called by itself, without a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shipway.core.ports import Tick


class Quiet:
    """A `Progress` that shows warnings, if these."""

    def __init__(self, *, warnings: bool = False) -> None:
        self._warnings = warnings

    @contextlib.contextmanager
    def __call__(self, label: str, total: int | None = None) -> Iterator[Tick]:
        def tick(advance: int = 1, note: str = "") -> None: ...

        yield tick

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None:
        if self._warnings:
            print(f"  warning: {text}")


class NoRegistry:
    """A registry without a champion."""

    def champion(self) -> None:
        return None
