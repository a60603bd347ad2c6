"""Points of the plots that a verdict keeps, few enough to be read as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shipway.core.artifacts import Table
from shipway.core.models import Model
from shipway.modelling.metrics import Answers

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 200
BINS = 10
IMPORTANCE_ROWS = 2_000
IMPORTANCE_REPEATS = 3
Z = 1.959963984540054
"""The normal distribution's 97.5 % point."""


def trace(answers: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """ROC, precision-recall, calibration of each class that curves speak of, and the confusion matrix.

    Returns:
        `roc`: class -> `false_positive_rate`, `true_positive_rate`. `precision_recall`: class -> `recall`, `precision`, `share`
        (of the class among the rows). `calibration`: class -> `predicted`, `observed`, `low`, `high`, `rows`, one a bin.
        `confusion`: `classes`, `counts` (a line a true class).
    """
    import numpy

    curves: dict[str, Any] = {"roc": {}, "precision_recall": {}, "calibration": {}}
    for index, ranking in answers.ranked.items():
        name = classes[index]
        right, wrong = ranking.counts(numpy.ones(len(answers.truth)))
        if right[-1] and wrong[-1]:
            false, true = numpy.append(0.0, wrong / wrong[-1]), numpy.append(0.0, right / right[-1])
            kept = _thin(false + true)
            curves["roc"][name] = {"false_positive_rate": _list(false[kept]), "true_positive_rate": _list(true[kept])}
            recall, precision = right / right[-1], right / (right + wrong)
            kept = _thin(recall)
            curves["precision_recall"][name] = {
                "recall": _list(recall[kept]),
                "precision": _list(precision[kept]),
                "share": float(right[-1] / (right[-1] + wrong[-1])),
            }
        curves["calibration"][name] = calibration(answers.truth == index, answers.probabilities[:, index])
    counts = numpy.bincount(answers.cells, minlength=answers.classes**2).reshape(answers.classes, -1)
    curves["confusion"] = {"classes": list(classes), "counts": counts.tolist()}
    return curves


def calibration(hits: NDArray[Any], scores: NDArray[Any]) -> dict[str, list[float]]:
    """Predicted against observed share, in bins of equal width, with Wilson's 95 % interval (1927); empty bins are left out."""
    import numpy

    bins = numpy.minimum((scores * BINS).astype(int), BINS - 1)
    rows = numpy.bincount(bins, minlength=BINS)
    used = rows > 0
    n = rows[used]
    predicted = numpy.bincount(bins, scores, minlength=BINS)[used] / n
    share = numpy.bincount(bins, hits.astype(float), minlength=BINS)[used] / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * numpy.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return {
        "predicted": _list(predicted),
        "observed": _list(share),
        "low": _list(numpy.maximum(centre - half, 0)),
        "high": _list(numpy.minimum(centre + half, 1)),
        "rows": n.tolist(),
    }


def importance(
    model: Model, testing: Table, figure: Callable[[NDArray[Any], NDArray[Any]], float], truth: NDArray[Any], *, seed: int
) -> dict[str, Any]:
    """How much worse the model gets when one column of its input is shuffled (Breiman 2001; Fisher and others 2019).

    Args:
        figure: A metric of (truth, probabilities), greater is better.

    Returns:
        `columns`, most important first, and the `mean`, `low` and `high` loss over the shuffles.
    """
    import numpy
    import polars

    generator = numpy.random.default_rng(seed)
    rows = min(testing.height, IMPORTANCE_ROWS)
    chosen = numpy.sort(generator.choice(testing.height, rows, replace=False))
    frame, known = testing[chosen].select(model.card.contract.features), truth[chosen]
    best = figure(known, model.probabilities(frame))
    orders = [generator.permutation(rows) for _ in range(IMPORTANCE_REPEATS)]
    losses = {}
    for name in frame.columns:
        shuffled = polars.concat([frame.with_columns(frame[name][order]) for order in orders])
        parts = numpy.split(model.probabilities(shuffled), IMPORTANCE_REPEATS)
        losses[name] = [best - figure(known, part) for part in parts]
    ordered = sorted(losses, key=lambda name: -sum(losses[name]))
    return {
        "columns": ordered,
        "mean": [sum(losses[name]) / IMPORTANCE_REPEATS for name in ordered],
        "low": [min(losses[name]) for name in ordered],
        "high": [max(losses[name]) for name in ordered],
        "rows": rows,
        "repeats": IMPORTANCE_REPEATS,
    }


def _thin(along: NDArray[Any]) -> NDArray[Any]:
    """Indices of at most MOST_POINTS points, spread evenly along a rising coordinate, both ends among them."""
    import numpy

    if len(along) <= MOST_POINTS:
        return numpy.arange(len(along))
    wanted = numpy.linspace(along[0], along[-1], MOST_POINTS)
    return numpy.unique(numpy.searchsorted(along, wanted).clip(0, len(along) - 1))


def _list(values: NDArray[Any]) -> list[float]:
    return [round(float(value), 6) for value in values]
