from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import polars
import pytest
from mlflow_garden import PROJECT

from shipway.core.artifacts import Origin, Page
from shipway.core.models import Interval, ModelVersion
from shipway.core.search import BLEND, Search, Trial


@dataclass(frozen=True)
class Record:
    name: str
    state: str = "done"
    seconds: float = 1.5
    note: str = ""


SEARCH = Search(
    metric="roc_auc",
    folds=2,
    trials=[
        Trial(candidate="linear", estimator="a.B", params={"C": 1.0}, scores=[0.7, 0.9], mean=0.8, seconds=0.1),
        Trial(candidate="forest", estimator="a.C", params={"depth": None}, scores=[0.8, 1.0], mean=0.9, seconds=0.2),
    ],
    best=1,
    out_of_fold=polars.DataFrame({"a": [0.5]}),
)


def runs(place, query=""):
    client = place.store.open()
    return client.search_runs([client.get_experiment_by_name(PROJECT).experiment_id], query)


def follow(place, records, state="done", parameters=None):
    tracker = place.tracker
    tracker.begin(parameters or {})
    for record, results in records:
        tracker.step(record, results)
    tracker.end(state)
    return place.store.open().get_run(tracker.run_id)


def test_a_run_tells_settings_and_what_each_step_took(place):
    run = follow(
        place, [(Record("ingest", note="60 rows"), {}), (Record("clean", state="cached"), {})], parameters={"split.seed": "0"}
    )
    assert run.info.status == "FINISHED"
    assert run.data.params == {"split.seed": "0"}
    assert run.data.metrics == {"seconds/ingest": 1.5}
    assert (run.data.tags["step.ingest"], run.data.tags["step.clean"]) == ("done: 60 rows", "cached")


@pytest.mark.parametrize(("state", "status"), [("done", "FINISHED"), ("failed", "FAILED"), ("interrupted", "KILLED")])
def test_the_run_ends_as_the_lifecycle_did(place, state, status):
    assert follow(place, [], state).info.status == status


def test_any_setting_fits_whatever_its_name_and_length(place):
    parameters = {f"tune.{number}": "" for number in range(250)}
    parameters |= {"prepare.add.price (€/kg)": "x" * 10_000, "prepare.add.a//b": "y", "prepare.add." + "z" * 300: "w"}
    kept = follow(place, [], parameters=parameters).data.params
    assert len(kept) == len(parameters)
    assert len(kept["prepare.add.price (€_kg)".replace("(", "_").replace(")", "_").replace("€", "_")]) == 6000


def test_the_trials_of_a_search_are_nested_runs(place):
    run = follow(place, [(Record("tune"), {"search": SEARCH})])
    nested = sorted(runs(place, f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"), key=lambda one: one.info.run_name)
    assert [one.info.run_name for one in nested] == ["forest 2", "linear 1"]
    assert nested[0].data.metrics == {"roc_auc": 0.9, "seconds": 0.2, "roc_auc/fold_1": 0.8, "roc_auc/fold_2": 1.0}
    assert nested[0].data.params == {"estimator": "a.C", "depth": "null"}
    assert {one.info.status for one in nested} == {"FINISHED"}
    assert run.data.params["model.candidate"] == "forest"


def test_a_blend_is_told_with_the_parameters_of_each_member(place):
    members = [{"estimator": "a.B", "params": {"C": 1.0}}, {"estimator": "a.C", "params": {"depth": 3}}]
    blend = Trial(candidate="blend", estimator=BLEND, params={"members": members}, scores=[0.9], mean=0.9, seconds=0.3)
    told = follow(place, [(Record("tune"), {"search": replace(SEARCH, trials=[*SEARCH.trials, blend], best=2)})]).data.params
    assert (told["model.estimator"], told["model.member_1.C"], told["model.member_2.estimator"]) == (BLEND, "1.0", "a.C")


def test_a_cached_search_is_not_told_again(place):
    follow(place, [(Record("tune", state="cached"), {"search": SEARCH})])
    assert len(runs(place)) == 1


def test_a_verdict_brings_figures_with_intervals_and_pictures(place, made):
    difference = {"roc_auc": Interval(value=0.01, low=-0.01, high=0.03)}
    verdict = msgspec.structs.replace(made.verdict, difference=difference)
    run = follow(place, [(Record("validate"), {"verdict": verdict})])
    figures = run.data.metrics
    assert (figures["test/roc_auc"], figures["test/roc_auc/low"], figures["test/roc_auc/high"]) == (0.97, 0.9, 1.0)
    assert (figures["baseline/roc_auc"], figures["difference/roc_auc/low"]) == (0.5, -0.01)
    from shipway.modelling import plots

    names = [file.path for file in place.store.open().list_artifacts(run.info.run_id, "plots")]
    assert names == sorted(f"plots/{name}" for name in plots.draw(verdict, title=PROJECT))


def test_the_data_version_is_the_input_of_the_run(place, made):
    run = follow(place, [(Record("snapshot"), {"data_version": made.data_version})])
    assert run.inputs.dataset_inputs[0].dataset.name == "garden/2026-11"
    assert run.data.tags["shipway.data_hash"] == "0a1b2c3d.dir"
    assert "mlflow.note.content" not in run.data.tags


def test_stand_in_data_is_said_in_a_tag_and_in_the_description(place, made):
    stand_in = msgspec.structs.replace(made.data_version, origin=Origin(source="dataset", rows=60, stand_in=True))
    tags = follow(place, [(Record("snapshot", state="cached"), {"data_version": stand_in})]).data.tags
    assert tags["shipway.stand_in"] == "true"
    assert tags["mlflow.note.content"].startswith("STAND-IN DATA")


def test_a_page_is_kept_under_the_name_of_its_result(place):
    page = Page("<!doctype html><title>Blüten & more</title>")
    run = follow(place, [(Record("clean"), {"data_report": page})])
    client = place.store.open()
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["data_report.html"]
    kept = Path(client.download_artifacts(run.info.run_id, "data_report.html"))
    assert kept.read_text(encoding="utf-8") == page.text


def test_the_model_version_is_named(place):
    version = ModelVersion(name=PROJECT, version="3", alias="champion", run_id="r", data_version="garden/2026-11")
    assert follow(place, [(Record("register"), {"version": version})]).data.tags["shipway.model_version"] == "3"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_run_that_was_killed_is_closed_when_the_next_begins(place):
    place.store.experiment(place.store.open(), PROJECT)
    if (child := os.fork()) == 0:
        place.tracker.begin({})
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert [run.info.status for run in runs(place)] == ["RUNNING"]
    follow(place, [])
    assert sorted(run.info.status for run in runs(place)) == ["FINISHED", "KILLED"]


def test_an_open_run_of_another_workspace_is_left_alone(place, tmp_path_factory):
    shared = replace(place, uri=f"sqlite:///{place.root}/shared.db")
    other = replace(shared, root=tmp_path_factory.mktemp("other"))
    other.tracker.begin({})
    follow(shared, [])
    assert sorted(run.info.status for run in runs(shared)) == ["FINISHED", "RUNNING"]
