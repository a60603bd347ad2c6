from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.modelling.tables import CHURN, FLOWERS, churn, flowers
from tests.steps.said import Said

from shipway.core import trusted
from shipway.core.contract import Contract
from shipway.core.errors import DataError
from shipway.core.search import BLEND, Search, Trial, members_of, named
from shipway.modelling import blending, fitting, folds, metrics, targets, thresholds
from shipway.modelling.candidates import Candidate
from shipway.modelling.contest import Entry, Rules, Tried, best
from shipway.modelling.preparation import Prepare
from shipway.modelling.preprocessing import Preprocess
from shipway.steps.compile import _single_threaded
from shipway.steps.train import train
from shipway.steps.tune import tune

if TYPE_CHECKING:
    import polars as pl

LINEAR = Candidate("sklearn.linear_model.LogisticRegression", grid={"C": [0.01, 1.0]})
BOOSTING = Candidate("lightgbm.LGBMClassifier", {"num_leaves": 4, "min_child_samples": 5}, {"n_estimators": [5, 20]})
BAYES = Candidate("sklearn.naive_bayes.GaussianNB")
TWO = {"linear": LINEAR, "boosting": BOOSTING}
PARAMS: dict[str, Any] = {
    "members": [
        {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 0.5}},
        {"estimator": "lightgbm.LGBMClassifier", "params": {"n_estimators": 10, "min_child_samples": 5}},
    ]
}
TABLES = [pytest.param(CHURN, churn(), id="two classes"), pytest.param(FLOWERS, flowers(), id="three classes")]


def searched(contract: Contract, frame: pl.DataFrame, candidates: dict[str, Candidate], **options: Any) -> Search:
    return tune(frame, contract=contract, progress=Said(), candidates=candidates, folds=3, **{"blend": True, **options})


def blend_of(found: Search) -> Trial:
    (blend,) = (trial for trial in found.trials if trial.estimator == BLEND)
    return blend


def fitted(
    contract: Contract,
    frame: pl.DataFrame,
    estimator: str,
    params: dict[str, Any],
    rules: Preprocess = Preprocess(),  # noqa: B008 (frozen)
) -> Any:
    features, truth = frame.select(contract.features), targets.codes(contract, frame)
    return fitting.fit(features, truth, estimator, params, contract=contract, prepare=Prepare(), preprocess=rules, seed=0)


def fresh(contract: Contract) -> pl.DataFrame:
    return (churn(60, seed=1) if contract is CHURN else flowers((20, 20, 20), seed=1)).select(contract.features)


def test_the_path_in_a_search_is_that_of_the_class() -> None:
    assert f"{blending.Blend.__module__}.{blending.Blend.__qualname__}" == BLEND


@pytest.mark.parametrize(("contract", "frame"), TABLES)
@pytest.mark.parametrize("metric", ["neg_log_loss", "accuracy"])
def test_the_blend_scores_as_the_mean_of_its_members_probabilities(contract: Contract, frame: pl.DataFrame, metric: str) -> None:
    blend = blend_of(searched(contract, frame, TWO, metric=metric))
    parts = []
    for member in members_of(BLEND, blend.params):
        alone = {"alone": Candidate(member.estimator, member.params)}
        parts.append(searched(contract, frame, alone, metric=metric, blend=False).out_of_fold.to_numpy())
    mean, truth = (parts[0] + parts[1]) / 2, targets.codes(contract, frame)
    opened = folds.split(contract, truth, 3, fits=1, seed=0, progress=Said())
    positive = targets.positive(contract)
    assert blend.scores == [metrics.score(metric, truth[fold.score], mean[fold.score], positive) for fold in opened]


def test_the_members_are_the_best_settings_of_the_two_best_estimators() -> None:
    found = searched(CHURN, churn(), {**TWO, "more": Candidate(LINEAR.estimator, {"C": 0.1}), "bayes": BAYES})
    kinds: dict[str, Trial] = {}
    for trial in found.trials:
        if trial.estimator != BLEND and trial.mean > getattr(kinds.get(trial.estimator), "mean", -1.0):
            kinds[trial.estimator] = trial
    two = sorted(kinds.values(), key=lambda trial: -trial.mean)[:2]
    members = members_of(BLEND, blend_of(found).params)
    assert [(member.estimator, member.params) for member in members] == [(trial.estimator, trial.params) for trial in two]


def test_the_threshold_is_chosen_on_the_mean_where_the_blend_wins() -> None:
    frame = churn(seed=2)
    boosting = Candidate(BOOSTING.estimator, {**BOOSTING.params, "n_estimators": 20})
    found = searched(CHURN, frame, {"linear": Candidate(LINEAR.estimator), "boosting": boosting})
    assert found.winner.estimator == BLEND
    members = members_of(BLEND, found.winner.params)
    alone = [searched(CHURN, frame, {"a": Candidate(one.estimator, one.params)}, blend=False).out_of_fold for one in members]
    mean = (alone[0]["Yes"] + alone[1]["Yes"]).to_numpy() / 2
    card = train(frame, found, contract=CHURN, progress=Said(), threshold="f1").card
    assert card.threshold == thresholds.choose("f1", targets.codes(CHURN, frame) == 1, mean)


@pytest.mark.parametrize("rules", [Preprocess(), Preprocess(imbalance="class_weights"), Preprocess(imbalance="over")])
@pytest.mark.parametrize(("contract", "frame"), TABLES)
def test_the_fitted_blend_answers_with_the_mean_of_its_members_fitted_alone(
    contract: Contract, frame: pl.DataFrame, rules: Preprocess
) -> None:
    blend = fitted(contract, frame, BLEND, PARAMS, rules)
    alone = [fitted(contract, frame, one.estimator, one.params, rules) for one in members_of(BLEND, PARAMS)]
    rows = fresh(contract)
    mean = (alone[0].predict_proba(rows) + alone[1].predict_proba(rows)) / 2
    assert np.array_equal(blend.predict_proba(rows), mean)


@pytest.mark.parametrize(("contract", "frame"), TABLES)
def test_a_blend_comes_back_from_disk_with_the_same_answers(contract: Contract, frame: pl.DataFrame, tmp_path: Path) -> None:
    blend, rows = fitted(contract, frame, BLEND, PARAMS), fresh(contract)
    trusted.dump(blend, tmp_path / "model.skops")
    assert np.array_equal(trusted.load(tmp_path / "model.skops").predict_proba(rows), blend.predict_proba(rows))


@pytest.mark.parametrize(("contract", "frame"), TABLES)
def test_a_row_gets_the_same_answer_of_a_blend_alone_as_in_a_batch(contract: Contract, frame: pl.DataFrame) -> None:
    blend, rows = fitted(contract, frame, BLEND, PARAMS), fresh(contract)
    alone = np.vstack([blend.predict_proba(rows[row]) for row in range(rows.height)])
    assert np.allclose(alone, blend.predict_proba(rows), rtol=0, atol=1e-15)


def test_every_member_is_served_on_one_thread() -> None:
    forest = {"estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 3, "n_jobs": 2}}
    blend = fitted(FLOWERS, flowers(), BLEND, {"members": [PARAMS["members"][0], forest]})
    served = _single_threaded(blend)["blend"].members[1]["classify"].estimator_
    assert served.n_jobs == 1


def test_a_class_without_rows_gets_no_probability() -> None:
    blend = fitted(FLOWERS, flowers((30, 0, 30)), BLEND, PARAMS)
    assert (blend.predict_proba(fresh(FLOWERS))[:, 1] == 0).all()


def test_a_project_that_names_its_candidates_has_no_blend_unless_it_asks() -> None:
    found = tune(churn(), contract=CHURN, progress=Said(), candidates=TWO, folds=2)
    assert BLEND not in {trial.estimator for trial in found.trials}


@pytest.mark.parametrize(("blend", "expected"), [(None, True), (False, False)])
def test_the_default_candidates_are_blended_unless_the_project_declines(blend: bool | None, expected: bool) -> None:
    found = tune(flowers((15, 15, 15)), contract=FLOWERS, progress=Said(), folds=2, blend=blend)
    assert (BLEND in {trial.estimator for trial in found.trials}) is expected


def entry(estimator: str, scores: list[float]) -> Entry:
    trial = Trial(candidate="c", estimator=estimator, params={}, scores=scores, mean=sum(scores) / len(scores), seconds=0.0)
    return Entry(trial, Tried())


@pytest.mark.parametrize(
    ("scores", "rows", "chosen"),
    [
        ([0.81, 0.78, 0.80], 300, BLEND),  # behind by less than folds differ
        ([0.79, 0.78, 0.77], 300, "linear"),  # behind on each
        ([0.81, 0.78, 0.80], 100_000, "linear"),
    ],
)
def test_on_few_rows_the_blend_is_taken_where_folds_do_not_tell_it_from_the_best(
    scores: list[float], rows: int, chosen: str
) -> None:
    rules = Rules("roc_auc", np.zeros(rows, dtype=np.int64), 1, [], [0, 1, 2])
    found = best([entry("linear", [0.80, 0.81, 0.80]), entry(BLEND, scores)], rules)
    assert found.trial.estimator == chosen


def test_one_estimator_has_nothing_to_be_blended_with() -> None:
    said = Said()
    found = tune(churn(), contract=CHURN, progress=said, candidates={"linear": LINEAR}, folds=2, blend=True)
    assert BLEND not in {trial.estimator for trial in found.trials}
    assert any("blend" in text for text in said.warnings)


def test_a_member_that_failed_on_a_fold_is_not_blended() -> None:
    failing = Candidate("sklearn.neighbors.KNeighborsClassifier", grid={"n_neighbors": [150, 3]})
    found = searched(CHURN, churn(210), {"linear": LINEAR, "neighbours": failing})
    assert [trial.params for trial in found.trials if trial.candidate == "neighbours"] == [{"n_neighbors": 3}]
    assert {"n_neighbors": 3} in [member.params for member in members_of(BLEND, blend_of(found).params)]


def test_a_blend_is_no_candidate_of_its_own() -> None:
    with pytest.raises(DataError, match="members; name their estimators as candidates"):
        searched(CHURN, churn(), {"mine": Candidate(BLEND, {"members": []})})


def test_each_members_parameters_are_named_one_by_one() -> None:
    assert named(BLEND, PARAMS)["member_2.n_estimators"] == 10
    assert named(LINEAR.estimator, {"C": 1.0}) == {"C": 1.0}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(1, 4))
def test_the_average_of_the_same_answers_is_that_answer(answers: list[float], times: int) -> None:
    part = np.array([answers])
    assert np.allclose(blending.average([part] * times), part, rtol=1e-15, atol=0)
