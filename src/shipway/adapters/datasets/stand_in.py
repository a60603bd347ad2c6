"""A stand-in for a table that can't be had: same columns, same marginals, alike dependence and alike difficulty.

It is drawn from facts measured on the real table (`benchmarks/measure_stand_ins.py` writes them): counts of levels, quantiles,
rank correlations, and a small tree model of the target. No row of the real table is kept.

The rows of each class are drawn apart. Latent scores are mixed so that the columns' ranks correlate as they do in that class;
each column's k-th smallest latent then gets the k-th smallest value, so that counts and quantiles come out exactly (a rank-based
NORTA: Cario and Nelson 1997). Then the labels are dealt anew: the highest ranks of (tree score + noise) become positive, so that
the noise sets how hard the table is to learn.

The same table comes out on any machine: raw PCG64 bits, which NumPy promises not to change, and plain sums in a fixed order; no
BLAS, no logarithms.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.adapters.datasets import facts
from shipway.adapters.datasets.facts import Levels, Near, Parameters, Part, Product, Sum, Target
from shipway.core.disk import sha256_of

if TYPE_CHECKING:
    import numpy
    import polars
    from numpy.typing import NDArray

SEED = 20261123
UNIFORMS = 6
"""Uniform draws in one latent score; a sum of six is near enough to a normal, as only ranks are used."""


@functools.cache
def fingerprint(name: str) -> str:
    """Changes when this generator or the table's parameters do."""
    return f"{sha256_of(Path(__file__))[:16]}-{sha256_of(facts.FOLDER / f'{name}.json')[:16]}-{SEED}"


def generate(parameters: Parameters, seed: int = SEED) -> polars.DataFrame:
    """Draw the table, all columns as text, in the order of the real file's columns."""
    import numpy
    import polars

    bits = numpy.random.PCG64(seed)
    draw = _joined([draw_part(Draw(bits, part.rows), part) for part in parameters.parts])
    for column in parameters.derived:
        if isinstance(column, Sum):
            _sum(draw, column)
        elif isinstance(column, Product):
            _product(draw, column)
        elif isinstance(column, Near):
            _near(draw, column)
        else:
            draw.texts[column.name] = numpy.array([column.pattern.format(n) for n in range(1, draw.rows + 1)], dtype=object)
    target = parameters.target
    noisy = score(target, draw.numbers) + target.noise * draw.latent()
    for name, level in target.never.items():
        noisy[draw.texts[name] == level] = -numpy.inf
    positive = _ranks(noisy) >= draw.rows - sum(target.runs)
    draw.texts[target.name] = numpy.where(positive, target.positive, target.negative).astype(object)
    order = _in_runs(positive, target.runs)
    return polars.DataFrame({name: polars.Series(draw.texts[name][order], dtype=polars.String) for name in parameters.header})


class Draw:
    """A table in the making: the texts of each column, and the number of each cell (a level's place in its list)."""

    def __init__(self, bits: numpy.random.PCG64, rows: int) -> None:
        self.bits = bits
        self.rows = rows
        self.texts: dict[str, NDArray[Any]] = {}
        self.numbers: dict[str, NDArray[Any]] = {}

    def latent(self) -> NDArray[Any]:
        """One score a row, of mean 0 and variance 1: a centred sum of uniforms."""
        import numpy

        total = numpy.full(self.rows, -UNIFORMS / 2)
        for _ in range(UNIFORMS):
            total += (self.bits.random_raw(self.rows) >> 11) * 2.0**-53
        scaled: NDArray[Any] = total * math.sqrt(12 / UNIFORMS)
        return scaled

    def put_numbers(self, name: str, values: NDArray[Any], blank: NDArray[Any] | None = None, text: str = "") -> None:
        """Keep *values*, given in at most two decimals, as numbers and as the shortest text; *text* where *blank*."""
        import numpy

        distinct, places = numpy.unique(values, return_inverse=True)
        spelled = numpy.array([f"{value:.2f}".rstrip("0").rstrip(".") for value in distinct], dtype=object)
        self.numbers[name] = values
        self.texts[name] = spelled[places]
        if blank is not None:
            self.texts[name][blank] = text


def score(target: Target, numbers: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """The trees' sum for each row; leaves are added in the trees' order, so that rounding is the same everywhere."""
    import numpy

    table = numpy.stack([numbers[name] for name in target.features])
    rows = numpy.arange(table.shape[1])
    total = numpy.zeros(table.shape[1])
    for tree in target.trees:
        features, thresholds = numpy.array(tree.features), numpy.array(tree.thresholds)
        children = numpy.stack([tree.right, tree.left])
        node = numpy.zeros(table.shape[1], dtype=numpy.int64)
        while (inside := node >= 0).any():
            at = node[inside]
            goes_left = table[features[at], rows[inside]] <= thresholds[at]
            node[inside] = children[goes_left.astype(numpy.int64), at]
        total += numpy.array(tree.leaves)[~node]
    return total


def draw_part(draw: Draw, part: Part) -> Draw:
    """Draw the rows of one class into the empty *draw*."""
    import numpy

    for column, latent in zip(part.columns, _mix(part.mixing, draw), strict=True):
        if isinstance(column, Levels):
            _levels(draw, column, latent)
        else:
            values = numpy.interp(_ranks(latent) / (draw.rows - 1), column.shares, column.values)
            draw.put_numbers(column.name, numpy.rint(values))
    return draw


def _joined(draws: list[Draw]) -> Draw:
    """The parts' rows in one table, shuffled."""
    import numpy

    whole = Draw(draws[0].bits, sum(draw.rows for draw in draws))
    order = numpy.argsort(whole.latent(), kind="stable")
    whole.texts = {name: numpy.concatenate([draw.texts[name] for draw in draws])[order] for name in draws[0].texts}
    whole.numbers = {name: numpy.concatenate([draw.numbers[name] for draw in draws])[order] for name in draws[0].numbers}
    return whole


def _mix(mixing: list[list[float]], draw: Draw) -> list[NDArray[Any]]:
    latents = [draw.latent() for _ in mixing]
    mixed = []
    for weights in mixing:
        total = weights[0] * latents[0]
        for weight, latent in zip(weights[1:], latents[1:], strict=False):
            total = total + weight * latent
        mixed.append(total)
    return mixed


def _ranks(values: NDArray[Any]) -> NDArray[Any]:
    import numpy

    ranks = numpy.empty(len(values), dtype=numpy.int64)
    ranks[numpy.argsort(values, kind="stable")] = numpy.arange(len(values))
    return ranks


def _levels(draw: Draw, column: Levels, latent: NDArray[Any]) -> None:
    """Spread the levels over the rows to which they apply; elsewhere the place is -1."""
    import numpy

    applies = numpy.ones(draw.rows, dtype=bool)
    if column.unless is not None:
        applies = draw.texts[column.unless.column] != column.unless.level
    places = numpy.full(draw.rows, -1)
    places[applies] = numpy.searchsorted(numpy.cumsum(column.counts), _ranks(latent[applies]), side="right")
    names = [*column.levels, column.unless.text if column.unless is not None else ""]
    draw.numbers[column.name] = places.astype(float)
    draw.texts[column.name] = numpy.array(names, dtype=object)[places]


def _sum(draw: Draw, column: Sum) -> None:
    import numpy

    price = column.base + column.spread * draw.latent()
    for name, adds in column.adds.items():
        for level, amount in adds.items():
            price = price + amount * (draw.texts[name] == level)
    price = numpy.clip(price, column.minimum, column.maximum)
    draw.put_numbers(column.name, numpy.rint(numpy.rint(price / column.step) * column.step * 100) / 100)


def _product(draw: Draw, column: Product) -> None:
    import numpy

    count, price = draw.numbers[column.count], draw.numbers[column.price]
    drift = column.spread * price * numpy.sqrt(count) * draw.latent()
    total = numpy.maximum(count * price + drift, column.minimum)
    rounded = numpy.rint(numpy.rint(total / column.step) * column.step * 100) / 100
    draw.put_numbers(column.name, numpy.where(count == 1, price, rounded), count == 0, column.blank)


def _near(draw: Draw, column: Near) -> None:
    import numpy

    shares = _ranks(draw.latent()) / (draw.rows - 1)
    at_zero, elsewhere = (numpy.rint(numpy.interp(shares, column.shares, of)) for of in (column.at_zero, column.elsewhere))
    followed = draw.numbers[column.of]
    values = numpy.maximum(followed + numpy.where(followed == 0, at_zero, elsewhere), 0.0)
    draw.put_numbers(column.name, values, _ranks(draw.latent()) < column.empty)


def _in_runs(positive: NDArray[Any], runs: list[int]) -> NDArray[Any]:
    """An order of the rows in which each equal part of the file has as many positives as *runs* says."""
    import numpy

    edges = numpy.linspace(0, len(positive), len(runs) + 1).astype(int)
    yes, no = numpy.flatnonzero(positive), numpy.flatnonzero(~positive)
    parts = []
    for count, size in zip(runs, numpy.diff(edges), strict=True):
        parts.append(numpy.sort(numpy.concatenate([yes[:count], no[: size - count]])))
        yes, no = yes[count:], no[size - count :]
    return numpy.concatenate(parts)
