"""Fit the winner of the search on all training rows."""

from __future__ import annotations

from shipway.core import profile
from shipway.core.artifacts import Table
from shipway.core.contract import Contract
from shipway.core.models import Model, ModelCard
from shipway.core.ports import Progress
from shipway.core.search import Search
from shipway.core.step import step
from shipway.modelling import thresholds
from shipway.modelling.preparation import Prepare
from shipway.modelling.preprocessing import Preprocess
from shipway.modelling.thresholds import Rule


@step(writes="model")
def train(
    training: Table,
    search: Search,
    *,
    contract: Contract,
    prepare: Prepare = Prepare(),  # noqa: B008 (frozen)
    preprocess: Preprocess = Preprocess(),  # noqa: B008 (frozen)
    progress: Progress,
    threshold: Rule | None = None,
    seed: int = 0,
) -> Model:
    """Refit the search's winner on every training row, and choose the decision threshold out of fold.

    Args:
        training: Rows to learn from, target included.
        search: Its winner is fitted; its out-of-fold probabilities choose the threshold.
        threshold: For two classes: `f1`, `youden`, a probability, or costs of the two errors; by default `f1` where the positive
            class has under a third of the rows, else 0.5. More classes need none: the likeliest wins.
        seed: Fixes the fit.
    """
    from shipway.modelling import fitting, lessons, targets

    contract = targets.learned(contract, training)
    winner = search.winner
    truth = targets.codes(contract, training)
    weights = lessons.weights_of(contract, training)
    effects: list[str] = []
    with progress(f"fitting {winner.candidate}"), fitting.heard() as heard:
        features = training.select(contract.features)
        pipeline = fitting.fit(
            features,
            truth,
            winner.estimator,
            winner.params,
            contract=contract,
            prepare=prepare,
            preprocess=preprocess,
            weights=weights,
            seed=seed,
            tell=effects.append,
        )
    # the members of a blend are mostly told the same
    for text in (*dict.fromkeys(effects), *heard):
        progress.warn(text)
    positive = targets.positive(contract)
    line = None
    if positive is not None:
        is_positive = truth == positive
        rule = thresholds.usual(is_positive, weights) if threshold is None else threshold
        line = thresholds.choose(rule, is_positive, search.out_of_fold.to_numpy()[:, positive], weights)
    card = ModelCard(
        contract=contract,
        profile=profile.measure(contract, training),
        classes=contract.classes,
        positive=contract.positive_class,
        threshold=line,
        candidate=winner.candidate,
        estimator=winner.estimator,
        params=winner.params,
        metric=search.metric,
        score=winner.mean,
        class_counts=targets.counts(contract, truth),
    )
    shown = "" if line is None else f", threshold {line:.3f}"
    progress.note(f"{winner.candidate} on {training.height:,} rows{shown}")
    return Model(pipeline, card)


@train.check
def _check_settings(threshold: Rule | None) -> None:
    if threshold is not None:
        thresholds.check(threshold)
