"""Rows with equal features: what a random split would put on both sides, and what no model can get right.

This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from shipway.core.contract import Contract
from shipway.core.findings import Finding

COMMONEST, LABELS, ROWS = "_shipway_commonest", "_shipway_labels", "_shipway_rows"
"""Names of passing columns; no contract has such a name."""


def find(frame: pl.DataFrame, contract: Contract) -> Iterator[Finding]:
    """Groups of equal feature rows, and those of them with more than one label; rows equal in every column count once."""
    distinct = frame.unique()
    each = distinct.group_by([*contract.features, contract.target]).agg(pl.len().alias(ROWS))
    groups = each.group_by(contract.features).agg(pl.col(ROWS).sum(), pl.col(ROWS).max().alias(COMMONEST), pl.len().alias(LABELS))
    mixed = groups.filter(pl.col(LABELS) > 1)
    if not mixed.is_empty():
        rows, lost = int(mixed[ROWS].sum()), int((mixed[ROWS] - mixed[COMMONEST]).sum())
        yield Finding(
            kind="conflicts",
            message=f"{_groups(mixed.height)} ({rows:,} rows) have equal features and different labels of {contract.target!r}, "
            f"so {lost:,} of {distinct.height:,} rows can't be got right by any model; look whether a column that tells them "
            "apart is missing, or whether labels are wrong",
        )
    twins = groups.filter(pl.col(ROWS) > 1)
    if not twins.is_empty():
        yield Finding(
            kind="twins",
            message=f"{_groups(twins.height)} ({int(twins[ROWS].sum()):,} of {distinct.height:,} rows) have equal features; the "
            "split keeps each group on one side, so that no test row has a twin in training: split them likewise wherever you "
            "judge a model yourself",
        )


def _groups(count: int) -> str:
    return f"{count:,} group{'s' * (count != 1)} of rows"
