from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.errors import UsageError
from shipway.modelling import estimators
from shipway.modelling.candidates import Candidate, Span, settings

LINEAR = "sklearn.linear_model.LogisticRegression"


def test_a_grid_tries_every_combination_in_order() -> None:
    found = settings({"a": Candidate(LINEAR, {"x": 0}, {"y": [1, 2], "z": [3, 4]})}, search="grid", trials=1, seed=0)
    assert [setting.params for setting in found] == [{"x": 0, "y": y, "z": z} for y in (1, 2) for z in (3, 4)]


@given(seed=st.integers(0, 1000), low=st.integers(1, 50), width=st.integers(1, 50), log=st.booleans())
def test_random_draws_stay_in_their_range_and_repeat_with_the_seed(seed: int, low: int, width: int, log: bool) -> None:
    grid: dict[str, Any] = {"n": Span(low, low + width, log), "f": Span(float(low), float(low + width), log), "c": ["a", "b"]}
    candidates = {"one": Candidate(LINEAR, grid=grid), "two": Candidate(LINEAR, grid=grid)}
    found = settings(candidates, search="random", trials=6, seed=seed)
    assert found == settings(candidates, search="random", trials=6, seed=seed)
    assert {setting.candidate for setting in found} == {"one", "two"}
    for setting in found:
        assert isinstance(setting.params["n"], int)
        assert low <= setting.params["n"] <= low + width
        assert low <= setting.params["f"] <= low + width


def test_equal_draws_are_tried_once() -> None:
    assert len(settings({"a": Candidate(LINEAR)}, search="random", trials=5, seed=0)) == 1


@pytest.mark.parametrize(
    ("grid", "search", "message"),
    [
        ({"C": []}, "grid", "grid.C is empty"),
        ({"C": Span(0.1, 1)}, "grid", 'only search = "random"'),
        ({"C": Span(1, 1)}, "random", "low must be below high"),
        ({"C": Span(0, 1, log=True)}, "random", "above 0 with log"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(grid: dict[str, Any], search: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings({"a": Candidate(LINEAR, grid=grid)}, search=search, trials=2, seed=0)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("LogisticRegression", "no dotted path"),
        ("sklearn.linear_model.LogisticRegresion", "did you mean 'LogisticRegression'"),
        ("sklearn.linear_modell.LogisticRegression", "did you mean 'linear_model'"),
        ("nosuchpackage.Classifier", "nosuchpackage is not installed; pip install nosuchpackage"),
        ("sklearn.linear_model.LinearRegression", "no classifier with predict_proba"),
        ("sklearn.linear_model.RidgeClassifier", "no classifier with predict_proba"),
        ("sklearn.metrics.roc_auc_score", "no scikit-learn estimator"),
    ],
)
def test_an_estimator_that_will_not_do_is_refused_with_the_next_step(path: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        estimators.make(path, {}, seed=0)


def test_a_parameter_that_the_estimator_lacks_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no parameter 'max_itr'; did you mean 'max_iter'"):
        estimators.make(LINEAR, {"max_itr": 5}, seed=0)


def test_estimators_get_seed_and_one_thread_unless_the_project_says_otherwise() -> None:
    forest = estimators.make("sklearn.ensemble.RandomForestClassifier", {"random_state": 7}, seed=3)
    assert (forest.random_state, forest.n_jobs) == (7, 1)
    assert estimators.make("lightgbm.LGBMClassifier", {}, seed=3).random_state == 3
