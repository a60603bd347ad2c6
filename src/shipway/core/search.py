"""What a search over candidates found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from shipway.core.artifacts import Table

BLEND = "shipway.modelling.blending.Blend"
"""The estimator of a trial that is the mean of others; its one parameter, `members`, names their estimators and parameters."""


class Member(msgspec.Struct, frozen=True):
    """One of the estimators that are fitted for a trial."""

    estimator: str
    params: dict[str, Any]


def members_of(estimator: str, params: Mapping[str, Any]) -> list[Member]:
    """What is fitted for *estimator*: the members of a blend, else itself."""
    return msgspec.convert(params["members"], list[Member]) if estimator == BLEND else [Member(estimator, dict(params))]


def named(estimator: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters by names that say where they belong, those of a blend's members one by one (`member_1.C`)."""
    if estimator != BLEND:
        return dict(params)
    return {
        f"member_{number}.{name}": value
        for number, member in enumerate(members_of(estimator, params), start=1)
        for name, value in {"estimator": member.estimator, **member.params}.items()
    }


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate with one setting of its grid, scored on every fold with the search's metric (greater is better)."""

    candidate: str
    estimator: str
    params: dict[str, Any]
    scores: list[float]
    mean: float
    seconds: float


@dataclass(frozen=True)
class Search:
    """What `tune` found: all trials in order, the best one, and its out-of-fold probabilities on the training rows.

    `out_of_fold` has one column a class, in the order of the contract's classes, one line a training row in its order.
    """

    metric: str
    folds: int
    trials: list[Trial]
    best: int
    out_of_fold: Table

    @property
    def winner(self) -> Trial:
        return self.trials[self.best]

    def save(self, folder: Path) -> None:
        self.out_of_fold.write_parquet(folder / "out_of_fold.parquet")
        document = {"metric": self.metric, "folds": self.folds, "trials": self.trials, "best": self.best}
        (folder / "search.json").write_bytes(msgspec.json.encode(document))

    @classmethod
    def load(cls, folder: Path) -> Self:
        import polars

        document = msgspec.json.decode((folder / "search.json").read_bytes())
        document["trials"] = msgspec.convert(document["trials"], list[Trial])
        return cls(out_of_fold=polars.read_parquet(folder / "out_of_fold.parquet"), **document)
