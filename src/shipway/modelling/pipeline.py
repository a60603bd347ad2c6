"""The pipeline that a model is: prepare, encode, classify; or prepare, and blend several that encode and classify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.artifacts import Table
from shipway.core.contract import Contract
from shipway.modelling.preparation import Prepare, types_after
from shipway.modelling.preprocessing import Form, Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shipway.modelling.encoding import Encoder


def free_text(contract: Contract, prepare: Prepare, preprocess: Preprocess) -> list[str]:
    """Names, after `[prepare]`, of the columns of free text, which no encoding reads unless they are taken in by their levels."""
    texts = [name for name, type in types_after(contract, prepare).items() if type == "text"]
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
    members: Sequence[Any],
    *,
    contract: Contract,
    prepare: Prepare,
    preprocess: Preprocess,
    seed: int,
    tell: Callable[[str], None] | None = None,
) -> Any:
    """A fitted scikit-learn Pipeline around one estimator or a blend of several: takes a Polars frame of the contract's features.

    Its stages are fitted one after the other here, as scikit-learn's own `fit` can't leave out, weigh or make up rows.

    Args:
        members: Estimators, not fitted; rows are prepared once for all, and encoded for each.
        tell: Is told what `[preprocess]` did to the rows, for each of the estimators.
    """
    from sklearn.pipeline import Pipeline

    from shipway.modelling import effects, estimators, lessons
    from shipway.modelling.alignment import Aligned
    from shipway.modelling.blending import Blend
    from shipway.modelling.prepare import Preparer

    preparer = Preparer.of(prepare).fit(features)
    prepared = preparer.transform(features)

    def taught(estimator: Any) -> list[tuple[str, Any]]:
        encode = encoder(contract, prepare, preprocess, form=estimators.form_of(estimator), seed=seed)
        lesson = lessons.make(prepared, truth, weights, encoder=encode, preprocess=preprocess, seed=seed)
        if tell is not None:
            for text in effects.told(prepared, lesson, encode):
                tell(text)
        classify = Aligned(estimator, classes=len(contract.classes)).fit(lesson.matrix, lesson.truth, **lesson.options(estimator))
        return [("encode", encode), ("classify", classify)]

    stages = [taught(estimator) for estimator in members]
    last = stages[0] if len(stages) == 1 else [("blend", Blend([Pipeline(each) for each in stages]))]
    return Pipeline([("prepare", preparer), *last])
