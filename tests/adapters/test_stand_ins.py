"""Stand-ins: the facts of the real tables, and as hard to learn."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy
import polars
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from shipway.adapters.datasets import catalogue, facts, stand_in

DATA_DIR = os.environ.get("SHIPWAY_DATA_DIR")
TARGETS = {"telco-customer-churn": ("Churn", "Yes", 1869), "invistico-airline": ("satisfaction", "satisfied", 71_087)}
NAMES = list(TARGETS)
SAME = 0.02
"""How far a stand-in's difficulty may be from the real table's."""


@pytest.fixture(scope="module")
def tables() -> dict[str, polars.DataFrame]:
    return {name: stand_in.generate(facts.load(name)) for name in NAMES}


def numbers(table: polars.DataFrame, target: str, positive: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Numbers as they are, other texts as their place in the alphabet, and whether the target is positive."""
    features = [name for name in table.columns if name not in (target, "customerID")]
    columns = []
    for name in features:
        typed = table[name].str.strip_chars().replace("", None).cast(polars.Float64, strict=False)
        columns.append(typed if typed.null_count() < len(typed) / 2 else table[name].rank("dense").cast(polars.Float64))
    return numpy.stack([column.fill_null(0.0).to_numpy() for column in columns], axis=1), (table[target] == positive).to_numpy()


def figures(x: numpy.ndarray, y: numpy.ndarray, model: LGBMClassifier, folds: int) -> tuple[float, float]:
    """ROC-AUC and accuracy, mean over the first *folds* of five folds."""
    found = []
    for fit, judge in list(StratifiedKFold(5, shuffle=True, random_state=1).split(x, y))[:folds]:
        probability = model.fit(x[fit], y[fit]).predict_proba(x[judge])[:, 1]
        found.append((roc_auc_score(y[judge], probability), accuracy_score(y[judge], probability >= 0.5)))
    auc, accuracy = numpy.mean(found, axis=0)
    return float(auc), float(accuracy)


@pytest.mark.parametrize("name", NAMES)
def test_a_stand_in_has_the_shape_columns_and_class_counts_of_the_real_table(name, tables):
    dataset, (target, positive, count) = catalogue.load(name), TARGETS[name]
    assert tables[name].columns == dataset.columns
    assert set(tables[name].dtypes) == {polars.String}
    assert len(tables[name]) == dataset.rows
    assert (tables[name][target] == positive).sum() == count


@pytest.mark.parametrize(
    ("name", "expected"),
    [("telco-customer-churn", "c69a0afab1e32481"), ("invistico-airline", "938f471f1aa04417")],
)
def test_the_same_rows_come_out_on_any_machine(name, expected, tables):
    cells = "\n".join(cell for column in tables[name].iter_columns() for cell in column)
    assert hashlib.sha256(cells.encode()).hexdigest()[:16] == expected


def test_another_seed_gives_other_rows_with_the_same_counts(tables):
    other = stand_in.generate(facts.load("telco-customer-churn"), seed=1)
    assert not other.equals(tables["telco-customer-churn"])
    for name in ("Churn", "Contract", "tenure"):
        assert other[name].sort().equals(tables["telco-customer-churn"][name].sort())


def test_telco_keeps_the_quirks_of_the_real_table(tables):
    table = tables["telco-customer-churn"]
    blank = table.filter(polars.col("TotalCharges") == " ")
    assert blank.select("tenure", "Churn").unique().rows() == [("0", "No")]
    assert len(blank) == (table["tenure"] == "0").sum() == 11
    for name in ("OnlineSecurity", "StreamingMovies"):
        assert ((table[name] == "No internet service") == (table["InternetService"] == "No")).all()
    assert ((table["MultipleLines"] == "No phone service") == (table["PhoneService"] == "No")).all()
    assert table["customerID"].n_unique() == len(table)
    assert table["customerID"].str.ends_with("-STAND").all()
    billed = table.filter(polars.col("TotalCharges") != " ").select(
        polars.col("tenure", "MonthlyCharges", "TotalCharges").cast(polars.Float64)
    )
    assert billed.select(polars.corr(polars.col("tenure") * polars.col("MonthlyCharges"), "TotalCharges")).item() > 0.999


def test_airline_keeps_the_quirks_of_the_real_table(tables):
    table = tables["invistico-airline"]
    assert (table["Arrival Delay in Minutes"] == "").sum() == 393
    delays = table.select(polars.col("^.*Delay.*$").replace("", None).cast(polars.Float64)).drop_nulls()
    assert delays.select(polars.corr(*delays.columns)).item() == pytest.approx(0.965, abs=0.015)
    satisfied = (table["satisfaction"] == "satisfied").to_numpy()
    tenths = [0.52, 0.49, 0.35, 0.15, 0.47, 0.24, 0.44, 0.88, 0.95, 0.99]
    assert [tenth.mean() for tenth in numpy.split(satisfied, 10)] == pytest.approx(tenths, abs=0.006)
    assert not table.is_duplicated().any()


@pytest.mark.skipif(DATA_DIR is None, reason="SHIPWAY_DATA_DIR is not set")
@pytest.mark.parametrize("name", NAMES)
def test_marginals_are_those_of_the_real_table(name, tables):
    real = polars.read_csv(Path(DATA_DIR or "", catalogue.load(name).file), infer_schema=False)
    known = facts.load(name)
    for column in known.parts[0].columns:
        one, other = real[column.name], tables[name][column.name]
        if isinstance(column, facts.Levels):
            # The column's own counts are exact; where it does not apply is drawn with the column it depends on.
            assert one.sort().equals(other.sort())
        else:
            found, drawn = one.cast(polars.Float64).sort().to_numpy(), other.cast(polars.Float64).sort().to_numpy()
            assert numpy.abs(found - drawn).mean() < 0.02 * found.std()


def test_telco_is_as_hard_as_the_real_table(tables):
    x, y = numbers(tables["telco-customer-churn"], "Churn", "Yes")
    small_trees = LGBMClassifier(n_estimators=150, learning_rate=0.04, num_leaves=7, verbose=-1, n_jobs=1)
    auc, _ = figures(x, y, small_trees, folds=3)
    assert auc == pytest.approx(0.847, abs=SAME)


def test_airline_is_as_hard_as_the_real_table_and_trees_beat_a_straight_line(tables):
    x, y = numbers(tables["invistico-airline"], "satisfaction", "satisfied")
    trees = LGBMClassifier(n_estimators=150, learning_rate=0.2, num_leaves=63, verbose=-1, n_jobs=1)
    auc, accuracy = figures(x, y, trees, folds=1)
    assert auc == pytest.approx(0.995, abs=SAME / 2)
    assert accuracy == pytest.approx(0.96, abs=SAME)
    sample = numpy.random.default_rng(0).permutation(len(y))[:20_000]
    line, _ = figures(x[sample], y[sample], make_pipeline(StandardScaler(), LogisticRegression()), folds=1)
    assert line < 0.95


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_of_a_table_are_few_and_hold_no_key(name):
    path = facts.FOLDER / f"{name}.json"
    assert path.stat().st_size < 60_000
