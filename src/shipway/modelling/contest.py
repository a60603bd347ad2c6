"""Choosing among the settings that were tried, and the blend of the two best kinds of model.

This module imports NumPy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from shipway.core.errors import DataError
from shipway.core.ports import Progress
from shipway.core.search import BLEND, Trial
from shipway.modelling import blending, metrics
from shipway.modelling.candidates import Setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shipway.modelling.folds import Fold

FEW_ROWS = 3_000
"""Training rows up to which a blend is taken for the best where it is not told apart from it. On larger tables folds tell
settings apart, and a blend answers more slowly. In ten such cases (four splits of five public tables of 300 to 2,400 rows, and of
two made ones of 150 with 200 columns) the blend's ROC-AUC on the test rows was better in eight, by 0.004 on average over all."""


@dataclass
class Tried:
    """What came of one setting so far, by fold."""

    scores: dict[int, float] = field(default_factory=dict)
    probabilities: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Rules:
    """What a search scores by.

    Attributes:
        truth: Index of each training row's class.
        positive: Index of the positive class, where there is one.
        judging: Numbers of the folds on which the metric is defined.
        weights: How much each training row counts; None where all count the same.
    """

    metric: str
    truth: NDArray[np.int64]
    positive: int | None
    folds: Sequence[Fold]
    judging: Sequence[int]
    weights: NDArray[np.float64] | None = None

    def score(self, fold: Fold, probabilities: NDArray[np.float64]) -> float:
        weights = None if self.weights is None else self.weights[fold.score]
        return metrics.score(self.metric, self.truth[fold.score], probabilities, self.positive, weights)

    def out_of_fold(self, tried: Tried) -> NDArray[np.float64]:
        """The probabilities of every training row by the fit that did not learn it; shape (rows, classes)."""
        probabilities = np.zeros((len(self.truth), tried.probabilities[0].shape[1]))
        for fold in self.folds:
            probabilities[fold.score] = tried.probabilities[fold.number]
        return probabilities


@dataclass(frozen=True)
class Entry:
    """A trial, with its probabilities."""

    trial: Trial
    tried: Tried


def entries(settings: Sequence[Setting], tried: Sequence[Tried], rules: Rules, progress: Progress) -> list[Entry]:
    """Those of the settings that could be scored, in order; the others are named in warnings.

    Raises:
        DataError: There are none.
    """
    scored = []
    failed: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for setting, result in zip(settings, tried, strict=True):
        scores = [result.scores.get(number, float("nan")) for number in rules.judging]
        mean = sum(scores) / len(scores)
        if result.error or mean != mean:
            reason = result.error or f"{rules.metric} is not defined on every fold"
            failed.setdefault((setting.candidate, reason), []).append(setting.params)
            continue
        scored.append(_entry(setting.candidate, setting.estimator, setting.params, result, rules))
    texts = [
        f"{candidate} {params[0]}{f' and {len(params) - 1} more' if params[1:] else ''}: {reason}"
        for (candidate, reason), params in failed.items()
    ]
    if not scored:
        raise DataError(
            f"every candidate failed on the training rows; the first: {texts[0].rstrip('.')}. "
            "Change its settings or name others in [tune.candidates]"
        )
    for text in texts:
        progress.warn(f"left out of the search, as it failed: {text}")
    return scored


def blend(scored: Sequence[Entry], rules: Rules) -> Entry | None:
    """The mean of the best settings of the two best estimators, from the probabilities that they gave; None if there is but one
    estimator."""
    kinds: dict[str, list[Entry]] = {}
    for one in scored:
        kinds.setdefault(one.trial.estimator, []).append(one)
    if len(kinds) < 2:
        return None
    leaders = [best(each, rules) for each in kinds.values()]
    members = sorted(leaders, key=lambda entry: entry.trial.mean, reverse=True)[:2]
    result = Tried(seconds=sum(member.tried.seconds for member in members))
    for fold in rules.folds:
        probabilities = blending.average([member.tried.probabilities[fold.number] for member in members])
        result.probabilities[fold.number] = probabilities
        if fold.number in rules.judging:
            result.scores[fold.number] = rules.score(fold, probabilities)
    named = [{"estimator": member.trial.estimator, "params": member.trial.params} for member in members]
    return _entry("blend", BLEND, {"members": named}, result, rules)


def best(scored: Iterable[Entry], rules: Rules) -> Entry:
    """The entry with the best mean; on a small table the blend where that is within one standard error of it, over the folds; and
    of those that accuracy does not tell apart from it, the one with the least log loss.

    On few rows the best of forty settings is best by luck too, and the mean of two kinds of model less so.
    Accuracy counts rows, and on a small table many settings differ by one or two of them: no more than one standard error of the
    difference on the same rows. Log loss sees how sure each was.
    """
    scored = list(scored)
    leader = max(scored, key=lambda entry: entry.trial.mean)
    if rules.metric != "accuracy":
        mean = next((entry for entry in scored if entry.trial.estimator == BLEND), leader)
        return mean if len(rules.truth) <= FEW_ROWS and _alike(leader.trial, mean.trial) else leader
    truth = rules.truth
    weights = np.ones(len(truth)) if rules.weights is None else rules.weights
    share = weights / weights.sum()
    right = rules.out_of_fold(leader.tried).argmax(axis=1) == truth
    alike = []
    for one in scored:
        said = rules.out_of_fold(one.tried)
        lead = right.astype(float) - (said.argmax(axis=1) == truth)
        mean = (share * lead).sum()
        # the standard error of a weighted mean; with equal weights, the deviation over the root of the rows
        if one is leader or mean <= ((share * (lead - mean)) ** 2).sum() ** 0.5:
            alike.append(((share * metrics.Answers(truth, said, truth, None).surprise).sum(), one))
    return min(alike, key=lambda pair: pair[0])[1]


def _alike(leader: Trial, other: Trial) -> bool:
    """Whether *other* is behind by no more than one standard error of the difference, by the folds that both were scored on."""
    lead = np.subtract(leader.scores, other.scores)
    return len(lead) > 1 and bool(lead.mean() <= lead.std(ddof=1) / len(lead) ** 0.5)


def _entry(candidate: str, estimator: str, params: Mapping[str, Any], tried: Tried, rules: Rules) -> Entry:
    scores = [tried.scores[number] for number in rules.judging]
    trial = Trial(
        candidate=candidate,
        estimator=estimator,
        params=dict(params),
        scores=scores,
        mean=sum(scores) / len(scores),
        seconds=round(tried.seconds, 3),
    )
    return Entry(trial, tried)
