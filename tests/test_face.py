"""Shipway in Python, on the shared workspace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import shipway
from shipway.core.errors import UsageError

from .conftest import CaseStudy, alone


@pytest.fixture(scope="module")
def run(case_study: Callable[[str], CaseStudy]) -> shipway.ProjectRun:
    study = case_study("iris")
    with alone(study.workspace.parent / "iris.lock"):
        return shipway.Project(study.workspace / "projects/iris").run(stand_in=True)


def test_a_run_gives_its_frames_model_and_verdict(run: shipway.ProjectRun) -> None:
    assert run.clean.height == run.training.height + run.testing.height == 150
    assert run.model.card.classes == ["Iris-setosa", "Iris-versicolor", "Iris-virginica"]
    assert run.verdict.rows == run.testing.height
    assert run.search.winner.mean == max(trial.mean for trial in run.search.trials)
    assert run.version.version == run.report.model_version == "1"


def test_predict_takes_a_record_records_or_a_frame(run: shipway.ProjectRun) -> None:
    frame = run.predict(run.testing)
    assert frame.columns == ["label", *(f"probability_{level}" for level in run.model.card.classes)]
    assert (frame["label"] == run.testing["Species"]).mean() == run.verdict.metrics["accuracy"].value
    records = run.testing.to_dicts()
    assert run.predict(records).equals(frame)
    alone = run.predict(records[0])
    assert alone["label"].to_list() == frame["label"].head(1).to_list()
    assert alone.row(0)[1:] == pytest.approx(frame.row(0)[1:], abs=1e-12)


def test_a_run_shows_itself_in_a_terminal_and_in_a_notebook(run: shipway.ProjectRun) -> None:
    assert repr(run).startswith("<run of iris, version 1 (champion): accuracy 0.")
    page = run._repr_html_()
    assert "<td>validate</td>" in page and "95 % interval" in page and "STAND-IN" not in page


def test_a_folder_that_is_no_project_is_refused(case_study: Callable[[str], CaseStudy]) -> None:
    with pytest.raises(UsageError, match="did you mean 'iris'"):
        shipway.Project(case_study("iris").workspace / "projects/iriss")
