"""95 % intervals by the percentile bootstrap (Efron and Tibshirani 1993, chapter 13)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shipway.core.models import Interval
from shipway.modelling.metrics import Answers, measure, names

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOW, HIGH = 2.5, 97.5
"""Percentiles of a 95 % interval."""


def draw(
    models: Sequence[Answers], *, resamples: int, seed: int, each: Callable[[int], None] = lambda advance: None
) -> list[dict[str, NDArray[Any]]]:
    """Each metric of each model on resamples of the same rows; arrays of shape (resamples,).

    A resample is kept as how often it holds each row. All models get the same ones, so that differences are paired.

    Args:
        models: Answers on the same rows in the same order.
        each: Told after each resample.
    """
    import numpy

    rows = len(models[0].truth)
    generator = numpy.random.default_rng(seed)
    drawn = [{name: numpy.empty(resamples) for name in names(model.classes)} for model in models]
    for index in range(resamples):
        times = numpy.bincount(generator.integers(0, rows, rows), minlength=rows).astype(numpy.float64)
        for model, figures in zip(models, drawn, strict=True):
            for name, value in measure(model, times).items():
                figures[name][index] = value
        each(1)
    return drawn


def interval(value: float, drawn: NDArray[Any]) -> Interval:
    """The interval of a figure; resamples that don't define it, for want of a class, play no part."""
    import numpy

    known = drawn[~numpy.isnan(drawn)]
    low, high = numpy.percentile(known, (LOW, HIGH)) if len(known) else (value, value)
    return Interval(value=value, low=float(low), high=float(high))
