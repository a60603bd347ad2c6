"""Judge a model on rows that it has not seen, beside the champion."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shipway.core import profile
from shipway.core.artifacts import Table
from shipway.core.contract import Contract, read, text_of
from shipway.core.errors import UsageError
from shipway.core.models import Interval, Model, Verdict
from shipway.core.ports import ModelRegistry, Progress
from shipway.core.profile import Profile
from shipway.core.step import step
from shipway.modelling import gates as gating
from shipway.modelling.gates import Gate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shipway.modelling.metrics import Answers


@step(writes="verdict")
def validate(
    testing: Table,
    model: Model,
    *,
    registry: ModelRegistry,
    progress: Progress,
    gates: dict[str, Gate] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Verdict:
    """Measure *model* with intervals, beside the commonest class and the champion, and decide by the gates.

    The champion is scored on the same rows, so that the difference is paired.

    Args:
        testing: Rows set aside by `split`, target included.
        registry: Where the champion is; its version is part of this step's cache key.
        gates: Conditions per metric; none means that every model passes.
        resamples: Bootstrap draws for the 95 % intervals (Efron and Tibshirani 1993, percentile method).
        seed: Fixes the draws.
    """
    from shipway.modelling import bootstrap, curves, importance, lessons, metrics, targets

    card = model.card
    classes = [text_of(level) for level in card.classes]
    _check_settings(card.contract, gates, resamples)
    _tell_strange(card.profile, testing, progress)
    truth = targets.codes(card.contract, testing)
    positive = targets.positive(card.contract)
    weights = lessons.weights_of(card.contract, testing)
    answers = _ask(model, testing, truth, positive, weights)
    judged = [answers]
    version = None
    if (champion := registry.champion()) is not None:
        version, rival = champion
        judged += _ask_champion(version, rival, model, testing, answers, progress)
    with progress("bootstrap", total=resamples) as tick:
        drawn = bootstrap.draw(judged, resamples=resamples, seed=seed, each=tick)
    figures = [metrics.measure(each) for each in judged]
    measured = {name: bootstrap.interval(value, drawn[0][name]) for name, value in figures[0].items()}
    difference: dict[str, Interval] = {}
    if len(judged) > 1:
        difference = {
            name: bootstrap.interval(figures[0][name] - figures[1][name], drawn[0][name] - drawn[1][name]) for name in figures[0]
        }
    held = gating.judge(gates or {}, measured, difference, version)
    with progress("importance of columns"):
        moved = importance.measure(model, testing, lambda rows, said: _scored(card.metric, answers, rows, said), seed=seed)
    shown = metrics.search_name(None, len(classes))
    progress.note(f"{shown} {measured[shown].value:.3f} ({measured[shown].low:.3f} to {measured[shown].high:.3f})")
    for sentence in (sentence for sentence, kept in held.items() if not kept):
        progress.warn(f"a gate did not hold: {sentence}")
    return Verdict(
        rows=testing.height,
        metrics=measured,
        baseline=metrics.measure(_commonest(card.class_counts, answers)),
        gates=held,
        passed=all(held.values()),
        champion=version if difference else None,
        difference=difference,
        curves={**curves.trace(answers, classes), "importance": {"metric": card.metric, **moved}},
    )


def _tell_strange(seen: Profile, testing: Table, progress: Progress) -> None:
    """Warn of test rows with new levels and far values, which the service would answer with the same remarks."""
    remarks = Counter(remark for told in profile.compare(seen, testing).values() for remark in told)
    for remark, rows in remarks.items():
        what = f"a value {remark.message}" if remark.rule == "range" else remark.message
        progress.warn(f"{remark.column!r} has {what} in {rows:,} of {testing.height:,} test rows")


@validate.check
def _check_settings(contract: Contract, gates: dict[str, Gate] | None, resamples: int, rare_classes: str = "keep") -> None:
    if resamples < 1:
        raise UsageError(f"[validate] resamples = {resamples}: an interval takes at least one draw, and is steady from 1000")
    # classes that are to be merged may leave two, which have other metrics
    if rare_classes != "merge":
        gating.check(gates or {}, len(contract.classes))


def _ask(model: Model, frame: Table, truth: NDArray[Any], positive: int | None, weights: NDArray[Any] | None) -> Answers:
    from shipway.modelling.metrics import Answers

    probabilities = model.probabilities(frame)
    return Answers(truth, probabilities, model.decide(probabilities), positive, weights)


def _scored(metric: str, answers: Answers, rows: NDArray[Any], said: NDArray[Any]) -> float:
    """The score of other probabilities for some of the *rows* that *answers* are of."""
    from shipway.modelling import metrics

    weights = None if answers.weights is None else answers.weights[rows]
    return metrics.score(metric, answers.truth[rows], said, answers.positive, weights)


def _ask_champion(
    version: str, champion: Model, model: Model, testing: Table, answers: Answers, progress: Progress
) -> list[Answers]:
    """The champion's answers on the same rows, read by its own contract; none, with a warning, where it can't answer them."""
    import numpy

    theirs = champion.card.contract
    lacking = [name for name in theirs.features if name not in testing.columns]
    ours, known = ([text_of(level) for level in each.card.classes] for each in (model, champion))
    if lacking or sorted(ours) != sorted(known):
        reason = f"it needs {', '.join(lacking)}, which these rows lack" if lacking else "it knows other classes"
        progress.warn(f"not compared with the champion, version {version}: {reason}")
        return []
    frame = read(theirs, testing.select(theirs.features), target=False).frame
    probabilities = champion.probabilities(frame)
    decided = champion.decide(probabilities)
    place = numpy.array([known.index(name) for name in ours])
    return [replace(answers, probabilities=probabilities[:, place], decided=place.argsort()[decided])]


def _commonest(counts: list[int], answers: Answers) -> Answers:
    """Always answering the commonest training class, with the training shares as probabilities, where *answers* were given."""
    import numpy

    shares = numpy.array(counts) / sum(counts)
    rows = len(answers.truth)
    return replace(answers, probabilities=numpy.tile(shares, (rows, 1)), decided=numpy.full(rows, shares.argmax()))
