"""The case studies as a user runs them: the command line, in a workspace, on real parts."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shipway.core.search import Search
from shipway.steps import LIFECYCLE

from .conftest import CASE_STUDIES, CaseStudy, alone, shipway

STEPS = [step.name for step in LIFECYCLE]

KILLED_INSIDE = """
import os, signal, sys

import lightgbm, mlflow, polars, sklearn, skops.io  # once, for all the processes forked below
from shipway.cli import main
from shipway.core import pipeline
from shipway.core.search import Search
from shipway.steps import LIFECYCLE

class Killing(pipeline.StepProgress):
    def note(self, text):
        if self._step == victim:
            os.kill(os.getpid(), signal.SIGKILL)
        super().note(text)

pipeline.StepProgress = Killing
sys.argv[1:] = ["run", "iris"]
for victim in [step.name for step in LIFECYCLE]:
    child = os.fork()
    if child == 0:
        main()
    print(victim, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

UNCHANGED = """
import sys
from shipway.cli import app
app(["run", "iris", "--stand-in"], standalone_mode=False)
heavy = {"mlflow", "sklearn", "pandas", "polars", "dvc", "numpy", "lightgbm"} & set(sys.modules)
sys.exit(f"imported: {sorted(heavy)}" if heavy else 0)
"""


@pytest.mark.parametrize("name", CASE_STUDIES)
def test_a_case_study_goes_from_its_table_to_a_champion(case_study: Callable[[str], CaseStudy], name: str) -> None:
    report = case_study(name).report
    assert [step["name"] for step in report["steps"]] == STEPS
    assert {step["state"] for step in report["steps"]} == {"done"}
    assert all(re.fullmatch(r"[0-9a-f]{32}", step["key"]) and step["note"] for step in report["steps"])
    assert re.fullmatch(rf"{name}/\d{{4}}-\d\d", report["data_version"])
    assert (report["project"], report["model_version"], report["alias"]) == (name, "1", "champion")
    assert re.fullmatch(r"[0-9a-f]{32}", report["run_id"])
    assert report["quarantined"] == 0
    for name, figure in report["metrics"].items():
        assert figure["low"] <= figure["value"] <= figure["high"], name
    assert report["metrics"]["accuracy"]["low"] > report["baseline"]["accuracy"]


def test_the_data_version_is_a_commit_and_a_tag_and_nothing_is_left_dirty(case_study: Callable[[str], CaseStudy]) -> None:
    study = case_study("iris")
    tagged = subprocess.run(
        ["git", "show", "--stat", "--format=%an", study.report["data_version"]],
        cwd=study.workspace,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "data/iris.dvc" in tagged.stdout
    status = subprocess.run(["git", "status", "--porcelain"], cwd=study.workspace, capture_output=True, text=True, check=True)
    assert "iris" not in status.stdout


def test_an_unchanged_run_does_nothing_and_imports_no_heavy_library(case_study: Callable[[str], CaseStudy]) -> None:
    study = case_study("iris")
    with alone(study.workspace.parent / "iris.lock"):
        again = subprocess.run(
            [sys.executable, "-c", UNCHANGED], cwd=study.workspace, capture_output=True, text=True, check=False
        )
    assert again.returncode == 0, again.stderr
    lines = [line for line in again.stderr.splitlines() if not line.startswith("  warning: ")]
    assert [line.split()[:2] for line in lines] == [[name, "cached"] for name in STEPS]


def test_explain_names_the_setting_that_would_change_and_what_follows(case_study: Callable[[str], CaseStudy]) -> None:
    study = case_study("iris")
    said = shipway("explain", "iris", "--stand-in", "--json", "--set", "split.seed=1", cwd=study.workspace)
    because = {step["name"]: step["because"] for step in json.loads(said.stdout)["steps"]}
    assert because["clean"] == []
    assert because["split"] == ["setting split.seed: 0 -> 1"]
    assert because["tune"] == ["training would be made anew"]
    assert "version" not in because["register"] and because["register"]


def test_a_run_from_a_projects_folder_names_it(case_study: Callable[[str], CaseStudy]) -> None:
    study = case_study("iris")
    with alone(study.workspace.parent / "iris.lock"):
        done = shipway("run", "--stand-in", "--to", "ingest", "--json", cwd=study.workspace / "projects/iris")
    assert json.loads(done.stdout)["project"] == "iris"


def test_explain_knows_variants(case_study: Callable[[str], CaseStudy]) -> None:
    study = case_study("iris")
    said = shipway("explain", "iris", "--stand-in", "--variant", "ten_folds", cwd=study.workspace)
    assert "tune      would run  setting tune.folds: 5 -> 10" in said.stdout.splitlines()


@pytest.mark.parametrize(
    ("name", "metric", "cross_validated", "tested"),
    [("telco_churn", "roc_auc", 0.847, 0.83), ("airline_satisfaction", "roc_auc", 0.994, 0.994), ("iris", "accuracy", 0.96, 0.9)],
)
def test_the_models_reach_the_bar_on_the_real_tables(
    case_study: Callable[[str], CaseStudy], real_data: bool, name: str, metric: str, cross_validated: float, tested: float
) -> None:
    if not real_data and name != "iris":
        pytest.skip("the real tables are not at hand: set SHIPWAY_DATA_DIR to a folder that has them")
    study = case_study(name)
    tune = next(step for step in study.report["steps"] if step["name"] == "tune")
    search = Search.load(study.workspace / ".shipway/cache" / name / "tune" / tune["key"] / "search")
    assert search.metric == metric
    assert search.winner.mean >= cross_validated
    assert study.report["metrics"][metric]["value"] >= tested
    if name == "airline_satisfaction":
        assert study.report["metrics"]["accuracy"]["value"] >= 0.958


@pytest.fixture
def iris_only(tmp_path: Path) -> Path:
    made = shipway("init", "workspace", "--examples", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "workspace"


def test_a_run_killed_inside_every_step_is_finished_by_the_next(iris_only: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_INSIDE], cwd=iris_only, capture_output=True, text=True, check=False)
    assert killed.stdout.splitlines() == [f"{name} {-signal.SIGKILL}" for name in STEPS], killed.stderr
    finished = shipway("run", "iris", "--json", cwd=iris_only)
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    assert [step["state"] for step in report["steps"]] == ["cached"] * (len(STEPS) - 1) + ["done"]
    assert (report["model_version"], report["alias"]) == ("1", "champion")
    assert re.fullmatch(r"iris/\d{4}-\d\d", report["data_version"])
    assert not any((iris_only / ".shipway/staging").iterdir())


def test_ctrl_c_stops_cleanly_and_the_next_run_goes_on(iris_only: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "shipway", "run", "iris"], cwd=iris_only, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("split"):
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130, rest
    assert "Traceback" not in rest
    assert "run again to go on" in rest
    again = shipway("run", "iris", "--to", "split", "--json", cwd=iris_only)
    assert {step["state"] for step in json.loads(again.stdout)["steps"]} == {"cached", "skipped"}


def test_gates_that_do_not_hold_make_a_challenger_and_exit_code_4(
    iris_only: Path, case_study: Callable[[str], CaseStudy]
) -> None:
    shared, cached = case_study("iris").workspace, ".shipway/cache/iris"
    with alone(shared.parent / "iris.lock"):
        shutil.copytree(shared / cached, iris_only / cached)  # the same steps up to the gates
    done = shipway("run", "iris", "--stand-in", "--json", "--set", "validate.gates.accuracy.at_least=1.01", cwd=iris_only)
    assert done.returncode == 4, done.stderr
    report = json.loads(done.stdout)
    assert report["alias"] == "challenger"
    served = shipway("serve", "iris", cwd=iris_only)
    assert served.returncode == 2
    assert "no champion to serve for iris" in served.stderr


def test_a_project_that_fails_does_not_keep_the_others_from_running(iris_only: Path) -> None:
    (iris_only / "projects/telco_churn/contract.toml").write_text("target = 3")
    done = shipway("run", "telco_churn", "iris", "--to", "split", "--json", cwd=iris_only)
    assert done.returncode == 2
    failed, went = (json.loads(line) for line in done.stdout.splitlines())
    assert (failed["project"], went["project"], went["error"]) == ("telco_churn", "iris", None)
    assert "telco_churn: " in done.stderr and "contract" in failed["error"]


def test_outside_a_workspace_the_next_step_is_named(tmp_path: Path) -> None:
    done = shipway("run", "iris", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "shipway init DIR --examples" in done.stderr
