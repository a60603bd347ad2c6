"""Fitting a whole pipeline on all the rows there are, and hearing what libraries say while they fit."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from shipway.core.artifacts import Table
from shipway.core.contract import Contract
from shipway.core.errors import DataError
from shipway.core.search import members_of
from shipway.modelling import estimators
from shipway.modelling import pipeline as pipelines
from shipway.modelling.preparation import Prepare
from shipway.modelling.preprocessing import Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN_WARNINGS = 3


def fit(
    features: Table,
    truth: NDArray[Any],
    estimator: str,
    params: Mapping[str, Any],
    *,
    contract: Contract,
    prepare: Prepare,
    preprocess: Preprocess = Preprocess(),  # noqa: B008 (frozen)
    weights: NDArray[Any] | None = None,
    seed: int,
    tell: Callable[[str], None] | None = None,
) -> Any:
    """A fitted pipeline, on one thread as it answers on one.

    Args:
        features: Rows with the contract's features.
        truth: Index of each row's class.
        estimator, params: What a search chose; a blend's members are each fitted on these rows.
        weights: How much each row counts.
        tell: Is told what `[preprocess]` did to the rows, for each of a blend's members.

    Raises:
        DataError: The estimator can't learn from these rows.
    """
    # one thread: on a busy machine OpenMP's threads wait for each other and a fit takes ten times as long
    members = members_of(estimator, params)
    made = [estimators.make(member.estimator, member.params, seed=seed) for member in members]
    try:
        return pipelines.fit(
            features, truth, weights, made, contract=contract, prepare=prepare, preprocess=preprocess, seed=seed, tell=tell
        )
    except (ValueError, ArithmeticError) as error:
        names = " or ".join(member.estimator for member in members)
        raise DataError(f"{names} can't learn from the training rows: {error}") from error


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """Python warnings of the block, each once, instead of lines on the screen; filled when the block ends."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    lines = [f"{one.category.__name__}: {str(one.message).strip().partition(chr(10))[0]}" for one in caught]
    for line in list(dict.fromkeys(lines))[:SHOWN_WARNINGS]:
        count = lines.count(line)
        texts.append(f"{line} ({count} fits)" if count > 1 else line)
