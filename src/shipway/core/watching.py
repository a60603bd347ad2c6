"""Looking on while a run goes: what a step says, who hears it, and how each step went."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from shipway.core.ports import Tick

State = Literal["done", "cached", "failed", "skipped", "interrupted"]


@dataclass(frozen=True)
class Outcome:
    """How one step of a run went."""

    name: str
    state: State
    seconds: float = 0.0
    key: str = ""
    note: str = ""
    warnings: tuple[str, ...] = ()


class Watcher(Protocol):
    """Someone who looks on while a run goes: a terminal, a log."""

    def started(self, step: str) -> None: ...

    def moved(self, step: str, label: str, done: int, total: int | None, note: str) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...


class StepProgress:
    """The `Progress` that a step is given: hands on what it says to the watcher and keeps note and warnings."""

    def __init__(self, step: str, watcher: Watcher) -> None:
        self._step, self._watcher = step, watcher
        self.text = ""
        self.warnings: list[str] = []

    @contextlib.contextmanager
    def __call__(self, label: str, total: int | None = None) -> Iterator[Tick]:
        done = 0

        def tick(advance: int = 1, note: str = "") -> None:
            nonlocal done
            done += advance
            self._watcher.moved(self._step, label, done, total, note)

        self._watcher.moved(self._step, label, 0, total, "")
        yield tick

    def note(self, text: str) -> None:
        self.text = text

    def warn(self, text: str) -> None:
        self.warnings.append(text)
