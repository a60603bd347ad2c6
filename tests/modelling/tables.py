"""Small tables with a contract, for the tests of what learns."""

from __future__ import annotations

import numpy as np
import polars as pl

from shipway.core.contract import Column, Contract

CHURN = Contract(
    target="left",
    positive="Yes",
    key=["id"],
    columns={
        "id": Column(type="integer"),
        "months/😀 total": Column(type="integer"),
        "price.now": Column(type="number", nullable=True),
        'plan {"a"}': Column(type="category", nullable=True),
        "remote": Column(type="boolean"),
        "since": Column(type="datetime", nullable=True),
        "comment": Column(type="text", nullable=True),
        "left": Column(type="category", levels=["No", "Yes"], closed=True),
    },
)
FLOWERS = Contract(
    target="kind",
    columns={
        "length": Column(type="number"),
        "width": Column(type="number"),
        "kind": Column(type="integer", levels=[1, 2, 3], closed=True),
    },
)


def churn(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """Two classes that months, price and plan tell apart, mostly; every type, gaps, and names of every kind."""
    draw = np.random.default_rng(seed)
    months = draw.integers(0, 72, rows)
    price = draw.normal(60, 20, rows)
    plan = draw.choice(["month", "year", "two years"], rows, p=[0.5, 0.3, 0.2])
    chance = 1 / (1 + np.exp(months / 20 - price / 40 + 1.5 * (plan != "month")))
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "months/😀 total": months,
            "price.now": pl.Series(price).set(pl.Series(draw.random(rows) < 0.05), None),
            'plan {"a"}': pl.Series(plan).set(pl.Series(draw.random(rows) < 0.05), None),
            "remote": draw.random(rows) < 0.5,
            "since": pl.Series(draw.integers(1_600_000_000, 1_700_000_000, rows) * 1_000_000).cast(pl.Datetime("us")),
            "comment": [f"row {row}" for row in range(rows)],
            "left": np.where(draw.random(rows) < chance, "Yes", "No"),
        }
    )


def flowers(counts: tuple[int, int, int] = (30, 30, 30), seed: int = 0) -> pl.DataFrame:
    """Three classes of so many rows, told apart by two lengths."""
    draw = np.random.default_rng(seed)
    kind = np.repeat([1, 2, 3], counts)
    return pl.DataFrame({"length": draw.normal(kind * 2.0), "width": draw.normal(-kind * 1.0), "kind": kind})
