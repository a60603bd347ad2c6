"""The pipeline that a model is: prepare, encode, classify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipway.core.contract import Contract
from shipway.modelling.preparation import Prepare

if TYPE_CHECKING:
    from shipway.modelling.encoding import Encoder


def free_text(contract: Contract, prepare: Prepare) -> list[str]:
    """Names, after `[prepare]`, of the columns of free text, which no encoding reads."""
    types = {prepare.rename.get(name, name): contract.columns[name].type for name in contract.features}
    types.update(prepare.cast)
    return [name for name, type in types.items() if type == "text" and name not in prepare.drop]


def encoder(contract: Contract, prepare: Prepare, *, gaps: bool) -> Encoder:
    """The encoding stage for estimators that take NaN (*gaps*) or do not."""
    from shipway.modelling.encoding import Encoder

    return Encoder(gaps=gaps, ignore=free_text(contract, prepare))


def assemble(estimator: Any, *, contract: Contract, prepare: Prepare) -> Any:
    """A scikit-learn Pipeline around *estimator*, not fitted: takes a Polars frame of the contract's features."""
    from sklearn.pipeline import Pipeline

    from shipway.modelling import estimators
    from shipway.modelling.alignment import Aligned
    from shipway.modelling.prepare import Preparer

    return Pipeline(
        [
            ("prepare", Preparer.of(prepare)),
            ("encode", encoder(contract, prepare, gaps=estimators.takes_gaps(estimator))),
            ("classify", Aligned(estimator, classes=len(contract.classes))),
        ]
    )
