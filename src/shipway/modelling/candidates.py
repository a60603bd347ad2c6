"""What a search may choose from: estimators by dotted path, with fixed parameters and a grid."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from shipway.core.errors import UsageError

if TYPE_CHECKING:
    import numpy


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A range to draw from, for random search: whole numbers where both ends are; evenly in the logarithm with `log`."""

    low: int | float
    high: int | float
    log: bool = False


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An estimator, its fixed parameters, and the values to try for others.

    Attributes:
        estimator: Its dotted path, such as `sklearn.linear_model.LogisticRegression`.
        params: Parameters that stay as they are.
        grid: Parameter -> values to try; for a random search also a range, `{ low = 0.1, high = 10.0, log = true }`.
    """

    estimator: str
    params: dict[str, Any] = {}
    grid: dict[str, list[Any] | Span] = {}


class Setting(msgspec.Struct, frozen=True):
    """One candidate with one choice from its grid."""

    candidate: str
    estimator: str
    params: dict[str, Any]


def settings(candidates: Mapping[str, Candidate], *, search: Literal["grid", "random"], trials: int, seed: int) -> list[Setting]:
    """The settings to try, in order.

    Args:
        search: `grid` tries every combination of every candidate; `random` draws, from each candidate in turn.
        trials: How many to draw; equal draws count once.

    Raises:
        UsageError: There is no candidate, a grid is empty, or a range has no use in this search.
    """
    check(candidates, search=search, trials=trials)
    if search == "grid":
        return [setting for name, candidate in candidates.items() for setting in _combinations(name, candidate)]
    import numpy

    draw = numpy.random.default_rng(seed)
    turns = itertools.islice(itertools.cycle(candidates.items()), trials)
    drawn = [_draw(name, candidate, draw) for name, candidate in turns]
    return [setting for index, setting in enumerate(drawn) if setting not in drawn[:index]]


def check(candidates: Mapping[str, Candidate] | None, *, search: Literal["grid", "random"], trials: int) -> None:
    """Raises UsageError as `settings` does; without *candidates*, the default ones are right."""
    if candidates is not None and not candidates:
        raise UsageError("[tune.candidates] is empty; name at least one candidate, or leave the section out")
    for name, candidate in (candidates or {}).items():
        for key, values in candidate.grid.items():
            _check(values, f"[tune.candidates.{name}] grid.{key}", search)
    if trials < 1:
        raise UsageError(f"[tune] trials = {trials}: at least one setting has to be tried")


def _check(values: list[Any] | Span, where: str, search: str) -> None:
    if isinstance(values, list):
        if not values:
            raise UsageError(f"{where} is empty; give at least one value")
        return
    if search == "grid":
        raise UsageError(f'{where} is a range, which only search = "random" can draw from; list values instead')
    if not values.low < values.high or (values.log and values.low <= 0):
        raise UsageError(f"{where}: low must be below high{', and above 0 with log' if values.log else ''}")


def _combinations(name: str, candidate: Candidate) -> list[Setting]:
    lists = [values for values in candidate.grid.values() if isinstance(values, list)]
    chosen = (dict(zip(candidate.grid, values, strict=True)) for values in itertools.product(*lists))
    return [Setting(name, candidate.estimator, {**candidate.params, **choice}) for choice in chosen]


def _draw(name: str, candidate: Candidate, draw: numpy.random.Generator) -> Setting:
    choice = {key: _value(values, draw) for key, values in candidate.grid.items()}
    return Setting(name, candidate.estimator, {**candidate.params, **choice})


def _value(values: list[Any] | Span, draw: numpy.random.Generator) -> Any:
    if isinstance(values, list):
        return values[int(draw.integers(len(values)))]
    if isinstance(values.low, int) and isinstance(values.high, int) and not values.log:
        return int(draw.integers(values.low, values.high + 1))
    if not values.log:
        return float(draw.uniform(values.low, values.high))
    value = float(values.low * (values.high / values.low) ** draw.random())
    return round(value) if isinstance(values.low, int) and isinstance(values.high, int) else value
