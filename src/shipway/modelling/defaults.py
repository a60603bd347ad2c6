"""What a search tries when a project does not say: as much as the size of the table lets it, and always the plain models."""

from __future__ import annotations

from typing import Any

import msgspec

from shipway.modelling.candidates import Candidate

BUDGET = 5e9
"""Cells that a default search may look at in boosting, each round of each fit anew. One core looks at about 1.5e8 a second
(benchmarks/out_of_the_box.py, table `large`), so that two cores take about 20 seconds, and other programs' load is allowed for."""

LEAF_CELLS = 64
"""What a leaf costs beside the rows in it, in cells a column: its histogram of up to 255 bins is written and read in runs."""

LINEAR_CELLS = 2e10
"""The same for logistic regression, which looks at a cell much faster: in each iteration of each fit anew."""

MOST_ITERATIONS, FEWEST_ITERATIONS = 1000, 50
"""Of logistic regression's solver; standardised columns need 10 to 100 at C = 1, and far fewer make a model all the same."""

SMALL = 1000
"""Rows below which leaves of fewer rows are tried, as 20 rows a leaf (LightGBM's default) hardly let a tree split there."""

PLAIN = {"n_estimators": 100, "num_leaves": 31, "learning_rate": 0.1}
"""LightGBM's own defaults."""


class Plan(msgspec.Struct, frozen=True):
    """How many folds, and what is tried in each."""

    folds: int
    candidates: dict[str, Candidate]


Grid = dict[str, list[Any]]

LADDER: tuple[tuple[int, dict[str, Any], Grid], ...] = (
    (
        5,
        {"learning_rate": 0.05},
        {"num_leaves": [4, 7, 15, 31], "colsample_bytree": [0.5, 1.0], "n_estimators": [50, 100, 200, 400]},
    ),
    (5, {"learning_rate": 0.05, "colsample_bytree": 0.7}, {"num_leaves": [7, 31], "n_estimators": [50, 100, 200, 400]}),
    (3, {"learning_rate": 0.1, "colsample_bytree": 0.7}, {"num_leaves": [7, 31], "n_estimators": [100, 200, 400]}),
    (3, {"learning_rate": 0.1, "colsample_bytree": 0.7}, {"num_leaves": [31], "n_estimators": [50, 100, 200]}),
    (2, {"learning_rate": 0.1, "colsample_bytree": 0.7}, {"num_leaves": [15], "n_estimators": [25, 50]}),
)
"""Searches of boosted trees from rich to poor: folds, fixed parameters, grid. Small, shrunk trees and sampled columns win on small
tables, where boosting's defaults lose to a linear model; large tables bear large trees."""

STRENGTHS = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]
"""Of logistic regression, from much shrinkage to hardly any."""


def plan(rows: int, columns: int, classes: int) -> Plan:
    """The richest search that a table of this size can have within the budget.

    Args:
        rows: Of the training part.
        columns: Features; a category counts once, however many levels it has.
    """
    trees = 1 if classes == 2 else classes
    for folds, params, grid in LADDER:
        rounds = max(grid["n_estimators"])
        settings = [(leaves, rounds) for leaves in grid["num_leaves"] for _ in grid.get("colsample_bytree", [1])]
        settings += [(PLAIN["num_leaves"], PLAIN["n_estimators"])]
        seen = rows * (folds - 1) * columns * trees
        cells = sum(turns * (seen + folds * columns * trees * LEAF_CELLS * leaves) for leaves, turns in settings)
        if cells <= BUDGET:
            break
    fixed = {"reg_lambda": 1.0, "min_child_samples": 20, **params}
    if rows < SMALL:
        fixed.pop("min_child_samples")
        grid = {"min_child_samples": [5, 20], **grid}
    return Plan(
        folds,
        {
            "linear": _linear(rows * columns * trees, folds),
            "boosting": Candidate("lightgbm.LGBMClassifier", params=fixed, grid=grid),
            "plain_boosting": Candidate("lightgbm.LGBMClassifier", params=PLAIN),
        },
    )


def _linear(cells: int, folds: int) -> Candidate:
    affordable = LINEAR_CELLS / (cells * folds)
    strengths = STRENGTHS if affordable > len(STRENGTHS) * MOST_ITERATIONS / 10 else [0.01, 0.1, 1.0]
    if affordable < len(strengths) * FEWEST_ITERATIONS:
        strengths = [1.0]
    iterations = int(min(MOST_ITERATIONS, max(FEWEST_ITERATIONS, affordable / len(strengths))))
    return Candidate("sklearn.linear_model.LogisticRegression", params={"max_iter": iterations}, grid={"C": strengths})
