"""Trying settings on stratified folds: encoded once a fold and kind, fitted in threads, scored on the rows left out.

LightGBM and scikit-learn let go of the interpreter's lock while they fit, so threads are enough and cost no start of processes;
each fit itself runs on one thread.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from shipway.core.contract import Contract, text_of
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import Progress
from shipway.core.search import Search
from shipway.modelling import contest, estimators, fitting, folds, kinds, lessons, pipeline, preprocessing, targets
from shipway.modelling.alignment import Aligned
from shipway.modelling.candidates import Setting
from shipway.modelling.contest import Rules, Tried
from shipway.modelling.folds import Encoded, Fold
from shipway.modelling.preparation import Prepare
from shipway.modelling.prepare import Preparer
from shipway.modelling.preprocessing import Form, Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Group:
    """Settings that one fit answers: those of one candidate that differ in the number of boosting rounds only.

    Attributes:
        members: Index of each setting, with its number of rounds (0: no boosting, or one that can't be read part-way).
    """

    candidate: str
    members: list[tuple[int, int]]
    estimator: Any
    form: Form


def run(
    training: pl.DataFrame,
    settings: Sequence[Setting],
    *,
    contract: Contract,
    prepare: Prepare,
    preprocess: Preprocess = Preprocess(),  # noqa: B008 (frozen)
    metric: str,
    folds_wanted: int,
    seed: int,
    progress: Progress,
    blend: bool = False,
) -> Search:
    """Score every setting on every fold, and with *blend* the mean of the two best estimators; take the best by its mean.

    Raises:
        UsageError: An estimator or the preparation can't be right.
        DataError: Every setting failed on the data, or there are too few classes or rows for folds.
    """
    groups = group(settings, seed)
    truth = targets.codes(contract, training)
    weights = lessons.weights_of(contract, training)
    check_weights(groups, contract, preprocess)
    opened = folds.split(contract, truth, folds_wanted, fits=len(groups), seed=seed, progress=progress)
    features = training.select(contract.features)
    prepared = Preparer.of(prepare).fit(features).transform(features)
    texts = pipeline.free_text(contract, prepare, preprocess)
    kind = kinds.kinds_of(prepared, texts)
    preprocessing.check(preprocess, kind, texts)
    for text in preprocessing.idle(preprocess, kind):
        progress.warn(text)
    positive = targets.positive(contract)
    flat = np.full((len(truth), len(contract.classes)), 1 / len(contract.classes))
    rules = Rules(metric, truth, positive, opened, _judging(Rules(metric, truth, positive, opened, (), weights), flat), weights)
    tried = [Tried() for _ in settings]
    stop = threading.Event()

    def encode(fold: Fold, form: Form) -> Encoded:
        encoder = pipeline.encoder(contract, prepare, preprocess, form=form, seed=seed)
        learn, counted = prepared[fold.learn], None if weights is None else weights[fold.learn]
        lesson = lessons.make(learn, truth[fold.learn], counted, encoder=encoder, preprocess=preprocess, seed=seed)
        return lesson, encoder.transform(prepared[fold.score])

    def fit(one: Group, fold: Fold) -> None:
        try:
            began = time.perf_counter()
            lesson, score = fold.encode(one.form, lambda fold: encode(fold, one.form))
            options = {**lesson.options(one.estimator), **_stoppable(one.estimator, stop)}
            model = Aligned(one.estimator, len(contract.classes)).fit(lesson.matrix, lesson.truth, **options)
            seconds = time.perf_counter() - began
            for index, rounds in one.members:
                probabilities = model.predict_proba(score, **({"num_iteration": rounds} if rounds else {}))
                result = tried[index]
                result.probabilities[fold.number] = probabilities
                if fold.number in rules.judging:
                    result.scores[fold.number] = rules.score(fold, probabilities)
                result.seconds += seconds * (rounds / one.members[-1][1] if rounds else 1)
        finally:
            fold.release()

    total = len(settings) * len(opened)
    with progress("fits", total=total) as tick, fitting.heard() as heard, _pool(stop) as pool:
        waiting = {pool.submit(fit, one, fold): one for fold in opened for one in groups}
        for future in as_completed(waiting):
            one, error = waiting[future], future.exception()
            if error is not None:
                if not isinstance(error, _failures()):
                    raise error
                for index, _ in one.members:
                    tried[index].error = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            tick(len(one.members), _best_so_far(tried))
    for text in heard:
        progress.warn(text)
    scored = contest.entries(settings, tried, rules, progress)
    if blend and (mean := contest.blend(scored, rules)) is not None:
        scored.append(mean)
    best = contest.best(scored, rules)
    return Search(
        metric=metric,
        folds=len(opened),
        trials=[entry.trial for entry in scored],
        best=next(index for index, entry in enumerate(scored) if entry is best),
        out_of_fold=pl.DataFrame(rules.out_of_fold(best.tried), schema=[text_of(level) for level in contract.classes]),
    )


def group(settings: Sequence[Setting], seed: int) -> list[Group]:
    """Put together the settings that can be read from one booster, as LightGBM adds its trees one after the other."""
    gathered: dict[str, list[tuple[int, int]]] = {}
    for index, setting in enumerate(settings):
        rounds, key = 0, f"{index}"
        nested = setting.estimator.startswith("lightgbm.") and setting.params.get("boosting_type", "gbdt") == "gbdt"
        if nested and isinstance(setting.params.get("n_estimators"), int):
            rounds = setting.params["n_estimators"]
            others = sorted((name, repr(value)) for name, value in setting.params.items() if name != "n_estimators")
            key = repr((setting.candidate, setting.estimator, others))
        gathered.setdefault(key, []).append((index, rounds))
    groups = []
    for members in gathered.values():
        members.sort(key=lambda member: member[1])
        longest = settings[members[-1][0]]
        where = f"[tune.candidates.{longest.candidate}]"
        estimator = estimators.make(longest.estimator, longest.params, seed=seed, where=where)
        groups.append(Group(longest.candidate, members, estimator, estimators.form_of(estimator)))
    return groups


def check_weights(groups: Sequence[Group], contract: Contract, preprocess: Preprocess) -> None:
    """Raises UsageError where rows are to be weighed and an estimator, or the making up of rows, has no place for it."""
    if contract.weight is None and preprocess.imbalance != "class_weights":
        return
    what = f"weight = {contract.weight!r} in contract.toml" if contract.weight else '[preprocess] imbalance = "class_weights"'
    if contract.weight and preprocess.imbalance == "smote":
        raise UsageError(
            f'{what}, and [preprocess] imbalance = "smote", which makes up rows that have no weight; choose "class_weights" or '
            '"over"'
        )
    for one in groups:
        if not estimators.takes_weights(one.estimator):
            instead = "leave the column of weights out" if contract.weight else 'choose imbalance = "over"'
            raise UsageError(
                f"[tune.candidates.{one.candidate}]: {type(one.estimator).__name__} can't weigh rows, which {what} asks for; "
                f"{instead}, or take an estimator whose fit has sample_weight"
            )


def _judging(rules: Rules, flat: NDArray[np.float64]) -> list[int]:
    """Numbers of the folds on which the metric is defined; where a rare class is missing from a fold, some are not."""
    scores = {fold.number: rules.score(fold, flat[fold.score]) for fold in rules.folds}
    judging = [number for number, score in scores.items() if score == score]
    if not judging:
        raise DataError(
            f"{rules.metric} is not defined on any fold, for want of rows of each class; send more rows, or use fewer folds"
        )
    return judging


def _best_so_far(tried: Sequence[Tried]) -> str:
    means = [sum(result.scores.values()) / len(result.scores) for result in tried if result.scores]
    return f"best {max(means):.4f}" if means else ""


def _stoppable(estimator: Any, stop: threading.Event) -> dict[str, Any]:
    """Options for `fit` that end a long LightGBM fit soon after *stop* is set."""
    if not type(estimator).__module__.startswith("lightgbm."):
        return {}

    def check(_: Any) -> None:
        if stop.is_set():
            raise InterruptedError("the search was stopped")

    return {"callbacks": [check]}


def _failures() -> tuple[type[BaseException], ...]:
    """What estimators raise when they can't learn from the data they are given."""
    lightgbm = sys.modules.get("lightgbm")
    theirs = (lightgbm.basic.LightGBMError,) if lightgbm else ()
    return (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError, *theirs)


@contextlib.contextmanager
def _pool(stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """A thread for each processor, each with one thread for its own mathematics; left at once, whatever is still to do."""
    from threadpoolctl import threadpool_limits

    def limit() -> None:
        # OpenMP keeps this number for each thread, BLAS for the whole process
        threadpool_limits(1, user_api="openmp")

    with threadpool_limits(1):
        pool = ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="fit", initializer=limit)
        try:
            yield pool
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
