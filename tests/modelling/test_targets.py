from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.modelling.tables import CHURN, churn
from tests.steps.said import Said

from shipway.core.contract import Column, Contract, Level
from shipway.core.rows import keep
from shipway.modelling import targets
from shipway.modelling.candidates import Candidate
from shipway.steps.split import split
from shipway.steps.train import train
from shipway.steps.tune import tune
from shipway.steps.validate import validate

LINEAR = {"linear": Candidate("sklearn.linear_model.LogisticRegression")}


class NoChampion:
    def champion(self) -> None:
        return None


def test_a_target_as_declared_leaves_the_contract_as_it_is() -> None:
    assert targets.learned(CHURN, churn()) is CHURN


@pytest.mark.parametrize(
    ("type", "levels", "kept"),
    [("integer", [1, 2, 3, 4], ["1", "2"]), ("category", ["a", "b", "c", "d"], ["a", "b"])],
)
def test_a_merged_target_has_the_levels_that_are_left_and_the_merged_one_last(type: Any, levels: list[Level], kept: Any) -> None:
    contract = Contract(target="y", columns={"x": Column(type="integer"), "y": Column(type=type, levels=levels)})
    found = targets.learned(contract, pl.DataFrame({"y": [*kept, "other"]}))
    assert found.classes == [*kept, "other"]
    assert found.columns["y"].type == "category"
    assert found.features == contract.features


def test_a_model_of_merged_classes_goes_from_split_to_verdict_by_its_own_contract(tmp_path: Path) -> None:
    contract = Contract(target="y", columns={"x": Column(type="integer"), "y": Column(type="integer", levels=[1, 2, 3, 4])})
    rows = pl.DataFrame({"x": [*range(100), 500, 501], "y": [1] * 50 + [2] * 50 + [3, 4]})
    training, testing = split(keep(rows, tmp_path), contract=contract, progress=Said(), rare_classes="merge")
    found = tune(training, contract=contract, progress=Said(), candidates=LINEAR, folds=2)
    model = train(training, found, contract=contract, progress=Said())
    assert model.card.classes == ["1", "2", "other"]
    assert model.probabilities(testing).shape == (testing.height, 3)
    verdict = validate(testing, model, registry=NoChampion(), progress=Said(), resamples=10)  # type: ignore[arg-type]
    assert verdict.metrics["accuracy"].value > 0.8
