"""What moved an answer: how much each value of a record, held against a typical one, did to the probability of its label.

The figures are Shapley values (Štrumbelj and Kononenko, Explaining prediction models and individual predictions with feature
contributions, 2014) against one reference, the bundle's typical record: a value's effect is the mean, over the orders in which
the record's values could replace the typical ones, of what its turn does to the probability. So they sum to the difference
between the record's probability and the typical one's, and a value that is the typical one has none.

What they are not: they tell of the model, not of the world, so an effect is no cause; another reference gives other figures; and
on the way stand mixtures of the two records that may never occur, such as a customer of no months with a large total.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shipway.core import contract as contracts
from shipway.core.contract import Column, Level
from shipway.core.profile import NAMED_ROWS, ColumnProfile
from shipway.scoring.predictor import Predictions, Predictor, RecordError

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

    Score = Callable[[NDArray[Any]], NDArray[Any]]

ROWS = 1000
"""Rows that one explanation scores, at most: a large request's work."""

EXACT = 9
"""Up to so many values that differ from the typical ones all their mixtures are scored (512), which leaves nothing to chance."""

PERMUTATIONS = 50
"""Orders that are drawn where values are more, at most; half of them are the others reversed, which halves the error at least
where the model adds its features up (Mitchell, Cooper, Frank and Holmes, Sampling permutations for Shapley value estimation,
2022)."""

FEWEST_PERMUTATIONS = 4
"""Where so many would be too many rows, the values that the model heeds least are moved together."""

HEEDED = 400
"""Features up to which it is measured which ones a model heeds most; for more it would take seconds."""

EDGES = (1, -2)
"""Of a profile's quantiles, those that stand for a low and a high value: 5 and 95 %."""


@dataclass(frozen=True)
class Effect:
    """What one value did.

    Attributes:
        column: Its column; None for the values that were moved together.
        effect: Change of the label's probability, from -1 to 1.
        typical: The value that it was held against, as JSON has it.
    """

    column: str | None
    effect: float
    typical: Any


@dataclass(frozen=True)
class Explanation:
    """Why one record got its label.

    Attributes:
        predictions: The answer to the record.
        label: The label that the probabilities are of.
        probability, typical: Of that label, for the record and for the typical one; float in [0, 1].
        effects: The greatest first; features whose value is the typical one are left out. They sum to the difference. None where
            the model can't compute with mixtures of the two records.
        exact: Whether nothing was drawn by chance.
    """

    predictions: Predictions
    label: Level
    probability: float
    typical: float
    effects: list[Effect] | None
    exact: bool


def explain(predictor: Predictor, record: Mapping[str, Any], *, rows: int = ROWS, seed: int = 0) -> Explanation:
    """Answer *record* and say what moved the answer.

    Args:
        record: As a caller sends it.
        rows: What it may score, at most, beside the record itself and the typical one.
        seed: Of the orders that are drawn, so that the same record gets the same figures.

    Raises:
        RecordError: As `Predictor.predict` does, for the record.
    """
    found = predictor.predict([record])
    place = predictor.card.classes.index(found.labels[0])
    pair = contracts.read(predictor.card.contract, [predictor.example, record], target=False).frame
    differ = [name for name in pair.columns if pair[name][0] != pair[name][1]]
    players = _players(predictor, differ, max(rows // FEWEST_PERMUTATIONS, 1))
    exact = len(players) <= EXACT and 2 ** len(players) <= rows

    def score(masks: NDArray[Any]) -> NDArray[Any]:
        return predictor.predict(_mixtures(pair, players, masks)).probabilities[:, place]

    try:
        values, typical = _exact(len(players), score) if exact else _sampled(len(players), score, rows, seed)
    except RecordError:
        typical = float(predictor.predict([predictor.example]).probabilities[0, place])
        return Explanation(found, found.labels[0], float(found.probabilities[0, place]), typical, None, exact)
    effects = [
        Effect(group[0] if len(group) == 1 else None, float(value), predictor.example.get(group[0]) if len(group) == 1 else None)
        for group, value in zip(players, values, strict=True)
    ]
    effects.sort(key=lambda one: -abs(one.effect))
    return Explanation(found, found.labels[0], float(found.probabilities[0, place]), typical, effects, exact)


def work(features: int, rows: int = ROWS) -> int:
    """Rows that `explain` scores at most, for a model of so many features."""
    return 2 + (min(2**features, rows) if features <= EXACT else rows)


def by_heed(predictor: Predictor) -> list[str]:
    """The features, those first that the model heeds most: whose change alone moves the typical record's probabilities furthest.

    Each is given a low and a high value, or the two commonest other levels. Equal ones, and all of more than `HEEDED`, stay in
    the file's order.
    """
    card = predictor.card
    features = card.contract.features
    if len(features) > HEEDED:
        return features
    changed = [
        (name, {**predictor.example, name: value})
        for name in features
        for value in _others(card.contract.columns[name], card.profile.columns[name], predictor.example.get(name))
    ]
    reading = contracts.read(card.contract, [predictor.example, *(record for _, record in changed)], target=False)
    unread = {breach.row for breach in reading.breaches}
    kept = [row for row in range(reading.frame.height) if row not in unread]
    try:
        found = dict(zip(kept, predictor.predict(reading.frame[kept]).probabilities, strict=True))
    except RecordError:
        return features
    heed = dict.fromkeys(features, 0.0)
    for row, (name, _) in enumerate(changed, 1):
        if row in found:
            heed[name] = max(heed[name], float(abs(found[row] - found[0]).max()))
    return sorted(features, key=lambda name: -heed[name])


def _others(column: Column, seen: ColumnProfile, typical: Any) -> Sequence[Any]:
    """Values that a column often has, other than the *typical* one."""
    if seen.quantiles is not None:
        edges = [seen.quantiles[place] for place in EDGES]
        if column.type == "datetime":
            from datetime import UTC, datetime

            return [datetime.fromtimestamp(edge, UTC).replace(tzinfo=None).isoformat() for edge in edges]
        return [round(edge) for edge in edges] if column.type == "integer" else edges
    common = [level for level, count in (seen.levels or {}).items() if count >= NAMED_ROWS]
    return [level for level in common if typical is None or level != contracts.text_of(typical)][:2]


def _players(predictor: Predictor, differ: Sequence[str], most: int) -> list[list[str]]:
    """*differ* one by one, or, where they are more than *most*, those by themselves that the model heeds most."""
    if len(differ) <= most:
        return [[name] for name in differ]
    order = {name: place for place, name in enumerate(by_heed(predictor))}
    names = sorted(differ, key=order.__getitem__)
    return [*([name] for name in names[: most - 1]), names[most - 1 :]]


def _mixtures(pair: polars.DataFrame, players: Sequence[Sequence[str]], masks: NDArray[Any]) -> polars.DataFrame:
    """A row for each of *masks*: where it is 1, the player's values are the record's, else the typical ones."""
    import numpy
    import polars

    places = {name: masks[:, place] for place, names in enumerate(players) for name in names}
    same = numpy.zeros(len(masks), dtype=numpy.uint32)
    return polars.DataFrame({name: pair[name].gather(places.get(name, same)) for name in pair.columns})


def _exact(players: int, score: Score) -> tuple[NDArray[Any], float]:
    """Each player's value from all 2^n mixtures; and the typical probability."""
    import numpy

    sets = numpy.arange(2**players)
    masks = (sets[:, None] >> numpy.arange(players) & 1).astype(numpy.uint32)
    scores = score(masks)
    sizes = masks.sum(axis=1)
    weights = numpy.array([1 / (players * math.comb(players - 1, size)) for size in range(players)])
    values = numpy.zeros(players)
    for player in range(players):
        without = masks[:, player] == 0
        values[player] = (weights[sizes[without]] * (scores[sets[without] | 1 << player] - scores[without])).sum()
    return values, float(scores[0])


def _sampled(players: int, score: Score, rows: int, seed: int) -> tuple[NDArray[Any], float]:
    """Each player's mean over orders that are drawn in pairs, one the other reversed; and the typical probability."""
    import numpy

    draw = numpy.random.default_rng(seed)
    pairs = max(min(PERMUTATIONS, rows // max(players, 1)) // 2, 1)
    half = [draw.permutation(players) for _ in range(pairs)]
    orders = numpy.array([order for one in half for order in (one, one[::-1])])
    turns = numpy.argsort(orders, axis=1)  # when each player's turn comes
    masks = (turns[:, None, :] < numpy.arange(1, players)[None, :, None]).astype(numpy.uint32)
    ends = numpy.array([[0] * players, [1] * players], dtype=numpy.uint32)
    scores = score(numpy.concatenate([ends, masks.reshape(-1, players)]))
    none, everything = numpy.full((len(orders), 1), scores[0]), numpy.full((len(orders), 1), scores[1])
    walks = numpy.concatenate([none, scores[2:].reshape(len(orders), players - 1), everything], axis=1)
    steps = numpy.diff(walks, axis=1)
    return numpy.take_along_axis(steps, turns, axis=1).mean(axis=0), float(scores[0])
