"""How a run looks in a terminal: one live line a step, plain lines where there is no terminal, a summary at the end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from shipway.core.report import RunReport
from shipway.core.watching import Outcome, StepProgress
from shipway.steps import LIFECYCLE

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

MARKS = {"done": "✓", "cached": "=", "failed": "✗", "skipped": "-", "interrupted": "■", "running": "…"}
STYLES = {"done": "green", "cached": "dim", "failed": "red", "skipped": "dim", "interrupted": "yellow", "running": "cyan"}
STAND_IN = "STAND-IN DATA"


class PlainWatcher:
    """One line a finished step, on stderr."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        sys.stderr.flush()

    def started(self, step: str) -> None: ...

    def moved(self, step: str, label: str, done: int, total: int | None, note: str) -> None: ...

    def finished(self, outcome: Outcome) -> None:
        sys.stderr.write(f"{line(outcome)}\n")
        sys.stderr.writelines(f"  warning: {warning}\n" for warning in outcome.warnings)


class LiveWatcher:
    """All steps of the lifecycle in the terminal, the running one moving."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._outcomes: dict[str, Outcome] = {}
        self._running: tuple[str, float] | None = None
        self._activity = ""
        self._live: Live | None = None

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), get_renderable=self._render, refresh_per_second=8)
        self._live.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        from rich.text import Text

        assert self._live is not None
        self._running = None
        self._live.__exit__(None, None, None)
        for outcome in self._outcomes.values():
            for warning in outcome.warnings:
                said = Text.assemble(("warning", "yellow"), f" {outcome.name}: {warning}")
                self._live.console.print(said, soft_wrap=True)

    def started(self, step: str) -> None:
        self._running, self._activity = (step, time.monotonic()), ""

    def moved(self, step: str, label: str, done: int, total: int | None, note: str) -> None:
        self._activity = activity(label, done, total, note)

    def finished(self, outcome: Outcome) -> None:
        self._outcomes[outcome.name] = outcome
        self._running = None

    def _render(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, title=self._title, title_justify="left", title_style="bold", pad_edge=False)
        for step in LIFECYCLE:
            state: str
            outcome = self._outcomes.get(step.name)
            if outcome is not None:
                state, seconds, note = outcome.state, outcome.seconds, outcome.note
            elif self._running and self._running[0] == step.name:
                state, seconds, note = "running", time.monotonic() - self._running[1], self._activity
            else:
                table.add_row("", Text(step.name, style="dim"), "", "", "")
                continue
            style = STYLES[state]
            clock = f"{seconds:6.2f} s" if seconds else ""
            table.add_row(Text(MARKS[state], style=style), step.name, Text(state, style=style), clock, Text(note))
        return table


class LineWatcher:
    """What is going on outside of a run, as one moving line of the terminal that is gone in the end."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.status import Status

        self.status = Status("", console=Console(stderr=True))

    def started(self, step: str) -> None: ...

    def moved(self, step: str, label: str, done: int, total: int | None, note: str) -> None:
        self.status.update(activity(label, done, total, note))

    def finished(self, outcome: Outcome) -> None: ...


@contextlib.contextmanager
def progress() -> Iterator[StepProgress]:
    """How a command that is no run says where it is: a moving line in a terminal, nothing elsewhere."""
    watching = LineWatcher()
    with watching.status if sys.stderr.isatty() else contextlib.nullcontext():
        yield StepProgress("", watching)


def activity(label: str, done: int, total: int | None, note: str) -> str:
    """Where a piece of work is, in words."""
    count = f"{done:,}/{total:,}" if total else f"{done:,}" if done else ""
    return " ".join(part for part in (label, count, note) if part)


def watcher(title: str) -> PlainWatcher | LiveWatcher:
    """The watcher that fits stderr: live lines for a terminal, plain ones otherwise."""
    return LiveWatcher(title) if sys.stderr.isatty() else PlainWatcher()


def line(outcome: Outcome) -> str:
    """One step as a plain line: name, state, time, the figure that matters."""
    clock = f"{outcome.seconds:8.2f} s" if outcome.seconds else " " * 10
    return f"{outcome.name:<10}{outcome.state:<12}{clock}  {outcome.note}".rstrip()


def summary(report: RunReport) -> str:
    """The summary table of a run: what was made and how good it is, beside the baseline."""
    rows = []
    if report.stand_in:
        rows.append((STAND_IN, "these figures say nothing of the real table"))
    if report.data_version:
        rows.append(("data version", report.data_version))
    if report.quarantined is not None:
        rows.append(("quarantined", f"{report.quarantined:,} rows"))
    for name, figure in report.metrics.items():
        base = f"   baseline {report.baseline[name]:.3f}" if name in report.baseline else ""
        rows.append((name, f"{figure.value:.3f}  ({figure.low:.3f} to {figure.high:.3f}){base}"))
    rows += [("gate", f"{gate}: {'held' if held else 'DID NOT HOLD'}") for gate, held in report.gates.items()]
    if report.model_version:
        rows.append(("model", f"{report.project} version {report.model_version}, {report.alias}"))
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join([f"{report.project}", *(f"  {name:<{width}}  {text}" for name, text in rows)])
