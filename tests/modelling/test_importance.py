from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.steps.said import Said

from shipway.core.contract import Column, Contract
from shipway.core.models import Model
from shipway.modelling import importance, metrics
from shipway.modelling.candidates import Candidate
from shipway.steps.train import train
from shipway.steps.tune import tune

COLUMNS = 60


def wide(rows: int, seed: int = 0) -> pl.DataFrame:
    """Sixty columns, of which two tell the classes apart."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, COLUMNS))
    kind = np.where(2 * x[:, 7] + x[:, 55] + draw.normal(size=rows) > 0, "yes", "no")
    return pl.DataFrame({**{f"x{place}": x[:, place] for place in range(COLUMNS)}, "y": kind})


@pytest.fixture(scope="module")
def model() -> Model:
    columns = {f"x{place}": Column(type="number") for place in range(COLUMNS)}
    contract = Contract(target="y", columns={**columns, "y": Column(type="category", levels=["no", "yes"])})
    training = wide(600)
    linear = {"linear": Candidate("sklearn.linear_model.LogisticRegression", {"C": 0.1})}
    found = tune(training, contract=contract, progress=Said(), candidates=linear, folds=2)
    return train(training, found, contract=contract, progress=Said())


def measured(model: Model, testing: pl.DataFrame) -> dict[str, Any]:
    truth = (testing["y"] == "yes").to_numpy().astype(int)
    return importance.measure(model, testing, lambda rows, said: metrics.score("roc_auc", truth[rows], said, 1), seed=0)


def test_in_a_wide_table_the_columns_that_move_the_answers_are_measured_and_the_others_counted(model: Model) -> None:
    found = measured(model, wide(500, seed=1))
    assert found["columns"][:2] == ["x7", "x55"]
    assert len(found["columns"]) + found["left_out"] == COLUMNS
    assert found["mean"] == sorted(found["mean"], reverse=True)
    assert all(low <= mean <= high for low, mean, high in zip(found["low"], found["mean"], found["high"], strict=True))


def test_the_work_is_bounded_in_rows_and_columns(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    answer = Model.probabilities
    monkeypatch.setattr(Model, "probabilities", lambda self, frame: asked.append(frame.height) or answer(self, frame))
    measured(model, wide(5000, seed=1))
    assert sum(asked) <= importance.ANSWERS + importance.ROWS + (COLUMNS + 1) * importance.SIFTED_ROWS
    assert max(asked) <= importance.AT_ONCE


def test_a_table_of_few_rows_is_measured_on_all_of_them(model: Model) -> None:
    assert measured(model, wide(30, seed=1))["rows"] == 30
