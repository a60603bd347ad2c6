"""The case studies' own preprocessing, and that of their variants, learns and answers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shipway.adapters.datasets import DatasetSource
from shipway.core import plan, project
from shipway.core.contract import read
from shipway.modelling import fitting, targets
from shipway.steps import LIFECYCLE
from shipway.steps.train import train

from .steps.said import Said

PROJECTS = Path(__file__).parents[1] / "projects"
ROWS = 1_200
WAYS = [
    ("telco_churn", None),
    ("telco_churn", "bundles"),
    ("telco_churn", "joined"),
    ("telco_churn", "balanced"),
    ("iris", None),
    ("iris", "typical"),
    ("airline_satisfaction", None),
    ("airline_satisfaction", "robust"),
]


@pytest.mark.parametrize(("name", "variant"), WAYS)
@pytest.mark.parametrize("estimator", ["sklearn.linear_model.LogisticRegression", "lightgbm.LGBMClassifier"])
def test_what_a_project_preprocesses_is_learned_by_both_kinds_of_estimators(
    name: str, variant: str | None, estimator: str, tmp_path: Path
) -> None:
    folder = project.load(PROJECTS / name, variant=variant)
    plan.check_sections(LIFECYCLE, folder)
    source = DatasetSource(folder.section("ingest")["source"]["name"], data_dir=None, cache_dir=tmp_path, stand_in=True)
    received = pl.concat([batch for _, _, batch in source.batches(Said())]).sample(fraction=1, shuffle=True, seed=0).head(ROWS)
    rows = read(folder.contract, received, target=True).frame
    settings = plan.settings_of(train, folder)
    features, truth = rows.select(folder.contract.features), targets.codes(folder.contract, rows)
    pipeline = fitting.fit(
        features,
        truth,
        estimator,
        {},
        contract=folder.contract,
        prepare=settings["prepare"],
        preprocess=settings["preprocess"],
        seed=0,
    )
    probabilities = pipeline.predict_proba(features)
    assert np.isfinite(probabilities).all()
    assert (probabilities.argmax(axis=1) == truth).mean() > np.bincount(truth).max() / len(truth)


def test_the_variants_are_all_looked_at() -> None:
    named = set()
    for file in PROJECTS.glob("*/project.toml"):
        named |= {(file.parent.name, variant) for variant in tomllib.loads(file.read_text()).get("variant", {})}
    assert named - {("iris", "ten_folds")} == {way for way in WAYS if way[1]}
