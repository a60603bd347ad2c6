"""Which columns a model goes by: how much worse it gets when one of them is shuffled, in bounded time on any table.

The method is Breiman's (2001; Fisher and others 2019). Its cost grows with the square of the columns, as each shuffle is answered
on all of them; so in a wide table only those are shuffled that move the answers most on a few rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shipway.core.artifacts import Table
from shipway.core.models import Model

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 2_000
REPEATS = 3

SHOWN = 40
"""Columns that are measured; more could not be told apart in a plot, and the first few are what is looked for."""

SIFTED_ROWS = 100
"""Rows on which it is seen which columns move the answers most."""

ANSWERS = 300_000
"""Answers that all shuffles may ask for, where one of several classes counts as so many, as trees are grown for each. It lets
2,000 rows stand for two classes and 40 columns; measured with 1,000 trees, a core gives about 30,000 of them a second."""

FEWEST_ROWS = 200

AT_ONCE = 20_000
"""Rows that a model is asked at once, so that a wide table's copies do not fill the memory."""

Figure = Callable[["NDArray[Any]", "NDArray[Any]"], float]


def measure(model: Model, testing: Table, figure: Figure, *, seed: int) -> dict[str, Any]:
    """How much worse the model gets when one column of its input is shuffled.

    Args:
        figure: Greater is better; of places of rows in *testing*, and of what the model says of them.
        seed: Fixes the rows and the shuffles.

    Returns:
        `columns`, most important first, and the `mean`, `low` and `high` loss over the shuffles; `left_out`, how many other
        columns move the answers less than these; `rows` and `repeats`.
    """
    import numpy

    generator = numpy.random.default_rng(seed)
    columns = model.card.contract.features
    shown = _sift(model, testing, generator) if len(columns) > SHOWN else columns
    classes = len(model.card.classes)
    affordable = ANSWERS // (REPEATS * len(shown) * (1 if classes == 2 else classes))
    rows = min(testing.height, ROWS, max(FEWEST_ROWS, affordable))
    chosen = numpy.sort(generator.choice(testing.height, rows, replace=False))
    frame = testing[chosen].select(columns)
    best = figure(chosen, model.probabilities(frame))
    orders = [generator.permutation(rows) for _ in range(REPEATS)]
    answers = _shuffled(model, frame, [(name, order) for name in shown for order in orders])
    found = [best - figure(chosen, part) for part in answers]
    losses = {name: found[place * REPEATS : (place + 1) * REPEATS] for place, name in enumerate(shown)}
    ordered = sorted(losses, key=lambda name: -sum(losses[name]))
    return {
        "columns": ordered,
        "mean": [sum(losses[name]) / REPEATS for name in ordered],
        "low": [min(losses[name]) for name in ordered],
        "high": [max(losses[name]) for name in ordered],
        "left_out": len(columns) - len(ordered),
        "rows": rows,
        "repeats": REPEATS,
    }


def _sift(model: Model, testing: Table, generator: Any) -> list[str]:
    """The columns whose shuffling moves the probabilities most on a few rows, in the order of the contract."""
    columns = model.card.contract.features
    rows = min(testing.height, SIFTED_ROWS)
    frame = testing[generator.choice(testing.height, rows, replace=False)].select(columns)
    said = model.probabilities(frame)
    order = generator.permutation(rows)
    answers = _shuffled(model, frame, [(name, order) for name in columns])
    moved = {name: float(abs(part - said).sum()) for name, part in zip(columns, answers, strict=True)}
    most = set(sorted(columns, key=lambda name: -moved[name])[:SHOWN])
    return [name for name in columns if name in most]


def _shuffled(model: Model, frame: Table, shuffles: Sequence[tuple[str, NDArray[Any]]]) -> list[NDArray[Any]]:
    """What the model says of *frame* with one column in another order, for each of *shuffles*; many are asked at once."""
    import numpy
    import polars

    at_once = max(1, AT_ONCE // frame.height)
    answers = []
    for start in range(0, len(shuffles), at_once):
        some = shuffles[start : start + at_once]
        copies = polars.concat([frame.with_columns(frame[name][order]) for name, order in some], rechunk=True)
        answers += numpy.split(model.probabilities(copies), len(some))
    return answers
