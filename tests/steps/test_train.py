from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.metrics import f1_score
from tests.modelling.tables import CHURN, FLOWERS, churn, flowers
from tests.steps.said import Said

from shipway.core.models import Model
from shipway.core.search import Search
from shipway.modelling import targets, thresholds
from shipway.modelling.candidates import Candidate
from shipway.modelling.preparation import Prepare
from shipway.modelling.thresholds import Costs
from shipway.steps.train import train
from shipway.steps.tune import tune

LINEAR = {"linear": Candidate("sklearn.linear_model.LogisticRegression", grid={"C": [0.1, 1.0]})}
PREPARE = Prepare(add={"price_a_month": '"price.now" / NULLIF("months/😀 total", 0)'}, rename={"remote": "far"})


@pytest.fixture(scope="module")
def search() -> Search:
    return tune(churn(), contract=CHURN, prepare=PREPARE, progress=Said(), candidates=LINEAR, folds=3)


def test_a_model_comes_back_from_disk_with_the_same_answers(search: Search, tmp_path: Path) -> None:
    model = train(churn(), search, contract=CHURN, prepare=PREPARE, progress=Said())
    model.save(tmp_path)
    back = Model.load(tmp_path)
    fresh = churn(seed=1)
    assert np.array_equal(back.probabilities(fresh), model.probabilities(fresh))
    assert back.card == model.card


def test_a_row_gets_the_same_answer_alone_as_in_a_batch(search: Search) -> None:
    model = train(churn(), search, contract=CHURN, prepare=PREPARE, progress=Said())
    fresh = churn(60, seed=1)
    alone = np.vstack([model.probabilities(fresh[row]) for row in range(60)])
    assert np.allclose(alone, model.probabilities(fresh), rtol=0, atol=1e-15)


def test_the_threshold_is_the_one_with_the_best_f1_out_of_fold(search: Search) -> None:
    model = train(churn(), search, contract=CHURN, prepare=PREPARE, progress=Said(), threshold="f1")
    truth, scores = targets.codes(CHURN, churn()), search.out_of_fold["Yes"].to_numpy()
    assert model.card.threshold is not None
    best = max(f1_score(truth, scores >= line) for line in np.unique(scores))
    assert f1_score(truth, scores >= model.card.threshold) == pytest.approx(best)


def test_f1_draws_the_line_by_itself_only_where_positive_rows_are_rare() -> None:
    rare, common = (np.arange(90) < positive for positive in (29, 31))
    assert (thresholds.usual(rare), thresholds.usual(common)) == ("f1", 0.5)
    assert thresholds.usual(rare, np.where(rare, 2.0, 1.0)) == 0.5


def test_a_dear_false_negative_lowers_the_threshold(search: Search) -> None:
    found: list[Any] = [
        train(churn(), search, contract=CHURN, prepare=PREPARE, progress=Said(), threshold=Costs(1, cost)).card.threshold
        for cost in (0.2, 5)
    ]
    assert found[0] > found[1]


def test_what_libraries_say_while_the_winner_is_fitted_is_told_and_not_printed(search: Search) -> None:
    said = Said()
    winner = msgspec.structs.replace(search.winner, params={"max_iter": 1})
    train(churn(), replace(search, trials=[winner], best=0), contract=CHURN, prepare=PREPARE, progress=said)
    assert any("ConvergenceWarning" in text for text in said.warnings)


def test_more_than_two_classes_have_no_threshold() -> None:
    search = tune(flowers(), contract=FLOWERS, progress=Said(), candidates=LINEAR, folds=3)
    card = train(flowers(), search, contract=FLOWERS, progress=Said()).card
    assert card.threshold is None
    assert card.classes == [1, 2, 3]
    assert card.class_counts == [30, 30, 30]
    assert card.profile.rows == 90
