"""The target as numbers: the index of each row's class among the contract's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.artifacts import Table
from shipway.core.contract import Contract, text_of
from shipway.core.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def learned(contract: Contract, training: Table) -> Contract:
    """The contract that a model of *training* goes by: where `split` merged rare classes, its classes are the texts found there.

    The merged class, which no level of the contract names, comes last; levels without a row are left out.
    """
    import polars

    found = set(training[contract.target].cast(polars.String).unique())
    known = [text for text in map(text_of, contract.classes) if text in found]
    if not (merged := sorted(found.difference(known, [None]))):
        return contract
    target = msgspec.structs.replace(contract.columns[contract.target], type="category", levels=[*known, *merged])
    positive = contract.positive if contract.positive is None or text_of(contract.positive) in known else None
    return msgspec.structs.replace(
        contract, columns={**contract.columns, contract.target: target}, positive=None if positive is None else text_of(positive)
    )


def codes(contract: Contract, frame: Table) -> NDArray[Any]:
    """int64, shape (rows,). Raises DataError when the target is missing somewhere or holds a class that the contract has not."""
    import polars

    texts = [text_of(level) for level in contract.classes]
    target = frame[contract.target].cast(polars.String)
    found = target.cast(polars.Enum(texts), strict=False).to_physical().cast(polars.Int64)
    if found.null_count():
        raise DataError(
            f"{found.null_count()} of {frame.height} rows have no class of the target {contract.target!r}, "
            f"which are {', '.join(texts)}; run `check` first, which sets such rows aside"
        )
    return found.to_numpy()


def counts(contract: Contract, found: NDArray[Any]) -> list[int]:
    """Rows of each class."""
    import numpy

    return [int(count) for count in numpy.bincount(found, minlength=len(contract.classes))]


def positive(contract: Contract) -> int | None:
    """Index of the positive class, None where there are more than two classes."""
    if len(contract.classes) != 2 or contract.positive_class is None:
        return None
    return [text_of(level) for level in contract.classes].index(text_of(contract.positive_class))
