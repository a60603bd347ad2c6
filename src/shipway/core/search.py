"""What a search over candidates found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from shipway.core.artifacts import Table


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
