from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.modelling.tables import CHURN, churn
from tests.steps.said import Said

from shipway.core import trusted
from shipway.core.contract import Column, Contract
from shipway.core.errors import DataError, UsageError
from shipway.modelling import fitting, folds, imbalance, kinds, selection, targets
from shipway.modelling.candidates import Candidate
from shipway.modelling.encoding import Encoder
from shipway.modelling.lessons import Lesson, make
from shipway.modelling.preparation import Prepare
from shipway.modelling.preprocessing import ColumnPreprocess, Form, Preprocess, check, idle
from shipway.steps.train import train
from shipway.steps.tune import tune

LINEAR = {"linear": Candidate("sklearn.linear_model.LogisticRegression")}
FAMILIES: dict[str, dict[str, Any]] = {
    "mean": {"missing": "mean"},
    "most frequent": {"missing": "most_frequent", "missing_categories": "most_frequent"},
    "constant": {"missing": "constant", "fill": -1.0, "missing_categories": "constant", "fill_category": "none"},
    "neighbours": {"missing": "knn"},
    "drop rows": {"missing": "drop_rows", "missing_categories": "drop_rows"},
    "drop columns": {"missing": "drop_columns", "missing_categories": "drop_columns", "max_missing": 0.01},
    "cap": {"outliers": "iqr"},
    "null": {"outliers": "zscore", "outlier_action": "null", "outlier_reach": 2.0},
    "drop": {"outliers": "iqr", "outlier_action": "drop"},
    "forest": {"outliers": "isolation_forest", "outlier_share": 0.05},
    "rare": {"rare_levels": 0.3, "max_levels": 2, "high_cardinality": "rare"},
    "target": {"max_levels": 2, "high_cardinality": "target"},
    "no dates": {"dates": "drop", "indicator": True},
    "skew": {"skew": "yeo-johnson"},
    "weights": {"imbalance": "class_weights"},
    "over": {"imbalance": "over"},
    "under": {"imbalance": "under"},
    "smote": {"imbalance": "smote"},
}


def numbers(values: list[float | None], form: Form = "dense", **rules: Any) -> Any:
    """The encoding of one column of numbers, unscaled where *form* leaves it so."""
    frame = pl.DataFrame({"a": pl.Series(values, dtype=pl.Float64)})
    return Encoder(form=form, ignore=[], rules={"indicator": False, **rules}).fit_transform(frame)[:, 0].tolist()


def lesson(frame: pl.DataFrame, truth: Any, form: Form = "codes", **rules: Any) -> Lesson:
    return make(frame, truth, None, encoder=Encoder(form=form, ignore=[], rules=rules), preprocess=Preprocess(**rules), seed=0)


@pytest.mark.parametrize("form", ["codes", "dense"])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_answers_every_row_the_same_alone_in_a_batch_and_from_disk(family: str, form: Form, tmp_path: Path) -> None:
    estimator = {"codes": "lightgbm.LGBMClassifier", "dense": "sklearn.discriminant_analysis.LinearDiscriminantAnalysis"}[form]
    if family == "weights" and form == "dense":
        estimator = "sklearn.linear_model.LogisticRegression"
    frame, fresh = churn(200), churn(30, seed=1).select(CHURN.features)
    model = fitting.fit(
        frame.select(CHURN.features),
        targets.codes(CHURN, frame),
        estimator,
        {"n_estimators": 5} if form == "codes" else {},
        contract=CHURN,
        prepare=Prepare(),
        preprocess=Preprocess(**FAMILIES[family]),
        seed=0,
    )
    trusted.dump(model, tmp_path / "model.skops")
    back, together = trusted.load(tmp_path / "model.skops"), model.predict_proba(fresh)
    assert np.array_equal(back.predict_proba(fresh), together)
    alone = np.vstack([back.predict_proba(fresh[row]) for row in range(fresh.height)])
    assert np.allclose(alone, together, rtol=0, atol=1e-14)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_teaches_nothing_in_the_fold_that_scores_it(family: str) -> None:
    frame = churn(200)
    strange = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 7).then(1e6).otherwise(pl.col("price.now")).alias("price.now"),
        pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("new")).otherwise(pl.col('plan {"a"}')).alias('plan {"a"}'),
    )
    rules = Preprocess(**FAMILIES[family])
    usual, other = (
        tune(each, contract=CHURN, preprocess=rules, progress=Said(), candidates=LINEAR, folds=3).out_of_fold.to_numpy()
        for each in (frame, strange)
    )
    truth = targets.codes(CHURN, frame)
    (fold,) = [fold for fold in folds.split(CHURN, truth, 3, fits=1, seed=0, progress=Said()) if 7 in fold.score]
    same = [row for row in fold.score if row != 7]
    assert np.array_equal(usual[same], other[same])


EVERYTHING: list[dict[str, Any]] = [
    {"missing": "knn", "outliers": "iqr", "max_levels": 2, "high_cardinality": "target", "imbalance": "smote"},
    {
        "missing": "mean",
        "outliers": "zscore",
        "outlier_action": "null",
        "rare_levels": 0.2,
        "imbalance": "over",
        "indicator": True,
    },
    {"missing": "drop_rows", "outliers": "isolation_forest", "outlier_share": 0.1, "imbalance": "under"},
    {"missing_categories": "most_frequent", "outliers": "iqr", "outlier_action": "drop", "imbalance": "class_weights"},
]


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(EVERYTHING),
    st.integers(0, 2),
    st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), min_size=1, max_size=8),
    st.lists(st.sampled_from([None, "month", "new", "two years"]), min_size=1, max_size=8),
)
def test_whatever_the_rows_of_a_fold_hold_the_others_are_learned_from_alike(
    rules: dict[str, Any], number: int, prices: list[float | None], plans: list[str | None]
) -> None:
    frame = churn(90)
    truth = targets.codes(CHURN, frame)
    fold = folds.split(CHURN, truth, 3, fits=1, seed=0, progress=Said())[number]
    changed, same = fold.score[: len(fold.score) // 2], fold.score[len(fold.score) // 2 :]
    new = {"price.now": prices, 'plan {"a"}': plans}
    other = frame.with_columns(
        frame[name].scatter(changed, [values[row % len(values)] for row in range(len(changed))]) for name, values in new.items()
    )
    usual, after = (
        tune(each, contract=CHURN, preprocess=Preprocess(**rules), progress=Said(), candidates=LINEAR, folds=3).out_of_fold
        for each in (frame, other)
    )
    assert usual.height == after.height == frame.height
    assert np.array_equal(usual.to_numpy()[same], after.to_numpy()[same])


@pytest.mark.parametrize(
    ("missing", "expected"),
    [("median", 2.0), ("mean", 3.5), ("most_frequent", 1.0), ("constant", 7.0), ("drop_columns", 2.0)],
)
def test_missing_numbers_become_what_is_asked_for_from_the_rows_learned_from(missing: str, expected: float) -> None:
    filled = numbers([1.0, 1.0, None, 3.0, 9.0], "dense", missing=missing, fill=7.0)
    known = np.array([1.0, 1.0, expected, 3.0, 9.0])
    assert np.allclose(filled, (known - known.mean()) / known.std())


def test_trees_keep_a_gap_that_they_have_learned_from_and_get_the_median_for_one_that_they_have_not() -> None:
    frame = pl.DataFrame({"a": [1.0, None, 3.0], "b": [1.0, 2.0, 6.0]})
    encoder = Encoder(form="gaps", ignore=[]).fit(frame)
    found = encoder.transform(pl.DataFrame({"a": [None], "b": [None]}, schema=frame.schema))
    assert np.array_equal(found, [[np.nan, 2.0]], equal_nan=True)


def test_neighbours_fill_a_gap_from_rows_alike_in_the_other_columns() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=400)
    frame = pl.DataFrame({"x": x, "twice": pl.Series(2 * x).set(pl.Series(draw.random(400) < 0.2), None)})
    found = Encoder(form="gaps", ignore=[], rules={"missing": "knn", "indicator": False}).fit_transform(frame)
    assert np.abs(found[:, 1] - 2 * x).mean() < 0.05


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_ties_between_neighbours_are_the_same_for_a_row_alone(seed: int) -> None:
    draw = np.random.default_rng(seed)
    whole = draw.integers(0, 3, (60, 4)).astype(float)
    whole[draw.random((60, 4)) < 0.3] = np.nan
    frame = pl.DataFrame({f"x{place}": pl.Series(whole[:, place]).fill_nan(None) for place in range(4)})
    encoder = Encoder(form="gaps", ignore=[], rules={"missing": "knn"}).fit(frame)
    assert np.array_equal(np.vstack([encoder.transform(frame[row]) for row in range(20)]), encoder.transform(frame)[:20])


def test_an_indicator_says_where_a_column_is_missing_and_only_where_it_is_often() -> None:
    often = [None if row % 4 == 0 else float(row) for row in range(60)]
    seldom = [None if row == 0 else float(row) for row in range(60)]
    encoder = Encoder(form="dense", ignore=[])
    found = encoder.fit_transform(pl.DataFrame({"often": often, "seldom": seldom}))
    assert encoder.names_ == ["often", "seldom", "often is missing"]
    assert found[:, 2].tolist() == [float(row % 4 == 0) for row in range(60)]


def test_a_column_that_is_mostly_missing_is_left_out_where_asked_for() -> None:
    frame = pl.DataFrame({"a": [1.0, None, None], "b": ["x", None, None], "c": [1, 2, None]})
    encoder = Encoder(form="dense", ignore=[], rules={"missing": "drop_columns", "missing_categories": "drop_columns"})
    assert encoder.fit(frame).names_ == ["c"]


def test_a_missing_category_counts_as_the_level_that_it_is_filled_with() -> None:
    frame = pl.DataFrame({"a": ["x", "x", "y", None]})
    rules: dict[str, Any] = {"rare_levels": 0}
    commonest = Encoder(form="gaps", ignore=[], rules={**rules, "missing_categories": "most_frequent"})
    assert commonest.fit_transform(frame)[:, 0].tolist() == [0, 0, 1, 0]
    own = Encoder(form="gaps", ignore=[], rules={**rules, "missing_categories": "constant", "fill_category": "none"})
    assert own.fit_transform(frame)[:, 0].tolist() == [1, 1, 2, 0]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"outliers": "iqr"}, 9.0),
        ({"outliers": "iqr", "outlier_reach": 0.5}, 6.0),
        ({"outliers": "zscore", "outlier_reach": 1.0}, 3 + (2 / 3) ** 0.5 * 2),
        ({"outliers": "iqr", "outlier_action": "null", "missing": "median"}, 3.0),
        ({"outliers": "none"}, 100.0),
    ],
)
def test_a_far_number_is_brought_to_the_bound_of_the_others_or_counts_as_missing(rules: Any, expected: float) -> None:
    encoder = Encoder(form="gaps", ignore=[], rules=rules).fit(pl.DataFrame({"a": [1.0, 3.0, 5.0, 1.0, 3.0, 5.0]}))
    assert encoder.transform(pl.DataFrame({"a": [100.0]}))[0, 0] == pytest.approx(expected)


def test_a_column_that_is_mostly_one_value_has_no_outliers() -> None:
    assert numbers([0.0] * 9 + [5.0], "gaps", outliers="iqr") == [0.0] * 9 + [5.0]


@pytest.mark.parametrize("action", ["cap", "null"])
@pytest.mark.parametrize("outliers", ["iqr", "zscore"])
def test_the_rarer_of_two_values_is_no_outlier(outliers: str, action: str) -> None:
    frame = pl.DataFrame({"flag": [True] + [False] * 49, "coded": [0] * 3 + [1] * 47})
    matrix = Encoder(form="gaps", ignore=[], rules={"outliers": outliers, "outlier_action": action}).fit_transform(frame)
    assert np.array_equal(matrix, frame.cast(pl.Float64).to_numpy())


def test_dates_have_no_outliers() -> None:
    frame = pl.DataFrame({"since": [datetime(2024, 1, 1 + day % 5) for day in range(99)] + [datetime(1900, 1, 1)]})
    days = Encoder(form="gaps", ignore=[], rules={"outliers": "zscore"}).fit_transform(frame)[:, 0]
    assert days[-1] == (datetime(1900, 1, 1) - datetime(1970, 1, 1)).days


@pytest.mark.parametrize("form", ["codes", "gaps", "dense"])
@pytest.mark.parametrize(
    "rules",
    [
        {"missing": "drop_columns"},
        {"missing": "drop_rows", "outliers": "zscore", "outlier_action": "null"},
        {"columns": {"price.now": ColumnPreprocess(missing="auto")}},
    ],
)
def test_rows_are_made_up_whatever_becomes_of_gaps(rules: Any, form: Form) -> None:
    frame = churn(200)
    truth = (np.arange(200) % 4 == 0).astype(int)
    made = lesson(frame.drop("id", "comment", "left"), truth, form, imbalance="smote", **rules)
    assert np.ptp(np.bincount(made.truth)) == 0


def test_a_number_that_was_divided_by_nothing_is_missing() -> None:
    frame = pl.DataFrame({"a": [float("nan"), float("inf"), 1.0, 2.0, 3.0, 4.0], "b": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    assert len(lesson(frame, np.arange(6) % 2, missing="drop_rows").truth) == 4
    encoder = Encoder(form="gaps", ignore=[], rules={"missing": "drop_columns", "max_missing": 0.3}).fit(frame)
    assert encoder.names_ == ["b"]


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ({"missing": "drop_rows"}, {0}),
        ({"outliers": "zscore", "outlier_action": "drop"}, {1}),
        ({"outliers": "isolation_forest", "outlier_share": 0.01}, {1}),
        ({"missing": "drop_rows", "outliers": "iqr", "outlier_action": "drop"}, {0, 1}),
        ({"columns": {"b": ColumnPreprocess(missing="drop_rows")}}, set()),
        ({}, set()),
    ],
)
def test_rows_are_left_out_of_what_is_learned_from(rules: Any, gone: set[int]) -> None:
    spread = [float(row % 10) for row in range(100)]
    frame = pl.DataFrame({"a": [None, 1000.0, *spread[2:]], "b": spread})
    truth = np.arange(100) % 2
    kept = selection.select(frame, truth, kinds.kinds_of(frame, []), Preprocess(**rules), seed=0)
    assert set(np.flatnonzero(~kept).tolist()) == gone
    assert len(lesson(frame, truth, **rules).truth) == 100 - len(gone)


def test_leaving_out_all_rows_of_a_class_is_refused_with_the_next_step() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0, None, None]})
    with pytest.raises(DataError, match=r"2 of 4 rows .* of 1 classes.*fill missing values"):
        lesson(frame, np.array([0, 0, 1, 1]), missing="drop_rows")


def test_levels_with_few_rows_share_a_place() -> None:
    encoder = Encoder(form="dense", ignore=[]).fit(pl.DataFrame({"a": ["x"] * 5 + ["y"] * 3 + ["z"] * 2}))
    assert encoder.names_ == ["a=x", "a=y", "a=(other)"]
    assert encoder.transform(pl.DataFrame({"a": ["z", "new"]})).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_a_category_with_too_many_levels_is_left_out_where_asked_for() -> None:
    frame = pl.DataFrame({"a": ["x", "y", "z"], "b": [1, 2, 3]})
    assert Encoder(form="dense", ignore=[], rules={"max_levels": 2, "high_cardinality": "drop"}).fit(frame).names_ == ["b"]


def test_levels_become_the_targets_mean_and_new_ones_the_mean_of_all() -> None:
    frame = pl.DataFrame({"a": ["x"] * 50 + ["y"] * 50})
    truth = np.array([1] * 40 + [0] * 60)
    rules = {"max_levels": 1, "high_cardinality": "target"}
    encoder = Encoder(form="gaps", ignore=[], rules=rules).fit(frame, truth)
    assert encoder.names_ == ["a mean"]
    found = encoder.transform(pl.DataFrame({"a": ["x", "y", "new", None]}))[:, 0]
    assert found == pytest.approx([0.8, 0.0, 0.4, 0.4], abs=0.05)


def test_three_classes_have_a_mean_each_and_very_many_have_none() -> None:
    frame = pl.DataFrame({"a": [f"l{row % 10}" for row in range(90)]})
    rules = {"max_levels": 5, "high_cardinality": "target"}
    few = Encoder(form="dense", ignore=[], rules=rules).fit(frame, np.arange(90) % 3)
    assert few.names_ == ["a mean 0", "a mean 1", "a mean 2"]
    many = Encoder(form="dense", ignore=[], rules=rules).fit(frame, np.arange(90) % 30)
    assert len(many.names_) == 5 + 1


@pytest.mark.parametrize(
    "path", ["sklearn.linear_model.LogisticRegression", "sklearn.discriminant_analysis.LinearDiscriminantAnalysis"]
)
def test_a_column_of_many_levels_that_say_nothing_leaves_the_score_at_chance(path: str) -> None:
    draw = np.random.default_rng(0)
    contract = Contract(target="y", columns={"a": Column(type="category"), "y": Column(type="boolean", levels=[False, True])})
    frame = pl.DataFrame({"a": [f"l{code}" for code in draw.integers(0, 400, 1500)], "y": draw.random(1500) < 0.5})
    found = tune(
        frame,
        contract=contract,
        preprocess=Preprocess(high_cardinality="target"),
        progress=Said(),
        candidates={"one": Candidate(path)},
    )
    assert found.winner.mean == pytest.approx(0.5, abs=0.05)


def test_a_long_tail_is_straightened_and_other_columns_are_left() -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({"long": np.exp(2 * draw.normal(size=500)), "round": draw.normal(size=500)})
    rules: list[dict[str, Any]] = [{"skew": "none"}, {"skew": "yeo-johnson"}]
    plain, straight = (Encoder(form="dense", ignore=[], rules=each).fit_transform(frame) for each in rules)
    assert abs((straight[:, 0] ** 3).mean()) < 0.5 < 3 < (plain[:, 0] ** 3).mean()
    assert np.allclose(straight[:, 1], plain[:, 1], rtol=0, atol=1e-12)


def test_dates_can_be_left_out() -> None:
    frame = churn().select("since", "remote")
    assert Encoder(form="dense", ignore=[], rules={"dates": "drop"}).fit(frame).names_ == ["remote"]


@pytest.mark.parametrize(
    ("method", "counts"), [("over", [90, 90]), ("under", [10, 10]), ("smote", [90, 90]), ("report", [90, 10])]
)
def test_classes_are_evened_out_in_what_is_learned_from(method: str, counts: list[int]) -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({"a": draw.normal(size=100), "b": draw.choice(["x", "y"], 100)})
    found = lesson(frame, np.repeat([0, 1], [90, 10]), imbalance=method)
    assert np.bincount(found.truth).tolist() == counts
    assert set(found.matrix[:, 1].tolist()) == {0.0, 1.0}


def test_rows_are_made_up_only_between_rows_of_their_class() -> None:
    frame = pl.DataFrame({"a": [*range(90), *range(1000, 1010)]})
    found = lesson(frame, np.repeat([0, 1], [90, 10]), imbalance="smote")
    assert found.matrix[found.truth == 1].min() >= 1000


@pytest.mark.parametrize("rare", [1, 2, 3])
@pytest.mark.parametrize("categories", ["none", "some", "all"])
def test_rows_are_made_up_for_classes_of_very_few(rare: int, categories: str) -> None:
    draw = np.random.default_rng(0)
    count = 40 + rare
    columns = {"a": draw.normal(size=count), "b": draw.normal(size=count), "c": draw.choice(["x", "y", "z"], count)}
    chosen = {"none": ["a", "b"], "some": ["a", "c"], "all": ["c"]}[categories]
    found = lesson(pl.DataFrame(columns).select(chosen), np.repeat([0, 1], [40, rare]), "dense", imbalance="smote")
    assert np.bincount(found.truth).tolist() == [40, 40]
    assert np.isfinite(found.matrix).all()


def test_class_weights_are_balanced_and_multiply_those_of_the_rows() -> None:
    truth = np.repeat([0, 1], [90, 10])
    _, _, plain = imbalance.even_out("class_weights", (np.zeros((100, 1)), truth, None), [], 0)
    _, _, weighed = imbalance.even_out("class_weights", (np.zeros((100, 1)), truth, np.full(100, 3.0)), [], 0)
    assert plain is not None and weighed is not None
    assert plain[truth == 1].sum() == pytest.approx(plain[truth == 0].sum())
    assert np.allclose(weighed, 3 * plain)


WEIGHED = Contract(
    target="y",
    weight="w",
    columns={"x": Column(type="number"), "w": Column(type="number"), "y": Column(type="boolean", levels=[False, True])},
)


def weighed(rows: int = 200) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    x = draw.normal(size=rows)
    return pl.DataFrame({"x": x, "w": (x > 0) * 1.0 + 0.01, "y": draw.random(rows) < np.where(x > 0, 0.9, 0.1)})


def test_the_contracts_weights_reach_every_fit() -> None:
    even = Contract(target="y", columns={**WEIGHED.columns, "w": Column(type="number", role="ignored")})
    models = []
    for contract in (WEIGHED, even):
        found = tune(weighed(), contract=contract, progress=Said(), candidates=LINEAR, folds=2)
        models.append(train(weighed(), found, contract=contract, progress=Said()))
    said = [model.probabilities(weighed())[:, 1].mean() for model in models]
    assert said[0] > said[1] + 0.05


def test_a_weight_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="'w': 200 of 200 rows have none, or a negative one"):
        tune(weighed().with_columns(w=pl.lit(-1.0)), contract=WEIGHED, progress=Said(), candidates=LINEAR)


def test_an_estimator_that_can_not_weigh_is_refused_with_the_next_step() -> None:
    neighbours = {"near": Candidate("sklearn.neighbors.KNeighborsClassifier")}
    with pytest.raises(UsageError, match=r"near\].*KNeighborsClassifier can't weigh rows.*imbalance = \"over\""):
        tune(churn(), contract=CHURN, progress=Said(), preprocess=Preprocess(imbalance="class_weights"), candidates=neighbours)
    with pytest.raises(UsageError, match="makes up rows that have no weight"):
        tune(weighed(), contract=WEIGHED, progress=Said(), preprocess=Preprocess(imbalance="smote"), candidates=LINEAR)


def test_a_much_rarer_class_is_told_with_its_share() -> None:
    assert imbalance.told(["no", "yes"], np.repeat([0, 1], [95, 5])) == "class yes has 5 of 100 rows, 5.00%"
    assert imbalance.told(["no", "yes"], np.repeat([0, 1], [85, 15])) is None
    assert imbalance.told(["no", "yes", "never"], np.repeat([0, 1], [50, 50])) is None


def test_evened_out_classes_come_with_a_word_on_their_probabilities() -> None:
    said = Said()
    tune(churn(), contract=CHURN, progress=said, preprocess=Preprocess(imbalance="over"), candidates=LINEAR, folds=2)
    assert any("probabilities are those of evened out classes" in text for text in said.warnings)


def test_one_column_can_go_by_its_own_rules() -> None:
    frame = pl.DataFrame({"a": [1.0, None, 5.0], "b": [1.0, None, 5.0]})
    rules = {"missing": "constant", "fill": 9.0, "indicator": False, "columns": {"b": {"fill": -9.0}}}
    assert Encoder(form="gaps", ignore=[], rules=rules).fit_transform(frame)[1].tolist() == [9.0, -9.0]


def test_free_text_is_taken_in_by_its_levels_where_asked_for() -> None:
    said = Said()
    own = Preprocess(columns={"comment": ColumnPreprocess(high_cardinality="target")})
    found = tune(churn(), contract=CHURN, preprocess=own, progress=said, candidates=LINEAR, folds=2)
    model = train(churn(), found, contract=CHURN, preprocess=own, progress=said)
    assert "comment mean" in model.pipeline[1].names_
    assert not any("free text" in text for text in said.warnings)


KINDS: Any = {"price": "number", "since": "moment", "plan": "category"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"columns": {"prise": ColumnPreprocess(missing="mean")}}, "no such column .* did you mean 'price'"),
        (
            {"columns": {"plan": ColumnPreprocess(missing="mean")}},
            "missing = 'mean': the column is a category; expected one of level",
        ),
        ({"columns": {"price": ColumnPreprocess(missing="level")}}, "the column is a number; expected one of auto, median"),
        (
            {"columns": {"plan": ColumnPreprocess(outliers="iqr")}},
            "outliers: the column is a category, of which that says nothing",
        ),
        ({"columns": {"price": ColumnPreprocess(fill="x")}}, "expected a number"),
        ({"columns": {"plan": ColumnPreprocess(fill=1.0)}}, "expected a text"),
        ({"columns": {"price": ColumnPreprocess(max_missing=2.0)}}, "price.* max_missing = 2.0: expected 0 to 1"),
        ({"outliers": "isolation_forest", "outlier_action": "cap"}, "finds rows, not cells"),
        ({"outlier_share": 0.7}, "outlier_share = 0.7: expected a share"),
        ({"max_levels": 0}, "max_levels = 0: expected 1 or more"),
        ({"missing": "constant", "fill": float("inf")}, "fill = inf: expected a finite number"),
        ({"outliers": "iqr", "outlier_reach": 0.0}, "outlier_reach = 0.0: expected a finite number above 0"),
    ],
)
def test_what_can_not_be_done_is_refused_with_what_can(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(Preprocess(**given), KINDS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fill": 5.0}, "[preprocess] fill says nothing without missing = 'constant'"),
        ({"missing": "constant", "fill_category": "x"}, "fill_category says nothing without missing_categories = 'constant'"),
        ({"outlier_action": "drop"}, "outlier_action says nothing without outliers = 'iqr' or 'zscore' or 'isolation_forest'"),
        ({"outliers": "isolation_forest", "outlier_reach": 2.0}, "outlier_reach says nothing without outliers = 'iqr' or"),
        (
            {"columns": {"price": ColumnPreprocess(fill=5.0)}},
            "[preprocess.columns.price] fill says nothing, as missing is 'auto', not 'constant'",
        ),
    ],
)
def test_a_key_that_says_nothing_is_told_with_the_one_that_it_needs(given: dict[str, Any], message: str) -> None:
    (told,) = idle(Preprocess(**given), KINDS)
    assert message in told


@pytest.mark.parametrize("family", FAMILIES)
def test_of_keys_that_say_something_nothing_is_told(family: str) -> None:
    assert idle(Preprocess(**FAMILIES[family]), KINDS) == []


@pytest.mark.parametrize(
    ("rules", "messages"),
    [
        ({"missing": "drop_rows"}, [r"left out \d+ of 300 training rows"]),
        ({"imbalance": "over"}, [r"made \d+ rows of 300 to even out the classes, \d+ of each"]),
        ({"outliers": "iqr", "outlier_reach": 0.5}, [r"far numbers .*: \d+ of 'price.now'"]),
        ({"dates": "drop", "max_levels": 2, "high_cardinality": "drop"}, [r"left out 'plan \{\"a\"\}', 'since', as"]),
        ({}, []),
    ],
)
def test_training_tells_what_was_changed_in_what_is_learned_from(rules: Any, messages: list[str]) -> None:
    said = Said()
    search = tune(churn(), contract=CHURN, preprocess=Preprocess(**rules), progress=Said(), candidates=LINEAR, folds=2)
    train(churn(), search, contract=CHURN, preprocess=Preprocess(**rules), progress=said)
    told = [text for text in said.warnings if text.startswith("[preprocess]")]
    assert len(told) == len(messages)
    assert all(re.search(message, text) for message, text in zip(messages, told, strict=True)), told


def test_a_wrong_column_stops_the_search_before_its_first_fit() -> None:
    with pytest.raises(UsageError, match=r"preprocess.columns.price_now.*did you mean 'price.now'"):
        tune(churn(), contract=CHURN, progress=Said(), preprocess=Preprocess(columns={"price_now": ColumnPreprocess()}))
