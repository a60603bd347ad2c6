"""A small fitted model with all that the registry takes, and a workspace to keep it in."""

from __future__ import annotations

import socket
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import polars

from shipway.adapters.mlflow.registry import MlflowRegistry
from shipway.adapters.mlflow.store import Store
from shipway.adapters.mlflow.tracking import MlflowTracker
from shipway.core import profile
from shipway.core.artifacts import DataVersion, Origin
from shipway.core.contract import Column, Contract
from shipway.core.models import Bundle, Interval, Model, ModelCard, ModelVersion, Verdict
from shipway.modelling import fitting
from shipway.modelling.preparation import Prepare

PROJECT = "garden"


@dataclass(frozen=True)
class Silent:
    """A progress that nobody watches."""

    def __call__(self, label: str, total: int | None = None):
        import contextlib

        return contextlib.nullcontext(lambda advance=1, note="": None)

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...


@dataclass(frozen=True)
class Made:
    """What the lifecycle hands to the registry."""

    model: Model
    verdict: Verdict
    bundle: Bundle
    data_version: DataVersion
    rows: polars.DataFrame


@dataclass(frozen=True)
class Place:
    """A workspace's tracker and registry."""

    root: Path
    uri: str | None
    cache: Path

    @property
    def tracker(self) -> MlflowTracker:
        return MlflowTracker(self.root, PROJECT, self.uri, self.cache)

    def registry(self, model_key: str | None = None, tracker: MlflowTracker | None = None) -> MlflowRegistry:
        registry = MlflowRegistry(self.root, PROJECT, self.uri, self.cache, tracker or self.tracker)
        return registry.reading({"model": model_key}) if model_key else registry

    @property
    def store(self) -> Store:
        return Store(self.root, self.uri, self.cache)

    def register(
        self,
        made: Made,
        model_key: str = "key-1",
        *,
        alias: str = "champion",
        pickle: bool = False,
        tracker: MlflowTracker | None = None,
        **verdict: object,
    ) -> ModelVersion:
        return self.registry(model_key, tracker).register(
            made.model,
            msgspec.structs.replace(made.verdict, **verdict),
            made.bundle,
            made.data_version,
            title="A garden",
            description="Which flower it is.",
            alias=alias,
            pickle=pickle,
        )


def make(staging: Path) -> Made:
    """Fit a model and make its bundle in the empty folder *staging*."""
    from shipway.steps.compile import compile

    contract = Contract(
        target="kind",
        key=["id"],
        columns={
            "id": Column(type="text"),
            "petal length": Column(type="number", nullable=True),
            "leaves": Column(type="integer"),
            "thorns": Column(type="integer", nullable=True),
            "soil": Column(type="category"),
            "fresh": Column(type="boolean"),
            "potted": Column(type="boolean", nullable=True),
            "planted": Column(type="datetime", nullable=True),
            "kind": Column(type="category", levels=["rose", "tulip"], closed=True),
        },
    )
    rows = polars.DataFrame(
        {
            "id": [str(number) for number in range(60)],
            "petal length": [None if number % 7 == 0 else number / 10 for number in range(60)],
            "leaves": [number % 9 for number in range(60)],
            "thorns": [None if number % 5 == 0 else number % 4 for number in range(60)],
            "soil": ["clay" if number % 2 else "sand" for number in range(60)],
            "fresh": [number % 3 == 0 for number in range(60)],
            "potted": [None if number % 4 == 0 else number % 3 == 1 for number in range(60)],
            "planted": [None if number % 6 == 0 else datetime(2026, 1 + number % 12, 3, 4, 5) for number in range(60)],
            "kind": ["rose" if number < 30 else "tulip" for number in range(60)],
        },
        schema_overrides={"planted": polars.Datetime("us")},
    )
    pipeline = fitting.fit(
        rows.select(contract.features),
        (rows["kind"] == "tulip").cast(polars.Int64).to_numpy(),
        "sklearn.linear_model.LogisticRegression",
        {"max_iter": 1000},
        contract=contract,
        prepare=Prepare(),
        seed=0,
    )
    card = ModelCard(
        contract=contract,
        profile=profile.measure(contract, rows),
        classes=["rose", "tulip"],
        positive="tulip",
        threshold=0.4,
        candidate="linear",
        estimator="sklearn.linear_model.LogisticRegression",
        params={"C": 1.0},
        metric="roc_auc",
        score=0.97,
        class_counts=[30, 30],
    )
    model = Model(pipeline, card)
    return Made(
        model=model,
        verdict=Verdict(
            rows=12,
            metrics={"roc_auc": Interval(value=0.97, low=0.9, high=1.0)},
            baseline={"roc_auc": 0.5},
            gates={},
            passed=True,
        ),
        bundle=compile(rows, rows.head(12), model, staging=staging, progress=Silent()),
        data_version=DataVersion(
            name="garden/2026-11", hash="0a1b2c3d.dir", path="data/garden", origin=Origin(source="files", rows=60)
        ),
        rows=rows,
    )


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
