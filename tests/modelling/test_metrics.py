from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from shipway.core.errors import UsageError
from shipway.modelling import bootstrap, metrics, thresholds
from shipway.modelling.metrics import Answers
from shipway.modelling.thresholds import Costs


def drawn(seed: int, rows: int, classes: int, grain: int) -> tuple[Answers, np.ndarray[Any, Any]]:
    """Random answers in which every class occurs, with ties (*grain* distinct scores), and weights of a resample."""
    draw = np.random.default_rng(seed)
    truth = np.append(np.arange(classes), draw.integers(0, classes, rows))
    raw = draw.integers(1, grain + 2, (len(truth), classes)).astype(float)
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    if classes == 2:
        probabilities[:, 0] = 1 - probabilities[:, 1]
    weights = draw.integers(0, 4, len(truth)).astype(float)
    weights[:classes] = 1
    return Answers(truth, probabilities, draw.integers(0, classes, len(truth)), 1 if classes == 2 else None), weights


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 60), grain=st.integers(1, 30), weighted=st.booleans())
def test_two_class_metrics_equal_those_of_scikit_learn(seed: int, rows: int, grain: int, weighted: bool) -> None:
    answers, weights = drawn(seed, rows, 2, grain)
    truth, scores, decided = answers.truth, answers.probabilities[:, 1], answers.decided
    w = weights if weighted else np.ones(len(truth))
    expected = {
        "roc_auc": theirs.roc_auc_score(truth, scores, sample_weight=w),
        "average_precision": theirs.average_precision_score(truth, scores, sample_weight=w),
        "accuracy": theirs.accuracy_score(truth, decided, sample_weight=w),
        "balanced_accuracy": theirs.balanced_accuracy_score(truth, decided, sample_weight=w),
        "f1": theirs.f1_score(truth, decided, sample_weight=w, zero_division=0),
        "precision": theirs.precision_score(truth, decided, sample_weight=w, zero_division=0),
        "recall": theirs.recall_score(truth, decided, sample_weight=w, zero_division=0),
        "log_loss": theirs.log_loss(truth, answers.probabilities, sample_weight=w),
        "brier": theirs.brier_score_loss(truth, scores, sample_weight=w),
    }
    assert metrics.measure(answers, weights if weighted else None) == pytest.approx(expected, abs=1e-9)
    assert metrics.score("roc_auc", truth, answers.probabilities, 1) == pytest.approx(
        theirs.roc_auc_score(truth, scores), abs=1e-9
    )


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 60), classes=st.integers(3, 5), grain=st.integers(1, 30))
def test_many_class_metrics_equal_those_of_scikit_learn(seed: int, rows: int, classes: int, grain: int) -> None:
    answers, w = drawn(seed, rows, classes, grain)
    truth, p, decided = answers.truth, answers.probabilities, answers.decided
    areas = [theirs.roc_auc_score(truth == index, p[:, index], sample_weight=w) for index in range(classes)]
    expected = {
        "accuracy": theirs.accuracy_score(truth, decided, sample_weight=w),
        "balanced_accuracy": theirs.balanced_accuracy_score(truth, decided, sample_weight=w),
        "f1_macro": theirs.f1_score(truth, decided, sample_weight=w, average="macro", zero_division=0),
        "roc_auc_ovr": np.mean(areas),
        "log_loss": theirs.log_loss(truth, p, sample_weight=w),
    }
    assert metrics.measure(answers, w) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 4))
def test_weighing_rows_equals_repeating_them(seed: int, classes: int) -> None:
    answers, weights = drawn(seed, 40, classes, 10)
    copies = np.repeat(np.arange(len(weights)), weights.astype(int))
    repeated = Answers(answers.truth[copies], answers.probabilities[copies], answers.decided[copies], answers.positive)
    found, expected = metrics.measure(answers, weights), metrics.measure(repeated)
    # f1_macro speaks of the classes of all rows, also in a resample that lacks one
    shared = [name for name in found if name != "f1_macro"]
    assert [found[name] for name in shared] == pytest.approx([expected[name] for name in shared], abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 4))
def test_rows_count_by_their_own_weight_in_figures_resamples_and_scores(seed: int, classes: int) -> None:
    answers, weights = drawn(seed, 40, classes, 10)
    weighted = replace(answers, weights=weights)
    assert metrics.measure(weighted) == metrics.measure(answers, weights)
    times = np.random.default_rng(seed).integers(1, 3, len(weights)).astype(float)
    assert metrics.measure(weighted, times) == metrics.measure(answers, weights * times)
    likeliest = replace(weighted, decided=answers.probabilities.argmax(axis=1))
    metric = "roc_auc" if classes == 2 else "accuracy"
    scored = metrics.score(metric, answers.truth, answers.probabilities, answers.positive, weights)
    assert scored == pytest.approx(metrics.measure(likeliest)[metric])


def test_rows_that_all_weigh_nothing_define_no_metric() -> None:
    answers, weights = drawn(0, 10, 3, 5)
    assert all(math.isnan(value) for value in metrics.measure(replace(answers, weights=0 * weights)).values())


def test_a_metric_that_the_rows_do_not_define_is_no_number() -> None:
    answers = Answers(np.zeros(3, int), np.full((3, 2), 0.5), np.zeros(3, int), 1)
    found = metrics.measure(answers)
    assert math.isnan(found["roc_auc"])
    assert found["accuracy"] == 1


def test_an_interval_holds_the_figure_and_repeats_with_the_seed() -> None:
    answers, _ = drawn(1, 300, 2, 50)
    value = metrics.measure(answers)["roc_auc"]
    (first,), (second,) = (bootstrap.draw([answers], resamples=200, seed=4) for _ in range(2))
    assert np.array_equal(first["roc_auc"], second["roc_auc"])
    found = bootstrap.interval(value, first["roc_auc"])
    assert found.low < found.value < found.high


def test_two_models_are_drawn_on_the_same_resamples() -> None:
    answers, _ = drawn(1, 100, 2, 50)
    one, two = bootstrap.draw([answers, answers], resamples=50, seed=0)
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_a_misspelt_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'roc_auc'"):
        metrics.search_name("roc_au", 2)
    with pytest.raises(UsageError, match="did you mean 'neg_log_loss'"):
        metrics.search_name("log_loss", 3)
    with pytest.raises(UsageError, match="for 3 classes"):
        metrics.check_name("average_precision", 3, "[validate.gates] average_precision")


def figure(rule: Any, truth: np.ndarray[Any, Any], decided: np.ndarray[Any, Any]) -> float:
    if isinstance(rule, Costs):
        return -float(rule.false_positive * (decided & ~truth).sum() + rule.false_negative * (~decided & truth).sum())
    if rule == "f1":
        return float(theirs.f1_score(truth, decided, zero_division=0))
    return float(decided[truth].mean() - decided[~truth].mean())


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    grain=st.integers(2, 30),
    rule=st.sampled_from(["f1", "youden", Costs(1.0, 5.0), Costs(3.0, 0.5)]),
)
def test_no_threshold_serves_the_rule_better_than_the_chosen_one(seed: int, grain: int, rule: Any) -> None:
    answers, _ = drawn(seed, 40, 2, grain)
    truth, scores = answers.truth == 1, answers.probabilities[:, 1]
    chosen = thresholds.choose(rule, truth, scores)
    best = max(figure(rule, truth, scores >= line) for line in [*np.unique(scores), 1.1])
    assert figure(rule, truth, scores >= chosen) == pytest.approx(best)
    assert 0 <= chosen <= 1


def test_a_threshold_that_is_no_probability_is_refused() -> None:
    answers, _ = drawn(0, 10, 2, 5)
    with pytest.raises(UsageError, match="from 0 to 1"):
        thresholds.choose(1.5, answers.truth == 1, answers.probabilities[:, 1])
    with pytest.raises(UsageError, match="above 0"):
        thresholds.choose(Costs(0.0, 1.0), answers.truth == 1, answers.probabilities[:, 1])


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), rule=st.sampled_from(["f1", "youden", Costs(1.0, 5.0)]))
def test_a_threshold_for_weighed_rows_is_that_of_repeated_ones(seed: int, rule: Any) -> None:
    answers, weights = drawn(seed, 40, 2, 10)
    weights += 1
    truth, scores, copies = answers.truth == 1, answers.probabilities[:, 1], weights.astype(int)
    assert thresholds.choose(rule, truth, scores, weights) == thresholds.choose(
        rule, np.repeat(truth, copies), np.repeat(scores, copies)
    )
