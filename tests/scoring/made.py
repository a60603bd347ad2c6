"""Small models and bundles of real parts, for the tests of scoring and of the service."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from tests.steps.said import Said

from shipway.core import profile
from shipway.core.contract import Column, Contract
from shipway.core.models import Interval, Model, ModelCard, Release
from shipway.core.ports import Staging
from shipway.modelling import fitting, targets
from shipway.modelling.preparation import Prepare
from shipway.steps.compile import compile

VISITS = Contract(
    target="returns",
    positive=True,
    key=["id"],
    columns={
        "id": Column(type="text"),
        "age": Column(type="integer", minimum=0, maximum=120, unit="years", description="at the visit"),
        "spent": Column(type="number", nullable=True, missing=("", " ", "?")),
        "member": Column(type="boolean", nullable=True),
        "grade": Column(type="category", levels=["1", "2", "true"], closed=True),
        "town": Column(type="category", levels=["Ulm", "Bonn <b>"]),
        "at": Column(type="datetime"),
        "note": Column(type="text", nullable=True),
        "memo": Column(type="text", role="ignored"),
        "returns": Column(type="boolean", levels=[False, True]),
    },
)
"""A column of every type and role."""

IRIS = Contract(
    target="Species",
    columns={
        "SepalLengthCm": Column(type="number", minimum=0),
        "PetalLengthCm": Column(type="number", minimum=0),
        "Species": Column(type="category", levels=["setosa", "versicolor", "virginica"]),
    },
)

RECORD = {"age": 40, "spent": 12.5, "member": True, "grade": "1", "town": "Ulm", "at": "2026-05-01T10:00:00", "note": None}


def visits(count: int = 120) -> pl.DataFrame:
    """Rows as the contract's reader gives them."""
    draw = np.random.default_rng(0)
    age = draw.integers(18, 90, count)
    return pl.DataFrame(
        {
            "id": [f"v{row}" for row in range(count)],
            "age": age,
            "spent": [None if row % 9 == 0 else float(row % 50) for row in range(count)],
            "member": [[True, False, None][row % 3] for row in range(count)],
            "grade": [["1", "2", "true"][row % 3] for row in range(count)],
            "town": [["Ulm", "Bonn <b>"][row % 2] for row in range(count)],
            "at": [datetime(2026, 1, 1) + timedelta(hours=7 * row) for row in range(count)],
            "note": [f"note {row}" for row in range(count)],
            "memo": ["m"] * count,
            "returns": (age + draw.normal(0, 10, count)) > 50,
        }
    )


def irises() -> pl.DataFrame:
    from sklearn.datasets import load_iris

    found = load_iris()
    rows = pl.DataFrame({"SepalLengthCm": found.data[:, 0], "PetalLengthCm": found.data[:, 2]})
    return rows.with_columns(pl.Series("Species", [str(found.target_names[code]) for code in found.target])).sample(
        fraction=1, shuffle=True, seed=0
    )


def fitted(
    contract: Contract, rows: pl.DataFrame, estimator: str = "sklearn.linear_model.LogisticRegression", **params: Any
) -> Model:
    truth = targets.codes(contract, rows)
    features = rows.select(contract.features)
    pipeline = fitting.fit(features, truth, estimator, params, contract=contract, prepare=Prepare(), seed=0)
    card = ModelCard(
        contract=contract,
        profile=profile.measure(contract, rows),
        classes=contract.classes,
        positive=contract.positive_class,
        threshold=0.5 if len(contract.classes) == 2 else None,
        candidate="linear",
        estimator=estimator,
        params=params,
        metric="accuracy",
        score=0.9,
        class_counts=targets.counts(contract, truth),
    )
    return Model(pipeline, card)


def bundle(folder: Path, contract: Contract, rows: pl.DataFrame, **params: Any) -> Path:
    """The bundle of a model of *rows*, in the folder *folder*, which is made."""
    folder.mkdir(parents=True)
    part = rows.height // 5
    compile(rows[part:], rows[:part], fitted(contract, rows[part:], **params), staging=Staging(folder), progress=Said())
    return folder


def release(name: str, *, version: str = "3", stand_in: bool = False) -> Release:
    return Release(
        name=name,
        version=version,
        title=f"The {name} <model>",
        data_version=f"{name}/2026-11",
        stand_in=stand_in,
        metrics={"accuracy": Interval(value=0.9, low=0.85, high=0.95)},
        run_id="r",
    )
