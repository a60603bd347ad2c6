from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.scoring import made
from tests.steps.said import Said

from shipway.core import trusted
from shipway.core.errors import ShipwayError
from shipway.core.models import Bundle
from shipway.core.ports import Staging
from shipway.scoring import predictor as bundles
from shipway.scoring.predictor import Predictor
from shipway.steps.compile import SELF_TEST_ROWS, compile


def test_the_bundle_answers_as_the_fitted_pipeline_bit_for_bit(tmp_path: Path) -> None:
    rows = made.visits()
    model = made.fitted(made.VISITS, rows, "sklearn.ensemble.RandomForestClassifier", n_estimators=20, n_jobs=2)
    compile(rows, rows, model, staging=Staging(tmp_path), progress=Said())
    found = Predictor.load(tmp_path)
    inner = found.model.pipeline[-1].estimator_
    assert inner.n_jobs == 1
    assert model.pipeline[-1].estimator_.n_jobs == 2
    assert np.abs(found.predict(rows).probabilities - model.probabilities(rows)).max() < 1e-12


def test_the_same_model_makes_the_same_bundle(tmp_path: Path) -> None:
    rows = made.visits()
    digests = {Bundle.load(made.bundle(tmp_path / name, made.VISITS, rows)).digest for name in "ab"}
    assert len(digests) == 1


def test_the_record_that_callers_are_shown_is_no_row_of_the_data(visits_bundle: Path) -> None:
    first, *others = bundles.read_self_tests(visits_bundle)
    rows = made.visits().drop("id", "memo", "returns")
    assert first.record["note"] == "text"
    assert set(rows["note"]) >= {test.record["note"] for test in others}
    assert len(others) == SELF_TEST_ROWS


def test_a_self_test_holds_a_row_with_missing_values_where_there_is_one(visits_bundle: Path) -> None:
    _, second, *_ = bundles.read_self_tests(visits_bundle)
    assert None in second.record.values()


def test_a_model_of_few_rows_and_none_to_test_on_still_gets_its_bundle(tmp_path: Path) -> None:
    rows = made.visits(12)
    compile(rows, rows[:0], made.fitted(made.VISITS, rows), staging=Staging(tmp_path), progress=Said())
    assert Predictor.load(tmp_path).predict(rows).labels


class OneUlpOff:
    """Stands for a pipeline whose saved form lost something."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def predict_proba(self, frame: Any) -> Any:
        return np.nextafter(self.inner.predict_proba(frame), 2)


def test_a_pipeline_that_answers_otherwise_once_saved_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made.irises()
    model = made.fitted(made.IRIS, rows)
    load = trusted.load
    monkeypatch.setattr(trusted, "load", lambda path: OneUlpOff(load(path)))
    with pytest.raises(ShipwayError, match=r"other probabilities on 150 of 150 test rows; .*LogisticRegression"):
        compile(rows, rows, model, staging=Staging(tmp_path), progress=Said())
