from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.modelling.tables import CHURN, FLOWERS, churn, flowers
from tests.steps.said import Said

from shipway.core import plan, project
from shipway.core.contract import Column, Contract
from shipway.core.errors import DataError, UsageError
from shipway.modelling import metrics, targets
from shipway.modelling.candidates import Candidate, Span
from shipway.modelling.preparation import Prepare
from shipway.steps.train import train
from shipway.steps.tune import tune

LINEAR = Candidate("sklearn.linear_model.LogisticRegression", grid={"C": [0.1, 1.0]})
TREES = {"num_leaves": 4, "min_child_samples": 5, "subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.6}


def boosting(**grid: Any) -> Candidate:
    return Candidate("lightgbm.LGBMClassifier", TREES, grid)


def test_the_same_rows_and_seed_find_the_same() -> None:
    candidates = {"linear": LINEAR, "boosting": boosting(n_estimators=[5, 10])}
    first, second = (tune(churn(), contract=CHURN, progress=Said(), candidates=candidates, folds=3) for _ in range(2))
    assert [trial.scores for trial in first.trials] == [trial.scores for trial in second.trials]
    assert first.best == second.best
    assert first.out_of_fold.equals(second.out_of_fold)


def test_the_best_mean_wins_and_its_probabilities_are_those_of_rows_left_out() -> None:
    found = tune(churn(), contract=CHURN, progress=Said(), candidates={"linear": LINEAR}, folds=4)
    assert found.winner.mean == max(trial.mean for trial in found.trials)
    assert found.out_of_fold.columns == ["No", "Yes"]
    said = found.out_of_fold.to_numpy()
    assert np.allclose(said.sum(axis=1), 1)
    area = metrics.score("roc_auc", targets.codes(CHURN, churn()), said, 1)
    assert area == pytest.approx(found.winner.mean, abs=0.03)


def test_rows_without_weight_play_no_part_in_the_score() -> None:
    draw = np.random.default_rng(0)
    x, known = draw.normal(size=600), draw.random(600) < 0.5
    right = np.where(x > 0, "b", "a")
    frame = pl.DataFrame({"x": x, "w": known.astype(int), "y": np.where(known, right, np.where(right == "a", "b", "a"))})
    columns = {"x": Column(type="number"), "w": Column(type="integer"), "y": Column(type="category", levels=["a", "b"])}
    contract = Contract(target="y", weight="w", columns=columns)
    found = tune(frame, contract=contract, progress=Said(), candidates={"linear": LINEAR}, folds=3)
    assert found.winner.mean > 0.99


def test_rounds_read_from_one_booster_score_as_boosters_of_their_own() -> None:
    together = tune(churn(), contract=CHURN, progress=Said(), candidates={"b": boosting(n_estimators=[30, 10, 20])}, folds=2)
    for trial in together.trials:
        alone = boosting(n_estimators=[trial.params["n_estimators"]])
        found = tune(churn(), contract=CHURN, progress=Said(), candidates={"b": alone}, folds=2)
        assert found.winner.scores == trial.scores


def test_the_default_candidates_are_a_linear_baseline_boosting_and_their_blend() -> None:
    found = tune(flowers(), contract=FLOWERS, progress=Said(), folds=2)
    assert {trial.candidate for trial in found.trials} == {"linear", "boosting", "plain_boosting", "blend"}
    assert found.metric == "accuracy"
    assert found.winner.mean > 0.75


def test_a_random_search_tries_as_many_settings_as_it_is_told() -> None:
    candidate = Candidate("sklearn.linear_model.LogisticRegression", grid={"C": Span(0.01, 10, log=True)})
    found = tune(
        churn(),
        contract=CHURN,
        progress=Said(),
        candidates={"a": candidate},
        search="random",
        trials=5,
        folds=2,
        metric="neg_log_loss",
    )
    assert len(found.trials) == 5
    assert found.metric == "neg_log_loss"
    assert found.winner.mean < 0


def test_preparation_takes_part_in_the_search() -> None:
    contract = Contract(
        target="y",
        columns={"a": Column(type="number"), "b": Column(type="number"), "y": Column(type="boolean", levels=[False, True])},
    )
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 400))
    frame = pl.DataFrame({"a": a, "b": b, "y": a * b > 0})
    without, with_product = (
        tune(frame, contract=contract, prepare=prepare, progress=Said(), candidates={"linear": LINEAR})
        for prepare in (Prepare(), Prepare(add={"product": "a * b"}))
    )
    assert without.winner.mean < 0.7 < 0.95 < with_product.winner.mean


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc_ovr", "neg_log_loss"])
def test_rare_classes_cost_no_folds_and_leave_every_metric_defined(metric: str) -> None:
    said = Said()
    rows = flowers((400, 400, 3))
    more = Contract(target="kind", columns={**FLOWERS.columns, "kind": Column(type="integer", levels=[1, 2, 3, 4, 5])})
    rows = pl.concat([rows, rows[:3].with_columns(kind=pl.Series([4, 5, 5]))])
    found = tune(rows, contract=more, progress=said, candidates={"linear": LINEAR}, metric=metric)
    assert found.folds == 5
    assert found.winner.scores == [score for score in found.winner.scores if np.isfinite(score)]
    assert np.allclose(found.out_of_fold.to_numpy().sum(axis=1), 1)
    assert any("3 (3), 4 (1), 5 (2)" in text for text in said.warnings)


def test_a_metric_is_averaged_over_the_folds_in_which_a_rare_class_is_met() -> None:
    frame = churn()
    rare = frame.filter(pl.col("left") == "Yes")[:3]
    found = tune(
        pl.concat([frame.filter(pl.col("left") == "No"), rare]), contract=CHURN, progress=Said(), candidates={"linear": LINEAR}
    )
    assert found.folds == 5
    assert len(found.winner.scores) == 3


def test_a_hundred_classes_are_searched() -> None:
    draw = np.random.default_rng(0)
    kind = np.arange(300) % 100
    frame = pl.DataFrame({"length": draw.normal(kind % 10), "width": draw.normal(kind // 10), "kind": kind})
    contract = Contract(target="kind", columns={**FLOWERS.columns, "kind": Column(type="integer", levels=list(range(100)))})
    found = tune(frame, contract=contract, progress=Said(), candidates={"linear": LINEAR, "boosting": boosting(n_estimators=[5])})
    assert {trial.candidate for trial in found.trials} == {"linear", "boosting"}
    assert found.winner.mean > 0.05
    assert len(found.out_of_fold.columns) == 100


def test_where_accuracy_tells_nothing_apart_the_surer_setting_wins() -> None:
    candidates = {"linear": Candidate("sklearn.linear_model.LogisticRegression", grid={"C": [1e-4, 1.0]})}
    frame = flowers((40, 40, 0), seed=3).with_columns(length=pl.col("kind") * 9.0)
    found = tune(frame, contract=FLOWERS, progress=Said(), candidates=candidates, folds=2)
    assert [trial.mean for trial in found.trials] == [1.0, 1.0]
    assert found.winner.params["C"] == 1.0


def test_a_class_of_a_single_row_does_not_stop_the_search() -> None:
    found = tune(flowers((30, 30, 1)), contract=FLOWERS, progress=Said(), candidates={"linear": LINEAR}, folds=3)
    assert found.out_of_fold.columns == ["1", "2", "3"]


def test_two_classes_with_two_rows_are_needed_and_the_rare_ones_are_named() -> None:
    with pytest.raises(DataError, match=r"classes with few: 2 \(1\), 3 \(1\)\. Send more rows"):
        tune(flowers((30, 1, 1)), contract=FLOWERS, progress=Said(), candidates={"linear": LINEAR}, folds=3)


def test_free_text_is_left_out_with_a_warning() -> None:
    said = Said()
    tune(churn(), contract=CHURN, progress=said, candidates={"linear": LINEAR}, folds=2)
    assert any("free text is left out of the model: comment" in text for text in said.warnings)


def test_a_candidate_that_fails_is_named_and_the_others_go_on() -> None:
    said = Said()
    bad = Candidate("sklearn.linear_model.LogisticRegression", {"C": -1.0}, {"tol": [1e-4, 1e-3, 1e-2]})
    found = tune(churn(), contract=CHURN, progress=said, candidates={"bad": bad, "linear": LINEAR}, folds=2)
    assert {trial.candidate for trial in found.trials} == {"linear"}
    (told,) = [text for text in said.warnings if "as it failed" in text]
    assert "bad" in told
    assert "and 2 more: " in told
    assert "'C' parameter" in told


def test_a_search_in_which_all_fail_names_the_first_error() -> None:
    bad = Candidate("sklearn.linear_model.LogisticRegression", {"C": -1.0})
    with pytest.raises(DataError, match=r"every candidate failed.*bad.*'C' parameter"):
        tune(churn(), contract=CHURN, progress=Said(), candidates={"bad": bad}, folds=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 1}, "at least 2 folds"),
        ({"metric": "f1_macro"}, "no metric 'f1_macro' for 2 classes"),
        ({"candidates": {}}, "name at least one"),
        ({"search": "random", "trials": 0}, "at least one setting"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tune(churn(), contract=CHURN, progress=Said(), **changes)


def test_rows_of_one_class_can_not_be_learned_from() -> None:
    with pytest.raises(DataError, match="hold 1 of the 3 classes"):
        tune(flowers((30, 0, 0)), contract=FLOWERS, progress=Said(), candidates={"linear": LINEAR})


class Impatient(Said):
    """Presses Ctrl-C after the first fit."""

    def __init__(self) -> None:
        super().__init__()
        self.fits = 0

    def __call__(self, label: str, total: int | None = None) -> AbstractContextManager[Callable[..., None]]:
        def tick(advance: int = 1, note: str = "") -> None:
            self.fits += 1
            raise KeyboardInterrupt

        return nullcontext(tick)


def test_ctrl_c_leaves_the_fits_that_wait_undone_and_ends_those_that_run() -> None:
    many = boosting(num_leaves=[2, 3, 4, 5], n_estimators=[1])
    endless = boosting(learning_rate=[0.001, 0.002], n_estimators=[10**8])
    said = Impatient()
    with pytest.raises(KeyboardInterrupt):
        tune(churn(), contract=CHURN, progress=said, candidates={"many": many, "endless": endless}, folds=2)
    assert said.fits == 1
    for thread in [thread for thread in threading.enumerate() if thread.name.startswith("fit")]:
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_training_refits_the_winner_as_the_search_described_it() -> None:
    found = tune(churn(), contract=CHURN, progress=Said(), candidates={"boosting": boosting(n_estimators=[7])}, folds=2)
    model = train(churn(), found, contract=CHURN, progress=Said())
    inner = model.pipeline[-1].estimator_
    assert (inner.n_estimators, inner.num_leaves, inner.n_jobs) == (7, 4, 1)


def test_an_unknown_key_of_preprocess_is_named_with_the_nearest(tmp_path: Path) -> None:
    folder = tmp_path / "visits"
    folder.mkdir()
    (folder / "project.toml").write_text('[preprocess]\nmising = "mean"\n')
    with pytest.raises(UsageError, match=r"\[preprocess\] has no setting 'mising'; did you mean 'missing'"):
        plan.settings_of(tune, project.load(folder))
