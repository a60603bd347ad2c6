"""Figures of merit, under a weight for each row so that a bootstrap can count rows instead of copying them.

All are defined as in scikit-learn 1.9 with `sample_weight`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shipway.core.errors import UsageError
from shipway.core.project import suggest

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINARY = (
    "roc_auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "log_loss",
    "brier",
)
MULTICLASS = ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr", "log_loss")
LOSSES = ("log_loss", "brier")
"""Smaller is better."""


def names(classes: int) -> tuple[str, ...]:
    """The metrics that are measured with so many classes."""
    return BINARY if classes == 2 else MULTICLASS


def check_name(name: str, classes: int, where: str) -> None:
    """Raises UsageError with the nearest name when *name* is no metric for so many classes."""
    if name not in names(classes):
        raise UsageError(f"{where}: no metric {name!r} for {classes} classes; {suggest(name, names(classes))}")


@dataclass(frozen=True)
class Answers:
    """What a model said of rows whose classes are known.

    Attributes:
        truth: Index of each row's class; int, shape (rows,).
        probabilities: float64, shape (rows, classes).
        decided: Index of the class that each row is labelled with.
        positive: Index of the positive class, None where there are more than two classes.
        weights: How much each row counts, as the contract's `weight` has it; None where all count the same.
    """

    truth: NDArray[Any]
    probabilities: NDArray[Any]
    decided: NDArray[Any]
    positive: int | None
    weights: NDArray[Any] | None = None

    @property
    def classes(self) -> int:
        return int(self.probabilities.shape[1])

    def counted(self, times: NDArray[Any] | None = None) -> NDArray[Any]:
        """What each row counts when it is there so many *times*, by default once; float64, shape (rows,)."""
        import numpy

        if self.weights is None:
            return numpy.ones(len(self.truth)) if times is None else times
        return self.weights if times is None else self.weights * times

    @cached_property
    def ranked(self) -> dict[int, Ranking]:
        """For each class that curves speak of (the positive one, or all), its rows by falling score; sorted once."""
        wanted = range(self.classes) if self.positive is None else [self.positive]
        return {index: Ranking.of(self.truth == index, self.probabilities[:, index]) for index in wanted}

    @cached_property
    def cells(self) -> NDArray[Any]:
        """Each row's cell in the confusion matrix, counted row by row."""
        cells: NDArray[Any] = self.truth * self.classes + self.decided
        return cells

    @cached_property
    def labels(self) -> NDArray[Any]:
        """Indices of the classes that occur as truth or as answer."""
        import numpy

        return numpy.union1d(self.truth, self.decided).astype(int)

    @cached_property
    def surprise(self) -> NDArray[Any]:
        """-log P(true class) of each row; P is cut off at the smallest step of float64 as scikit-learn does."""
        import numpy

        step = numpy.finfo(numpy.float64).eps
        given = self.probabilities[numpy.arange(len(self.truth)), self.truth]
        surprise: NDArray[Any] = -numpy.log(numpy.clip(given, step, 1 - step))
        return surprise

    @cached_property
    def squared_error(self) -> NDArray[Any]:
        """(P(positive) - whether it is)^2 of each row."""
        error: NDArray[Any] = self.probabilities[:, self.positive] - (self.truth == self.positive)
        return error**2


@dataclass(frozen=True)
class Ranking:
    """Rows by falling score. `last` marks the last row of each run of equal scores."""

    order: NDArray[Any]
    hits: NDArray[Any]
    last: NDArray[Any]
    scores: NDArray[Any]

    @classmethod
    def of(cls, hits: NDArray[Any], scores: NDArray[Any]) -> Ranking:
        import numpy

        order = numpy.argsort(-scores, kind="stable")
        ranked = scores[order]
        last = numpy.append(numpy.flatnonzero(numpy.diff(ranked)), len(ranked) - 1)
        return cls(order, hits[order].astype(numpy.float64), last, ranked[last])

    def counts(self, weights: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """True and false positives at each distinct score taken as threshold."""
        ranked = weights[self.order]
        everything = ranked.cumsum()
        right = (ranked * self.hits).cumsum()
        if len(self.last) < len(everything):
            everything, right = everything[self.last], right[self.last]
        return right, everything - right

    def roc_auc(self, right: NDArray[Any], wrong: NDArray[Any]) -> float:
        import numpy

        if right[-1] <= 0 or wrong[-1] <= 0:
            return float("nan")
        area = right[0] * wrong[0] / 2 + ((right[1:] + right[:-1]) * numpy.diff(wrong)).sum() / 2
        return float(area / (right[-1] * wrong[-1]))

    def average_precision(self, right: NDArray[Any], wrong: NDArray[Any]) -> float:
        import numpy

        if right[-1] <= 0:
            return float("nan")
        called = right + wrong
        precision = numpy.divide(right, called, out=numpy.zeros_like(right), where=called > 0)
        return float((numpy.diff(right, prepend=0.0) * precision).sum() / right[-1])


def measure(answers: Answers, times: NDArray[Any] | None = None) -> dict[str, float]:
    """All metrics for the answers' number of classes; NaN where the weighted rows do not define one.

    Args:
        times: How often each row is there, besides its weight; float64, shape (rows,). Once each by default.
    """
    import numpy

    weights = answers.counted(times)
    total = weights.sum()
    if not total > 0:
        return dict.fromkeys(names(answers.classes), float("nan"))
    confusion = numpy.bincount(answers.cells, weights, minlength=answers.classes**2).reshape(answers.classes, -1)
    hits, asked, said = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    found = {"accuracy": float(hits.sum() / total), "balanced_accuracy": float((hits[asked > 0] / asked[asked > 0]).mean())}
    areas = []
    for ranking in answers.ranked.values():
        right, wrong = ranking.counts(weights)
        areas.append(ranking.roc_auc(right, wrong))
        if answers.positive is not None:
            found["average_precision"] = ranking.average_precision(right, wrong)
    defined = [area for area in areas if area == area]
    area = sum(defined) / len(defined) if defined else float("nan")
    f1 = numpy.divide(2 * hits, asked + said, out=numpy.zeros_like(hits), where=asked + said > 0)
    if (index := answers.positive) is not None:
        found["roc_auc"], found["f1"] = area, float(f1[index])
        found["precision"] = float(hits[index] / said[index]) if said[index] > 0 else 0.0
        found["recall"] = float(hits[index] / asked[index]) if asked[index] > 0 else 0.0
        found["brier"] = float((weights * answers.squared_error).sum() / total)
    else:
        found["roc_auc_ovr"], found["f1_macro"] = area, float(f1[answers.labels].mean())
    # no product of vectors: BLAS takes several threads for one, which on a busy machine takes a thousand times as long
    found["log_loss"] = float((weights * answers.surprise).sum() / total)
    return {name: found[name] for name in names(answers.classes)}


def search_name(metric: str | None, classes: int) -> str:
    """The metric that a search goes by: the one asked for, or ROC-AUC for two classes and accuracy for more.

    Losses are spelled as scikit-learn does, `neg_log_loss` and `neg_brier`, as a search takes the greatest score.

    Raises:
        UsageError: There is no such metric for so many classes.
    """
    if metric is None:
        return "roc_auc" if classes == 2 else "accuracy"
    known = [f"neg_{name}" if name in LOSSES else name for name in names(classes)]
    if metric not in known:
        raise UsageError(f"[tune] metric: no metric {metric!r} for {classes} classes; {suggest(metric, known)}")
    return metric


def score(
    metric: str, truth: NDArray[Any], probabilities: NDArray[Any], positive: int | None, weights: NDArray[Any] | None = None
) -> float:
    """A search's score of *probabilities*, greater is better; labels are taken at even odds."""
    answers = Answers(truth, probabilities, probabilities.argmax(axis=1), positive, weights)
    if metric == "roc_auc" and positive is not None:
        ranking = answers.ranked[positive]
        return ranking.roc_auc(*ranking.counts(answers.counted()))
    figures = measure(answers)
    name = metric.removeprefix("neg_")
    return -figures[name] if name != metric else figures[name]
