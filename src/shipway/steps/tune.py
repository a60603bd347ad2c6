"""Search the candidates on the training rows."""

from __future__ import annotations

from typing import Literal

from shipway.core.artifacts import Table
from shipway.core.contract import Contract
from shipway.core.errors import UsageError
from shipway.core.ports import Progress
from shipway.core.search import BLEND, Search
from shipway.core.step import step
from shipway.modelling import candidates as choices
from shipway.modelling import defaults, preprocessing
from shipway.modelling.candidates import Candidate
from shipway.modelling.preparation import Prepare, types_after
from shipway.modelling.preprocessing import Preprocess, kind_of_type


@step(writes="search")
def tune(
    training: Table,
    *,
    contract: Contract,
    prepare: Prepare = Prepare(),  # noqa: B008 (frozen)
    preprocess: Preprocess = Preprocess(),  # noqa: B008 (frozen)
    progress: Progress,
    candidates: dict[str, Candidate] | None = None,
    search: Literal["grid", "random"] = "grid",
    trials: int = 16,
    metric: str | None = None,
    folds: int | None = None,
    blend: bool | None = None,
    seed: int = 0,
) -> Search:
    """Score each candidate's settings by stratified cross-validation, and choose the best mean.

    Args:
        training: Rows to learn from, target included.
        prepare: Row-wise preparation, part of every candidate's pipeline.
        preprocess: What is learned before an estimator sees the rows, anew in each fold.
        candidates: What to choose from; when left out, logistic regressions and boosted trees, fewer of them for large tables.
        search: Every combination of the grids, or random draws.
        trials: Draws of a random search.
        metric: What to choose by; ROC-AUC for two classes and accuracy for more when left out.
        folds: Parts of the rows; each is scored once by models fitted on the others. 5 when left out, fewer for large tables.
        blend: Whether the mean of the probabilities of the two best estimators, each in its best setting, takes part; when left
            out, it does where `candidates` is left out too.
        seed: Fixes folds, draws and fits: the same rows and seed choose the same.
    """
    from shipway.modelling import metrics, pipeline, targets
    from shipway.modelling import search as searching

    contract = targets.learned(contract, training)
    default = defaults.plan(training.height, len(contract.features), len(contract.classes))
    chosen = default.candidates if candidates is None else candidates
    settings = choices.settings(chosen, search=search, trials=trials, seed=seed)
    if texts := pipeline.free_text(contract, prepare, preprocess):
        progress.warn(f"free text is left out of the model: {', '.join(texts)}; [prepare.add] can make features of it")
    _tell(training, contract, preprocess, progress)
    found = searching.run(
        training,
        settings,
        contract=contract,
        prepare=prepare,
        preprocess=preprocess,
        metric=metrics.search_name(metric, len(contract.classes)),
        folds_wanted=default.folds if folds is None else folds,
        seed=seed,
        progress=progress,
        blend=candidates is None if blend is None else blend,
    )
    if blend and not any(trial.estimator == BLEND for trial in found.trials):
        progress.warn("[tune] blend = true: there is nothing to blend, as but one estimator could be scored; name another kind")
    progress.note(f"{len(found.trials)} trials, best {found.winner.mean:.4f} ({found.winner.candidate})")
    return found


@tune.check
def _check_settings(
    contract: Contract,
    prepare: Prepare,
    preprocess: Preprocess,
    candidates: dict[str, Candidate] | None,
    search: Literal["grid", "random"],
    trials: int,
    metric: str | None,
    folds: int | None,
    rare_classes: str,
) -> None:
    from shipway.modelling import metrics, pipeline

    choices.check(candidates, search=search, trials=trials)
    if rare_classes != "merge":  # which may leave two classes, with other metrics
        metrics.search_name(metric, len(contract.classes))
    if folds is not None and folds < 2:
        raise UsageError(f"[tune] folds = {folds}: a search needs at least 2 folds")
    left_out = pipeline.free_text(contract, prepare, preprocess)
    types = types_after(contract, prepare)
    preprocessing.check(preprocess, {name: kind_of_type(types[name]) for name in types if name not in left_out}, left_out)


@tune.rehearse
def _rehearse(
    contract: Contract,
    prepare: Prepare,
    preprocess: Preprocess,
    candidates: dict[str, Candidate] | None,
    search: Literal["grid", "random"],
    trials: int,
    seed: int,
) -> None:
    from shipway.modelling import rehearsal

    settings = [] if candidates is None else choices.settings(candidates, search=search, trials=trials, seed=seed)
    rehearsal.rehearse(settings, contract=contract, prepare=prepare, preprocess=preprocess, seed=seed)


def _tell(training: Table, contract: Contract, preprocess: Preprocess, progress: Progress) -> None:
    from shipway.modelling import imbalance, targets
    from shipway.modelling.levels import MEAN_CLASSES
    from shipway.modelling.neighbours import DONORS

    asked = "target" in (preprocess.high_cardinality, *(own.high_cardinality for own in preprocess.columns.values()))
    if asked and len(contract.classes) > MEAN_CLASSES:
        progress.warn(
            f'[preprocess] high_cardinality = "target" is for up to {MEAN_CLASSES} classes, of which {contract.target!r} has '
            f'{len(contract.classes)}: it counts as "rare"'
        )
    if "knn" in (preprocess.missing, *(own.missing for own in preprocess.columns.values())) and training.height > DONORS:
        progress.warn(f'[preprocess] missing = "knn" looks for neighbours among {DONORS:,} of {training.height:,} rows')
    if preprocess.imbalance != "report":
        progress.warn(
            f'[preprocess] imbalance = "{preprocess.imbalance}": probabilities are those of evened out classes, higher for rare '
            "ones than their share; labels go by a threshold chosen out of fold"
        )
    elif (told := imbalance.told(contract.classes, targets.codes(contract, training))) is not None:
        progress.warn(f"{told}: accuracy says little there; [preprocess] imbalance can weigh or even out the classes")
