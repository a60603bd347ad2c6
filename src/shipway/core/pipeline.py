"""Running a lifecycle: each step once, in order, from the cache where nothing changed, and stoppable anywhere."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shipway.core.artifacts import Artifact, Document, Page
from shipway.core.cache import Cache, Record
from shipway.core.contract import Contract
from shipway.core.errors import InterruptedRun, OutsideError, UsageError
from shipway.core.plan import (
    Planned,
    check_chain,
    check_sections,
    examine,
    flatten,
    from_folder,
    rehearse,
    settings_of,
)
from shipway.core.ports import Progress, Source, Staging, Tracker
from shipway.core.project import ProjectFolder, ProjectInfo, suggest
from shipway.core.search import Search
from shipway.core.step import Step
from shipway.core.watching import Outcome, State, StepProgress, Watcher


@dataclass(frozen=True)
class Selection:
    """What of the lifecycle to run.

    Attributes:
        first: Begin here; the steps before it are not looked at, their last results are used.
        last: End after this one.
        forced: Run these, and what follows from them, even where nothing changed.
    """

    first: str | None = None
    last: str | None = None
    forced: tuple[str, ...] = ()


@dataclass
class Run:
    """A run: what each step did so far, and its results, loaded when asked for."""

    outcomes: list[Outcome] = field(default_factory=list)
    run_id: str | None = None
    _values: dict[str, Any] = field(default_factory=dict, repr=False)
    _kept: dict[str, tuple[type[Artifact], Path]] = field(default_factory=dict, repr=False)

    def result(self, name: str) -> Any:
        """The value of the result *name*. Raises UsageError when this run did not get so far."""
        if name not in self._values:
            folder = self.folder(name)
            self._values[name] = self._kept[name][0].load(folder)
        return self._values[name]

    def folder(self, name: str) -> Path:
        """Where the result *name* is kept. Raises UsageError when this run did not get so far."""
        if name not in self._kept:
            raise UsageError(f"this run has no result {name!r}; {suggest(name, self._kept)}")
        return self._kept[name][1]

    def __contains__(self, name: str) -> bool:
        return name in self._kept

    def release(self, keep: set[str]) -> None:
        """Let go of the values that are not in *keep*; they can still be loaded."""
        self._values = {name: value for name, value in self._values.items() if name in keep}


def run(
    steps: Sequence[Step[..., Any]],
    project: ProjectFolder,
    cache: Cache,
    adapters: Callable[[Any], Any],
    *,
    selection: Selection,
    watcher: Watcher,
    tracker: Tracker,
    report: Run,
) -> None:
    """Run *steps* on *project*, filling *report*; a step whose key is in the cache is not run again.

    The caller holds the project's lock. What a killed run left in the staging folder is swept first.

    Raises:
        UsageError: The chain, a section or the selection is not right; nothing has run then.
        InterruptedRun: Ctrl-C. What was finished is kept and the next run goes on from there.
    """
    check_chain(steps)
    check_sections(steps, project)
    first, last = _bounds(steps, selection)
    if any(Source in step.annotations.values() for step in steps[first : last + 1]):
        adapters(Source)  # looks at the keys of its section
    rehearse(steps, steps[first : last + 1], project, cache)
    shutil.rmtree(cache.staging, ignore_errors=True)
    keys, forced, renewed = dict[str, str](), set(selection.forced), set[str]()
    tracking = _Tracking(tracker, report)
    try:
        for index, step in enumerate(steps):
            if index > last:
                _finish(report, watcher, Outcome(step.name, "skipped"))
                continue
            if index < first:
                outcome, key = _skip(step, cache)
            else:
                forced_now = bool(forced & {step.name, *step.reads})
                planned = examine(step, project, cache, keys, adapters, forced=forced_now, renewed=renewed)
                key = planned.key
                if planned.because:
                    watcher.started(step.name)
                    tracking.begin(steps, project)
                    outcome = _execute(planned, project, cache, report, watcher)
                    if forced_now:
                        forced |= set(step.writes)
                    renewed |= set(step.writes)
                else:
                    assert planned.record is not None
                    cache.mark(step, key)
                    outcome = _reuse(planned.record, "cached")
            for name in step.writes:
                keys[name] = key
                report._kept[name] = step.kinds[name], cache.place(step, key, name)
            _finish(report, watcher, outcome)
            tracking.step(step, outcome)
            report.release(_still_read(steps[index + 1 :]))
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        state: State = "interrupted" if interrupted else "failed"
        stopped = steps[len(report.outcomes)] if len(report.outcomes) < len(steps) else steps[-1]
        _finish(report, watcher, Outcome(stopped.name, state, note="" if interrupted else str(error).partition("\n")[0]))
        with contextlib.suppress(OutsideError):  # a tracker that is away must not hide what stopped the run
            tracking.end(state)
        if interrupted:
            raise InterruptedRun(f"stopped in step {stopped.name}; what was finished is kept, run again to go on") from None
        raise
    finally:
        shutil.rmtree(cache.staging, ignore_errors=True)
    tracking.end("done")


def explain(
    steps: Sequence[Step[..., Any]], project: ProjectFolder, cache: Cache, adapters: Callable[[Any], Any], *, selection: Selection
) -> list[Planned]:
    """For each step, whether it would run now and what changed since last time; runs nothing."""
    check_chain(steps)
    check_sections(steps, project)
    _bounds(steps, selection)
    keys: dict[str, str] = {}
    forced, renewed = set(selection.forced), set[str]()
    plan = []
    for step in steps:
        forced_now = bool(forced & {step.name, *step.reads})
        planned = examine(step, project, cache, keys, adapters, forced=forced_now, renewed=renewed)
        if planned.because:
            renewed |= set(step.writes)
            if forced_now:
                forced |= set(step.writes)
        keys.update(dict.fromkeys(step.writes, planned.key))
        plan.append(planned)
    return plan


class _Tracking:
    """Opens the tracker at the first step that has something to do, and tells it of the steps before as well."""

    def __init__(self, tracker: Tracker, report: Run) -> None:
        self._tracker, self._report = tracker, report
        self._waiting: list[tuple[Step[..., Any], Outcome]] = []
        self._open = False

    def begin(self, steps: Sequence[Step[..., Any]], project: ProjectFolder) -> None:
        if self._open:
            return
        parameters = {}
        for step in steps:
            # Over what the file says, which holds the keys of adapters too, go the settings with their defaults.
            given = {**project.section(step.name), **settings_of(step, project)}
            parameters.update({f"{step.name}.{name}": value for name, value in flatten(given)})
        self._tracker.begin(parameters)
        self._open = True
        for step, outcome in self._waiting:
            self.step(step, outcome)

    def step(self, step: Step[..., Any], outcome: Outcome) -> None:
        if not self._open:
            self._waiting.append((step, outcome))
            return
        results = {
            name: self._report.result(name)
            for name, kind in step.kinds.items()
            if issubclass(kind, (Document, Page, Search)) and name in self._report
        }
        self._tracker.step(outcome, results)

    def end(self, state: str) -> None:
        if self._open:
            self._tracker.end(state)
            self._report.run_id = self._tracker.run_id
            self._open = False


def _execute(planned: Planned, project: ProjectFolder, cache: Cache, report: Run, watcher: Watcher) -> Outcome:
    step = planned.step
    progress = StepProgress(step.name, watcher)
    arguments = {**planned.settings, **planned.ports}
    for name in step.parameters:
        annotation = step.annotations[name]
        if annotation in (Contract, ProjectInfo):
            arguments[name] = from_folder(annotation, project)
        elif annotation is Progress:
            arguments[name] = progress
        elif annotation is Staging:
            arguments[name] = cache.staging / step.name
            arguments[name].mkdir(parents=True)
    began = time.perf_counter()
    returned = step(*(report.result(name) for name in step.reads), **arguments)
    seconds = time.perf_counter() - began
    results = dict(zip(step.writes, returned if len(step.writes) > 1 else (returned,), strict=True))
    record = Record(
        step=step.name, key=planned.key, inputs=planned.inputs, seconds=seconds, note=progress.text, warnings=progress.warnings
    )
    cache.keep(step, record, results)
    # What lies in the staging folder is loaded from the cache when it is asked for: the folder goes with the run.
    report._values.update({name: value for name, value in results.items() if not hasattr(value, "folder")})
    return _reuse(record, "done")


def _reuse(record: Record, state: State) -> Outcome:
    seconds = record.seconds if state == "done" else 0.0
    return Outcome(record.step, state, seconds, record.key, record.note, tuple(record.warnings))


def _skip(step: Step[..., Any], cache: Cache) -> tuple[Outcome, str]:
    record = cache.latest(step)
    if record is None:
        raise UsageError(f"--from needs the results of the earlier steps, and {step.name} has none; run without --from first")
    return _reuse(record, "skipped"), record.key


def _finish(report: Run, watcher: Watcher, outcome: Outcome) -> None:
    report.outcomes.append(outcome)
    watcher.finished(outcome)


def _still_read(steps: Sequence[Step[..., Any]]) -> set[str]:
    return {name for step in steps for name in step.reads}


def _bounds(steps: Sequence[Step[..., Any]], selection: Selection) -> tuple[int, int]:
    names = [step.name for step in steps]
    for name in (selection.first, selection.last, *selection.forced):
        if name is not None and name not in names:
            raise UsageError(f"there is no step {name!r}; {suggest(name, names)}")
    first = names.index(selection.first) if selection.first else 0
    last = names.index(selection.last) if selection.last else len(names) - 1
    if first > last:
        raise UsageError(f"--from {selection.first} comes after --to {selection.last}")
    return first, last
