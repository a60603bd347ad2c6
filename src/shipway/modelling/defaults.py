"""What a search tries when a project does not say: as much as the size of the table lets it, and always the plain models."""

from __future__ import annotations

from typing import Any

import msgspec

from shipway.modelling.candidates import Candidate, Span

BUDGET = 8e9
"""Cells that a default search may look at in boosting, each round of each fit anew. One core looks at about 1.5e8 a second
(a table of 64,000 rows and 30 columns), which makes about a minute of one core."""

LEAF_CELLS = 400
"""What a leaf costs beside the rows in it, in cells a column, for its histogram of up to 255 bins: measured on 2,400 rows of 300
columns and 1,000 of 10."""

TREE_CELLS, ASKED_CELLS = 20_000, 8
"""What a tree costs beside its leaves, and what a row costs that a tree is asked of: measured with 100 classes."""

LINEAR_CELLS = 2e10
"""The same for logistic regression, in each iteration of each fit anew: a guess, enough for 100,000 rows of 30 columns."""

MOST_ITERATIONS, FEWEST_ITERATIONS = 1000, 50
"""Of logistic regression's solver; one that is stopped early makes a model all the same, and says that it was."""

SMALL = 1000
"""Rows below which leaves of fewer rows are tried instead of more leaves, as 20 rows a leaf hardly let a tree split there."""

PLAIN: dict[str, Any] = {"n_estimators": 100, "num_leaves": 31, "learning_rate": 0.1}
"""LightGBM's own defaults."""


class Plan(msgspec.Struct, frozen=True):
    """How many folds, and what is tried in each."""

    folds: int
    candidates: dict[str, Candidate]


Grid = dict[str, list[Any] | Span]
Rung = tuple[int, dict[str, Any], dict[str, list[Any]]]

LADDER: tuple[Rung, ...] = (
    (
        5,
        {"learning_rate": 0.05},
        {"num_leaves": [4, 8, 16, 31], "colsample_bytree": [0.5, 1.0], "n_estimators": [50, 100, 200, 400]},
    ),
    (5, {"learning_rate": 0.05, "colsample_bytree": 0.7}, {"num_leaves": [7, 31], "n_estimators": [50, 100, 200, 400]}),
    (3, {"learning_rate": 0.1, "colsample_bytree": 0.7}, {"num_leaves": [7, 31], "n_estimators": [100, 200, 400]}),
    (3, {"learning_rate": 0.1, "colsample_bytree": 0.7}, {"num_leaves": [31], "n_estimators": [50, 100, 200]}),
    (3, {"learning_rate": 0.1, "colsample_bytree": 0.7}, {"num_leaves": [31], "n_estimators": [50, 100]}),
    (2, {"learning_rate": 0.1}, {"num_leaves": [31], "n_estimators": [25, 50, 100]}),
)
"""Searches of boosted trees from rich to poor: folds, fixed parameters, grid. Small, shrunk trees and sampled columns win on
small tables, where boosting's defaults lose to a linear model; large tables bear large trees. The last is about LightGBM's own
defaults, and is taken whatever it costs."""

STRENGTHS = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]
"""Of logistic regression, from much shrinkage to hardly any."""


def plan(rows: int, columns: int, classes: int) -> Plan:
    """The richest search that a table of this size can have within the budget.

    Args:
        rows: Of the training part.
        columns: Features; a category counts once, however many levels it has.
    """
    trees = 1 if classes == 2 else classes
    within = [rung for rung in LADDER if _cells(rung, rows, columns, trees) <= BUDGET]
    rung = within[0] if within else LADDER[-1]
    folds, params, grid = rung
    changed: Grid = {"min_child_samples": [20]}
    if rows < SMALL and rung is LADDER[0]:
        changed = {"min_child_samples": [5, 20], "num_leaves": [4, 16]}
    boosting = "lightgbm.LGBMClassifier"
    candidates = {
        "linear": _linear(rows * columns * trees, folds),
        "boosting": Candidate(boosting, params={"reg_lambda": 1.0, **params}, grid={**grid, **changed}),
    }
    if rung is not LADDER[-1]:
        candidates["plain_boosting"] = Candidate(boosting, params=PLAIN)
    return Plan(folds, candidates)


def _cells(rung: Rung, rows: int, columns: int, trees: int) -> float:
    """Cells that the fits of *rung* look at, with *trees* a round."""
    folds, _, grid = rung
    fits = [(leaves, grid["n_estimators"]) for leaves in grid["num_leaves"] for _ in grid.get("colsample_bytree", [1])]
    if rung is not LADDER[-1]:
        fits.append((PLAIN["num_leaves"], [PLAIN["n_estimators"]]))
    seen = columns * (folds - 1) * rows + folds * TREE_CELLS
    grown = sum(max(rounds) * (seen + columns * folds * LEAF_CELLS * leaves) for leaves, rounds in fits)
    asked = sum(sum(rounds) * rows * ASKED_CELLS for _, rounds in fits)
    return float(trees * (grown + asked))


def _linear(cells: int, folds: int) -> Candidate:
    affordable = LINEAR_CELLS / (cells * folds)
    strengths = STRENGTHS if affordable > len(STRENGTHS) * MOST_ITERATIONS / 10 else [0.01, 0.1, 1.0]
    if affordable < len(strengths) * FEWEST_ITERATIONS:
        strengths = [1.0]
    iterations = int(min(MOST_ITERATIONS, max(FEWEST_ITERATIONS, affordable / len(strengths))))
    return Candidate("sklearn.linear_model.LogisticRegression", params={"max_iter": iterations}, grid={"C": strengths})
