"""What the spine costs: start, an unchanged run, the pipeline's overhead a step, and the size of the largest module.

    python benchmarks/spine.py [--runs 5]

Every command is a process of its own in a fresh workspace; medians are printed. The overhead is measured on a lifecycle of eleven
steps that do nothing but hand on a number, with and without an MLflow run following it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from shipway.core import pipeline, project
from shipway.core.artifacts import Document
from shipway.core.cache import Cache
from shipway.core.pipeline import Run, Selection
from shipway.core.step import Step, step
from shipway.core.watching import Outcome

STEPS = 11


class Number(Document, frozen=True, kw_only=True):
    value: int


@step(writes="r0")
def s0() -> Number:
    return Number(value=0)


def following(index: int) -> Step[..., Any]:
    """A step that reads the result before it."""
    scope = {"Number": Number}
    exec(f"def s{index}(r{index - 1}: Number) -> Number:\n    return Number(value=r{index - 1}.value + 1)", scope)
    function: Any = scope[f"s{index}"]
    function.__module__ = __name__
    return step(writes=f"r{index}")(function)


class Silent:
    run_id = None

    def started(self, step: str) -> None: ...
    def moved(self, step: str, label: str, done: int, total: int | None, note: str) -> None: ...
    def finished(self, outcome: Outcome) -> None: ...
    def begin(self, parameters: object) -> None: ...
    def step(self, record: object, results: object) -> None: ...
    def end(self, state: str) -> None: ...


def overhead(tracker: Any) -> float:
    """Milliseconds a step beyond its own work, of a run of steps that do nothing; the first is not counted (it opens the run)."""
    steps = (s0, *(following(index) for index in range(1, STEPS + 1)))
    times = []

    class Clocked(Silent):
        def finished(self, outcome: Outcome) -> None:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "project.toml").write_text("")
        pipeline.run(
            steps,
            project.load(root),
            Cache(root / "cache", root / "staging"),
            lambda port: None,
            selection=Selection(),
            watcher=Clocked(),
            tracker=tracker,
            report=Run(),
        )
    return 1000 * (times[-1] - times[0]) / STEPS


def seconds(command: list[str], cwd: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    shipway = [sys.executable, "-m", "shipway"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        helped = statistics.median(seconds([*shipway, "--help"], root) for _ in range(runs))
        seconds([*shipway, "init", "workspace", "--examples"], root)
        workspace = root / "workspace"
        run = [*shipway, "run", "telco_churn", "--stand-in"]
        first = seconds(run, workspace)
        second = statistics.median(seconds(run, workspace) for _ in range(runs))
        plain = statistics.median(overhead(Silent()) for _ in range(runs))

        from shipway.adapters.mlflow.tracking import MlflowTracker

        tracker = MlflowTracker(workspace, "overhead", None, root / "cache")
        overhead(tracker)
        tracked = statistics.median(overhead(tracker) for _ in range(runs))
    package = Path(project.__file__).parents[1]
    largest = max(package.rglob("*.py"), key=lambda path: len(path.read_text().splitlines()))
    print(f"shipway --help                          {helped:6.2f} s   (at most 0.4)")
    print(f"first run of telco_churn                {first:6.1f} s")
    print(f"unchanged run of telco_churn            {second:6.2f} s   (at most 0.5)")
    print(f"overhead a step, without tracking       {plain:6.1f} ms  (goal 10)")
    print(f"overhead a step, with tracking          {tracked:6.1f} ms  (goal 60)")
    lines = len(largest.read_text().splitlines())
    print(f"largest module                          {lines:6d} lines, {largest.relative_to(package)}")


if __name__ == "__main__":
    main()
