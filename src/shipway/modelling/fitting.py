"""Fitting a whole pipeline on all the rows there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shipway.core.artifacts import Table
from shipway.core.contract import Contract
from shipway.core.errors import DataError
from shipway.modelling import estimators
from shipway.modelling import pipeline as pipelines
from shipway.modelling.preparation import Prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fit(
    features: Table,
    truth: NDArray[Any],
    estimator: str,
    params: Mapping[str, Any],
    *,
    contract: Contract,
    prepare: Prepare,
    seed: int,
) -> Any:
    """A fitted pipeline, on one thread as it answers on one.

    Args:
        features: Rows with the contract's features.
        truth: Index of each row's class.
        estimator, params: What a search chose.

    Raises:
        DataError: The estimator can't learn from these rows.
    """
    # one thread: on a busy machine OpenMP's threads wait for each other and a fit takes ten times as long
    made = estimators.make(estimator, params, seed=seed)
    fitted = pipelines.assemble(made, contract=contract, prepare=prepare)
    try:
        fitted.fit(features, truth)
    except (ValueError, ArithmeticError) as error:
        raise DataError(f"{estimator} can't learn from the training rows: {error}") from error
    return fitted
