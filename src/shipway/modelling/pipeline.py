"""The pipeline that a model is: prepare, encode, classify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.artifacts import Table
from shipway.core.contract import Contract
from shipway.modelling.preparation import Prepare
from shipway.modelling.preprocessing import Form, Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shipway.modelling.encoding import Encoder


def free_text(contract: Contract, prepare: Prepare, preprocess: Preprocess) -> list[str]:
    """Names, after `[prepare]`, of the columns of free text, which no encoding reads unless they are taken in by their levels."""
    types = {prepare.rename.get(name, name): contract.columns[name].type for name in contract.features}
    types.update(prepare.cast)
    texts = [name for name, type in types.items() if type == "text" and name not in prepare.drop]
    taken = {name for name, own in preprocess.columns.items() if own.high_cardinality in ("target", "rare")}
    return [name for name in texts if name not in taken]


def encoder(contract: Contract, prepare: Prepare, preprocess: Preprocess, *, form: Form, seed: int) -> Encoder:
    """The encoding stage for estimators that take such a matrix."""
    from shipway.modelling.encoding import Encoder

    ignore = free_text(contract, prepare, preprocess)
    return Encoder(form=form, ignore=ignore, rules=msgspec.to_builtins(preprocess), seed=seed)


def fit(
    features: Table,
    truth: NDArray[Any],
    weights: NDArray[Any] | None,
    estimator: Any,
    *,
    contract: Contract,
    prepare: Prepare,
    preprocess: Preprocess,
    seed: int,
) -> Any:
    """A fitted scikit-learn Pipeline around *estimator*: takes a Polars frame of the contract's features.

    Its stages are fitted one after the other here, as scikit-learn's own `fit` can't leave out, weigh or make up rows.
    """
    from sklearn.pipeline import Pipeline

    from shipway.modelling import estimators, lessons
    from shipway.modelling.alignment import Aligned
    from shipway.modelling.prepare import Preparer

    preparer = Preparer.of(prepare).fit(features)
    encode = encoder(contract, prepare, preprocess, form=estimators.form_of(estimator), seed=seed)
    lesson = lessons.make(preparer.transform(features), truth, weights, encoder=encode, preprocess=preprocess, seed=seed)
    classify = Aligned(estimator, classes=len(contract.classes)).fit(lesson.matrix, lesson.truth, **lesson.options(estimator))
    return Pipeline([("prepare", preparer), ("encode", encode), ("classify", classify)])
