"""Guess a table's contract: each column by itself, then what columns settle for each other, then what each is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from shipway.core import contract_rules
from shipway.core.contract import Column, Contract
from shipway.core.errors import UsageError
from shipway.core.inference import classes, columns, equals, roles
from shipway.core.inference.columns import ColumnGuess, Habits
from shipway.core.inference.distinct import Distinct, quoted

SLIPS = 0.03
"""Share of the rows that may go to quarantine for slips in all columns together, below the 5 % that stop a run."""

STOPPED = 0.05
"""`[check] max_bad_share` as it is when nobody sets it."""

WIDTH_OF_NAMES = 3
"""Cells of a row that must all be the names of their columns for it to be the line of names again; fewer may be so by chance."""

TEXTS = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True)
class Guess:
    """A guessed contract.

    Attributes:
        reasons: For each column the lines of its comment: what was seen, with figures, and how to overrule the guess.
        remarks: Sentences about the table as a whole.
        rows: Rows that it was guessed from.
        bad: How many of them break the contract at most: rows without a class, and slips.
        repeats: Why rows that are equal in every column are none; None where they are to be dropped.
        twins: Why rows with equal features are no twins; None where the split is to keep them together.
    """

    contract: Contract
    reasons: Mapping[str, list[str]]
    remarks: list[str] = field(default_factory=list)
    rows: int = 0
    bad: int = 0
    repeats: str | None = None
    twins: str | None = None


def infer(frame: pl.DataFrame, *, target: str) -> Guess:
    """Guess the contract of *frame*.

    A frame of texts only is taken for a CSV's, whose texts may be numbers, dates and so on; any other frame has types of its own,
    and its texts are texts, or dates.

    Args:
        frame: Shape (rows, columns), in the file's order; texts as they stand, empty ones as "" or null.
        target: Name of the column to predict.

    Raises:
        UsageError: The target has no classes to learn, no column is left to learn from, or a name is not allowed; one sentence.
    """
    if target not in frame.columns:
        raise UsageError(f"the table has no column {target!r} to predict; its columns are {', '.join(map(repr, frame.columns))}")
    if frame.is_empty():
        raise UsageError("the table has no rows; there is nothing to learn from")
    height = frame.height
    if not _is_typed(frame) and frame.width >= WIDTH_OF_NAMES:
        frame = frame.filter(~pl.all_horizontal(pl.col(name).cast(pl.String).eq_missing(name) for name in frame.columns))
    repeated = height - frame.height
    cells = _cells(frame)
    guesses, habits = _alone({name: one for name, one in cells.items() if name != target})
    found = classes.find(cells[target], habits)
    assigned = {name: roles.assign(cells[name], guess) for name, guess in guesses.items()}
    weights = [name for name, (_, role) in assigned.items() if role == "weight"]
    sure = {name: guess for name, (guess, _) in assigned.items()} | {target: found.guess}
    sure = _within(sure, cells, height)
    weight = weights[0] if len(weights) == 1 else None
    contract = Contract(
        target=target,
        columns={name: sure[name].column for name in frame.columns},
        positive=found.positive,
        key=[name for name, (_, role) in assigned.items() if role == "key"],
        weight=weight,
    )
    if not contract.features:
        if len(frame.columns) == 1:
            raise UsageError(
                f"the table has no column but {target!r}, so there is nothing to learn it from; is its separator a usual one?"
            )
        raise UsageError(f"no column is left to learn {target!r} from: the others are empty, constant or identify rows")
    contract_rules.check(contract, "the table")
    bad = min(repeated + found.guess.missing + sum(guess.rogue for guess in sure.values()), height)
    remarks = [*found.remarks, *_remarks(contract, weights, bad, height)]
    if repeated:
        remarks.append(f"{repeated:,} {'row is' if repeated == 1 else 'rows are'} the line of names again, and set apart")
    reasons = {name: list(sure[name].reasons) for name in frame.columns}
    return Guess(
        contract,
        reasons,
        remarks,
        height,
        bad,
        repeats=None if contract.key else equals.by_chance(frame, frame.columns, target),
        twins=equals.by_chance(frame, contract.features, target),
    )


def each(frame: pl.DataFrame) -> dict[str, Column]:
    """What each column of *frame* is by itself, without a target to predict and without roles."""
    guesses, _ = _alone(_cells(frame))
    return {name: guess.column for name, guess in guesses.items()}


def _cells(frame: pl.DataFrame) -> dict[str, Distinct]:
    typed = _is_typed(frame)
    return {series.name: Distinct.of(series, typed=typed) for series in frame.get_columns()}


def _is_typed(frame: pl.DataFrame) -> bool:
    return not all(isinstance(dtype, TEXTS) for dtype in frame.dtypes)


def _alone(cells: Mapping[str, Distinct]) -> tuple[dict[str, ColumnGuess], Habits]:
    """Each column by itself, then by the habits that some columns settle for the others; and these habits."""
    guesses = {name: columns.guess(one, Habits()) for name, one in cells.items()}
    habits = columns.habits_of(list(guesses.values()))
    if habits != Habits():
        guesses |= {name: columns.guess(cells[name], habits) for name, one in guesses.items() if one.open}
    return guesses, habits


def _within(guesses: dict[str, ColumnGuess], cells: Mapping[str, Distinct], height: int) -> dict[str, ColumnGuess]:
    """The guesses with as few slips in all as a run bears: where there are more, those of the worst columns mean nothing."""
    guesses = dict(guesses)
    worst = sorted(guesses, key=lambda name: guesses[name].rogue)
    while worst and sum(guess.rogue for guess in guesses.values()) > max(SLIPS * height, 1):
        name = worst.pop()
        if guesses[name].rogue and guesses[name].column.levels is None:
            guesses[name] = columns.without_slips(cells[name], guesses[name])
    return guesses


def _remarks(contract: Contract, weights: list[str], bad: int, height: int) -> list[str]:
    remarks = []
    if len(weights) > 1:
        remarks.append(f"{' and '.join(map(quoted, weights))} all look like weights, so none is taken: name one as `weight`")
    if bad > STOPPED * height:
        remarks.append(
            f"{bad:,} of {height:,} rows have no class or can't be read, more than a run bears: mend them, or have "
            f"max_bad_share in [check] of project.toml above {bad / height:.2f}, as `shipway new` writes it"
        )
    return remarks
