"""Results that are about a model: itself, how it did, and how it is kept for serving."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import msgspec

from shipway.core import disk
from shipway.core.artifacts import Document, Table
from shipway.core.contract import Contract, Level
from shipway.core.profile import Profile

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """All of a model that is not the fitted pipeline.

    Attributes:
        classes: The target's levels, in the order of the probabilities' columns.
        threshold: Binary only: a row is positive when P(positive) is at least this; None takes the likeliest class.
        candidate, estimator, params: What won the search.
        score: The winner's mean score in cross-validation, by `metric`.
        class_counts: Training rows of each class.
    """

    contract: Contract
    profile: Profile
    classes: list[Level]
    positive: Level | None
    threshold: float | None
    candidate: str
    estimator: str
    params: dict[str, Any]
    metric: str
    score: float
    class_counts: list[int]


@dataclass(frozen=True)
class Model:
    """A fitted pipeline with all that is needed to answer with it.

    `pipeline.predict_proba(frame)` takes a Polars frame that the contract has read (its feature columns, typed) and gives
    float64 of shape (rows, classes). Saved with skops, never pickled.
    """

    pipeline: Any
    card: ModelCard

    def probabilities(self, frame: Table) -> NDArray[Any]:
        """P(class) of each row; float64, shape (rows, classes)."""
        import numpy

        found = self.pipeline.predict_proba(frame.select(self.card.contract.features))
        return numpy.asarray(found, dtype=numpy.float64)

    def decide(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """The index into `card.classes` that each row of *probabilities* is labelled with; shape (rows,)."""
        card = self.card
        if card.threshold is None or card.positive is None or len(card.classes) != 2:
            return cast("NDArray[Any]", probabilities.argmax(axis=1))
        positive = card.classes.index(card.positive)
        return cast("NDArray[Any]", abs((probabilities[:, positive] < card.threshold).astype(int) - positive))

    def save(self, folder: Path) -> None:
        from shipway.core import trusted

        trusted.dump(self.pipeline, folder / "pipeline.skops")
        (folder / "card.json").write_bytes(msgspec.json.format(msgspec.json.encode(self.card), indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        from shipway.core import trusted

        card = msgspec.json.decode((folder / "card.json").read_bytes(), type=ModelCard)
        return cls(trusted.load(folder / "pipeline.skops"), card)


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


class Verdict(Document, frozen=True, kw_only=True):
    """How a model did on the test rows, and whether its gates held.

    Attributes:
        metrics: Each metric with its interval.
        baseline: The same metrics of always answering with the training part's commonest class.
        champion: Version of the champion it was compared with, None where there was none.
        difference: This model less the champion on the same rows, by the metric, paired.
        gates: A sentence for each gate, and whether it held.
        curves: Points of the plots: `roc`, `precision_recall`, `calibration`, `confusion`, `importance`.
    """

    rows: int
    metrics: dict[str, Interval]
    baseline: dict[str, float]
    gates: dict[str, bool]
    passed: bool
    champion: str | None = None
    difference: dict[str, Interval] = {}
    curves: dict[str, Any] = {}


@dataclass(frozen=True)
class Bundle:
    """A folder that serves a model version: its files, and `manifest.json` with the sha256 of each."""

    folder: Path
    digest: str

    def save(self, folder: Path) -> None:
        for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            target = folder / file.relative_to(self.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            disk.link_or_copy(file, target)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(folder, hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest())


class ModelVersion(Document, frozen=True, kw_only=True):
    """A version in the model registry."""

    name: str
    version: str
    alias: str
    run_id: str
    data_version: str


class Release(Document, frozen=True, kw_only=True):
    """A model version as it is exported for serving: what its callers may know of it.

    On disk `NAME/VERSION/` holds this as `release.json` beside the folder `bundle/`.
    """

    name: str
    version: str
    title: str
    data_version: str
    stand_in: bool
    metrics: dict[str, Interval]
    run_id: str
