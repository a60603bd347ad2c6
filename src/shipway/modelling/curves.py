"""Points of the plots that a verdict keeps, few enough to be read as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shipway.modelling.metrics import Answers

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 200
BINS = 10
Z = 1.959963984540054
"""The normal distribution's 97.5 % point."""


def trace(answers: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """ROC, precision-recall, calibration of each class that curves speak of, and the confusion matrix.

    Rows count by their weight in the first two, as in the areas below them, and once in the others, which tell how many rows.

    Returns:
        `roc`: class -> `false_positive_rate`, `true_positive_rate`. `precision_recall`: class -> `recall`, `precision`, `share`
        (of the class among the rows). `calibration`: class -> `predicted`, `observed`, `low`, `high`, `rows`, one a bin.
        `confusion`: `classes`, `counts` (a line a true class).
    """
    import numpy

    curves: dict[str, Any] = {"roc": {}, "precision_recall": {}, "calibration": {}}
    for index, ranking in answers.ranked.items():
        name = classes[index]
        right, wrong = ranking.counts(answers.counted())
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


def _thin(along: NDArray[Any]) -> NDArray[Any]:
    """Indices of at most MOST_POINTS points, spread evenly along a rising coordinate, both ends among them."""
    import numpy

    if len(along) <= MOST_POINTS:
        return numpy.arange(len(along))
    wanted = numpy.linspace(along[0], along[-1], MOST_POINTS)
    return numpy.unique(numpy.searchsorted(along, wanted).clip(0, len(along) - 1))


def _list(values: NDArray[Any]) -> list[float]:
    return [round(float(value), 6) for value in values]
