"""A small lifecycle of counting steps, run for real on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from shipway.core import project
from shipway.core.artifacts import Document, Page, Table
from shipway.core.cache import Cache
from shipway.core.errors import InterruptedRun, OutsideError, UsageError
from shipway.core.pipeline import Run, Selection, explain, run
from shipway.core.plan import check_chain
from shipway.core.ports import ModelRegistry, Progress, Staging
from shipway.core.project import ProjectInfo
from shipway.core.step import step
from shipway.core.watching import Outcome

CALLS: list[str] = []
FAULTS: dict[str, BaseException] = {}


class Number(Document, frozen=True, kw_only=True):
    value: int


@step(writes="received")
def ingest(*, start: int = 1) -> Number:
    """Begin with a number."""
    CALLS.append("ingest")
    return Number(value=start)


@step(writes=("training", "testing"))
def split(
    received: Number, *, progress: Progress, info: ProjectInfo, order: Literal["given", "random"] = "given", share: float = 0.5
) -> tuple[Number, Number]:
    """Write two results."""
    CALLS.append("split")
    if "split" in FAULTS:
        raise FAULTS["split"]
    progress.note(f"share {share}")
    progress.warn("a word of warning")
    return Number(value=received.value), Number(value=received.value * 10)


@step(writes="model")
def train(training: Number, *, staging: Staging, factor: int = 2) -> Number:
    """Read one of the two."""
    CALLS.append("train")
    (staging / "scratch").write_text("gone afterwards")
    return Number(value=training.value * factor)


@step(writes="version")
def register(model: Number, testing: Number, *, registry: ModelRegistry) -> Number:
    """Have an effect on the outside."""
    CALLS.append("register")
    registry.versions.append(model.value)  # type: ignore[attr-defined]
    return Number(value=len(registry.versions))  # type: ignore[attr-defined]


@step(writes=("report", "rows"))
def describe() -> tuple[Page, Table]:
    """Make a page for people, and a table that is for steps only."""
    import polars

    return Page("<title>a page</title>"), polars.DataFrame({"a": [1]})


STEPS = (ingest, split, train, register)


class ToyRegistry:
    """An outside that can lose what it holds and whose champion can move."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.champion = "none"
        self.keys: dict[str, str] = {}

    def reading(self, keys: dict[str, str]) -> ToyRegistry:
        self.keys = keys
        return self

    def fingerprint(self) -> str:
        return f"champion={self.champion}"

    def holds(self, result: object) -> bool:
        return bool(self.versions)


class Quiet:
    def __init__(self) -> None:
        self.seen: list[Outcome] = []

    def started(self, step: str) -> None: ...
    def moved(self, step: str, label: str, done: int, total: int | None, note: str) -> None: ...
    def finished(self, outcome: Outcome) -> None:
        self.seen.append(outcome)


class ToyTracker:
    run_id: str | None = "run-1"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.heard: dict[str, object] = {}

    def begin(self, parameters: dict[str, Any]) -> None:
        self.said.append("begin")
        self.parameters = parameters

    def step(self, record: Outcome, results: dict[str, object]) -> None:
        self.said.append(f"{record.name} {record.state}")
        self.heard |= results

    def end(self, state: str) -> None:
        self.said.append(state)


class Bench:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.registry, self.tracker = ToyRegistry(), ToyTracker()
        self.cache = Cache(root / ".shipway/cache", root / ".shipway/staging")
        self.write("")

    def write(self, text: str) -> None:
        (self.root / "project.toml").write_text(text)

    def adapters(self, port: Any) -> Any:
        return self.registry if port is ModelRegistry else None

    def run(self, *overrides: str, **selection: Any) -> tuple[list[str], Run]:
        CALLS.clear()
        report = Run()
        self.tracker = ToyTracker()
        run(
            STEPS,
            project.load(self.root, overrides=overrides),
            self.cache,
            self.adapters,
            selection=Selection(**selection),
            watcher=Quiet(),
            tracker=self.tracker,
            report=report,
        )
        return list(CALLS), report

    def reasons(self, *overrides: str, **selection: Any) -> dict[str, list[str]]:
        loaded = project.load(self.root, overrides=overrides)
        plan = explain(STEPS, loaded, self.cache, self.adapters, selection=Selection(**selection))
        return {item.step.name: item.because for item in plan}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    FAULTS.clear()
    return Bench(tmp_path)


ALL = ["ingest", "split", "train", "register"]


def test_an_unchanged_run_runs_no_step_and_opens_no_tracked_run(bench: Bench) -> None:
    assert bench.run()[0] == ALL
    assert bench.tracker.said == ["begin", *(f"{name} done" for name in ALL), "done"]
    calls, report = bench.run()
    assert calls == [] and bench.tracker.said == []
    assert [outcome.state for outcome in report.outcomes] == ["cached"] * 4


def test_a_cached_step_repeats_its_note_and_warnings(bench: Bench) -> None:
    bench.run()
    outcome = bench.run()[1].outcomes[1]
    assert (outcome.note, outcome.warnings) == ("share 0.5", ("a word of warning",))


def test_a_changed_setting_runs_its_step_and_what_follows_from_it(bench: Bench) -> None:
    bench.run()
    assert bench.run("train.factor=3")[0] == ["train", "register"]
    assert bench.run()[0] == []


def test_a_tracked_run_hears_of_the_cached_steps_too(bench: Bench) -> None:
    bench.run()
    bench.run("train.factor=3")
    assert bench.tracker.said == ["begin", "ingest cached", "split cached", "train done", "register done", "done"]
    assert bench.tracker.parameters["train.factor"] == "3"


def test_the_tracker_is_handed_pages_and_no_tables(bench: Bench) -> None:
    loaded = project.load(bench.root)
    run(
        (describe,),
        loaded,
        bench.cache,
        bench.adapters,
        selection=Selection(),
        watcher=Quiet(),
        tracker=bench.tracker,
        report=Run(),
    )
    assert bench.tracker.heard == {"report": Page("<title>a page</title>")}


def test_explain_names_what_changed_and_what_follows(bench: Bench) -> None:
    assert bench.reasons()["ingest"] == ["no result yet"]
    bench.run()
    assert not any(bench.reasons().values())
    reasons = bench.reasons("train.factor=3")
    assert reasons["train"] == ["setting train.factor: 2 -> 3"]
    assert reasons["register"] == ["model would be made anew"]
    assert reasons["split"] == []


def test_a_moved_champion_runs_the_step_that_reads_the_registry(bench: Bench) -> None:
    bench.run()
    bench.registry.champion = "7"
    assert bench.reasons()["register"] == ["registry: champion=none -> champion=7"]
    assert bench.run()[0] == ["register"]


def test_an_effect_that_the_outside_lost_is_made_again(bench: Bench) -> None:
    bench.run()
    bench.registry.versions.clear()
    assert bench.reasons()["register"] == ["version is no longer where it was kept"]
    assert bench.run()[0] == ["register"]
    assert bench.registry.versions == [2]


def test_a_forced_step_runs_with_all_that_follows_from_it(bench: Bench) -> None:
    bench.run()
    assert bench.run(forced=("split",))[0] == ["split", "train", "register"]
    assert bench.reasons(forced=("train",)) == {"ingest": [], "split": [], "train": ["forced"], "register": ["forced"]}


def test_from_uses_the_last_results_of_earlier_steps_and_to_stops(bench: Bench) -> None:
    bench.run()
    calls, report = bench.run("ingest.start=5", "train.factor=9", first="train", last="train")
    assert calls == ["train"]
    assert report.result("model") == Number(value=9)
    assert [outcome.state for outcome in report.outcomes] == ["skipped", "skipped", "done", "skipped"]


def test_from_without_earlier_results_says_what_to_do(bench: Bench) -> None:
    with pytest.raises(UsageError, match="ingest has none; run without --from first"):
        bench.run(first="train")


@pytest.mark.parametrize(
    ("fault", "raised", "state"),
    [(KeyboardInterrupt(), InterruptedRun, "interrupted"), (ValueError("broken\nsecond line"), ValueError, "failed")],
)
def test_a_stopped_run_keeps_what_was_finished_and_the_next_goes_on(
    bench: Bench, fault: BaseException, raised: type[BaseException], state: str
) -> None:
    FAULTS["split"] = fault
    with pytest.raises(raised):
        bench.run()
    assert bench.tracker.said[-1] == state
    assert not bench.cache.staging.exists()
    FAULTS.clear()
    assert bench.run()[0] == ["split", "train", "register"]


def test_a_tracker_that_is_away_does_not_hide_what_stopped_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: ToyTracker, state: str) -> None:
        raise OutsideError("away")

    monkeypatch.setattr(ToyTracker, "end", away)
    FAULTS["split"] = KeyboardInterrupt()
    with pytest.raises(InterruptedRun):
        bench.run()


def test_a_result_that_was_half_written_does_not_count(bench: Bench) -> None:
    bench.run()
    for record in (bench.cache.folder / "train").glob("*/step.json"):
        record.write_text('{"step": "tra')
    assert bench.reasons()["train"] == ["no result yet"]
    assert bench.run()[0] == ["train"]


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_text("")])
def test_a_result_that_lost_a_file_or_a_part_of_one_is_made_again(bench: Bench, damage: Callable[[Path], object]) -> None:
    bench.run()
    for file in (bench.cache.folder / "split").glob("*/testing/*"):
        damage(file)
    assert bench.run()[0] == ["split"]


def test_going_back_to_an_earlier_setting_runs_nothing(bench: Bench) -> None:
    bench.run()
    bench.run("split.share=0.3")
    assert bench.run()[0] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trian]\nfactor = 1", r"no section \[trian\]; did you mean 'train'"),
        ("[train]\nfactr = 1", r"\[train\] has no setting 'factr'; did you mean 'factor'"),
        ('[train]\nfactor = "x"', r"\[train\] factor: expected a whole number; found 'x'"),
        ('[split]\norder = "x"', r"\[split\] order: expected one of given, random; found 'x'"),
        ("[project]\ntitle = 3", r"\[project\] title: expected a text; found 3"),
        ("train = 3", "train must be a section"),
    ],
)
def test_a_wrong_project_file_is_refused_before_anything_runs(bench: Bench, text: str, message: str) -> None:
    bench.write(text)
    with pytest.raises(UsageError, match=message):
        bench.run()
    assert CALLS == []


@pytest.fixture
def wary() -> Iterator[None]:
    """`train` looks at its factor before anything runs, and at that of a library where it is new."""

    def positive(factor: int, share: float) -> None:
        if factor <= share:
            raise UsageError(f"[train] factor = {factor}: expected more than share")

    def rehearsed(factor: int) -> None:
        CALLS.append("rehearsal")
        if factor > 9:
            raise UsageError(f"[train] factor = {factor}: the library has no such factor")

    train.check(positive)
    train.rehearse(rehearsed)
    yield
    train.checks.clear()
    train.rehearsals.clear()


@pytest.mark.parametrize(("factor", "message"), [(0, "factor = 0: expected more than share"), (10, "the library has no such")])
def test_a_setting_that_only_its_step_understands_is_refused_before_anything_runs(
    bench: Bench, wary: None, factor: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        bench.run(f"train.factor={factor}")
    assert not set(CALLS) & set(ALL)


def test_only_settings_that_a_step_did_not_run_with_are_rehearsed(bench: Bench, wary: None) -> None:
    assert bench.run()[0] == ["rehearsal", *ALL]
    assert bench.run()[0] == []
    assert bench.run("train.factor=3", last="split")[0] == []
    assert bench.run("train.factor=3")[0] == ["rehearsal", "train", "register"]
    assert bench.run()[0] == []


def test_a_step_that_does_not_exist_is_named_with_the_nearest(bench: Bench) -> None:
    with pytest.raises(UsageError, match="no step 'trian'; did you mean 'train'"):
        bench.run(last="trian")


@pytest.mark.parametrize(
    ("steps", "message"),
    [((split, ingest), "split reads 'received', which no earlier step writes"), ((ingest, ingest), "both write 'received'")],
)
def test_a_broken_chain_is_refused(steps: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_chain(steps)


def test_a_step_is_a_plain_function_to_its_callers() -> None:
    declared: Callable[..., Number] = ingest
    assert declared(start=4) == Number(value=4)
    assert (train.reads, train.writes, split.writes) == (("training",), ("model",), ("training", "testing"))
