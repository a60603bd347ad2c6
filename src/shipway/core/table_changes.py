"""What a table has otherwise than a contract says: its columns, and the types, levels, gaps, ranges and spelling of their values.

Only what the contract does not expect is a change. A table without a gap where one is allowed, or with whole numbers where any
number is, has what it should have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from shipway.core import likeness, profile, quarantine, schema_changes
from shipway.core.artifacts import Table
from shipway.core.contract import Column, Contract, Type, read, text_of
from shipway.core.profile import LEVELS, ColumnProfile, Profile
from shipway.core.quarantine import Reason
from shipway.core.schema_changes import Kind, SchemaChange, bounds_in_words, some, spelling_of

FREE: tuple[Type, ...] = ("category", "text")
"""Types that any value has."""

NARROWER: dict[Type, tuple[Type, ...]] = {
    "number": ("integer",),
    "category": ("boolean", "integer", "text"),
    "text": ("boolean", "integer", "category"),
    "boolean": ("category", "integer"),
    "integer": ("category",),
}
"""Type of a contract -> types that the same values may as well be guessed to have; codes may be numbers or levels."""


@dataclass(frozen=True)
class Observed:
    """A table as it was looked at.

    Attributes:
        guesses: What each of its columns would be by itself, in the table's order.
        profile: Its values: those of columns that the contract has as the contract reads them, the others as they are guessed.
        reasons: How many of its cells broke each rule of the contract.
        rows: How many rows were looked at.
    """

    guesses: Mapping[str, Column]
    profile: Profile
    reasons: Counter[Reason]
    rows: int


def observe(contract: Contract, rows: Table) -> Observed:
    """Look at *rows* as received: as the contract reads them, and as columns that nobody has said anything of."""
    from shipway.core import inference

    guesses = inference.each(rows)
    # without a target, with open levels: the table's own levels are counted, whatever the contract lists
    known = {
        name: msgspec.structs.replace(contract.columns[name], closed=False, role="feature")
        for name in guesses
        if name in contract.columns
    }
    open_contract = Contract(target="", columns={**guesses, **known})
    values = profile.measure(open_contract, read(open_contract, rows, target=True).frame)
    return Observed(guesses, values, quarantine.reasons(read(contract, rows, target=True).broken), rows.height)


def changes(contract: Contract, observed: Observed, before: Profile | None = None) -> list[SchemaChange]:
    """What *observed* has otherwise than *contract* says: columns first, in the contract's order, then their values.

    Args:
        before: What the rows looked like that a model of the contract learned from; it tells renamed columns by their values.
    """
    columns = list(observed.guesses)
    found = schema_changes.changes(contract, columns, alike=alike(contract, observed, before))
    misread = schema_changes.evidence(observed.reasons, observed.rows)
    said: list[SchemaChange] = []
    for name, column in contract.columns.items():
        if name in observed.guesses and column.role != "ignored":
            values = _values(contract, name, observed, misread[name].share if name in misread else 0.0)
            said += [SchemaChange(kind=kind, column=name, text=f"{name!r} {text}") for kind, text in values]
    return [*found, *sorted(said, key=lambda change: change.kind != "retyped")]


def alike(contract: Contract, observed: Observed, before: Profile | None = None) -> dict[tuple[str, str], str]:
    """The lost and new columns that hold the same values, with the evidence; *before* as in `changes`."""
    lost, new = schema_changes.departed(contract, list(observed.guesses))
    had = before.columns if before else {}
    now = observed.profile.columns
    return likeness.matches(
        {name: likeness.traits(contract.columns[name], had.get(name)) for name in lost},
        {name: likeness.traits(observed.guesses[name], now.get(name)) for name in new},
    )


def _values(contract: Contract, name: str, observed: Observed, unread: float) -> Iterator[tuple[Kind, str]]:
    """What the values of one column are that its rules do not say; *unread* as in `_type`."""
    column, guess = contract.columns[name], observed.guesses[name]
    seen = observed.profile.columns.get(name)
    if text := _type(contract, name, guess, unread, seen):
        yield "retyped", text
    gaps = _count(observed.reasons, name, "missing")
    if gaps:
        yield "nullable", f"is missing in {gaps:,} of {observed.rows:,} rows, where the contract wants a value in each"
    markers = [marker for marker in guess.missing if marker not in column.missing]
    if unread and markers:
        yield "missing", f"has {some(markers)} where there is no value, as it seems, which the contract does not list as missing"
    if unread and column.type == guess.type and (spelt := spelling_of(column)) != (now := spelling_of(guess)):
        keys = ", ".join(f"{key} {spelt[key]!r} -> {now[key]!r}" for key in spelt if spelt[key] != now[key])
        yield "spelling", f"is written another way: {keys}"
    outside = _count(observed.reasons, name, "minimum") + _count(observed.reasons, name, "maximum")
    if outside:
        yield (
            "bounds",
            f"is out of bounds in {outside:,} of {observed.rows:,} rows, where the contract wants {bounds_in_words(column)}",
        )
    if seen is not None and column.levels and (text := _levels(column, seen, observed.rows)):
        yield "levels", text


def _type(contract: Contract, name: str, guess: Column, unread: float, seen: ColumnProfile | None) -> str:
    """How the type is another one; empty where the values may well be of the contract's type.

    Args:
        unread: Share of the cells that can't be read as the contract's type. Numbers among the levels that a contract lists are
            codes; a key or a free text may be anything.
    """
    column = contract.columns[name]
    if guess.type == column.type:
        return ""
    foreign = column.levels and seen and seen.levels and not {text_of(level) for level in column.levels} & seen.levels.keys()
    coded = bool(foreign) and column.type in FREE and guess.type not in FREE
    other = contract.role(name) == "feature" and guess.type not in NARROWER.get(column.type, ())
    if not (unread >= schema_changes.RETYPED or coded or (other and (unread or column.type in FREE))):
        return ""
    why = f"{unread:.1%} of its cells can't be read as {column.type}" if unread else "as its values show"
    return f"is retyped from {column.type} to {guess.type}: {why}"


def _levels(column: Column, seen: ColumnProfile, rows: int) -> str:
    if seen.levels is None or len(seen.levels) >= LEVELS:
        return ""
    listed = [text_of(level) for level in column.levels or ()]
    come = {level: count for level, count in seen.levels.items() if level not in listed}
    gone = [level for level in listed if level not in seen.levels]
    parts = []
    if gone:
        parts.append(f"lacks the levels {some(gone)}")
    if come:
        parts.append(
            f"has the levels {some(list(come))} in {sum(come.values()):,} of {rows:,} rows, which the contract does not list"
        )
    return ", and ".join(parts)


def _count(reasons: Counter[Reason], name: str, wanted: str) -> int:
    return sum(count for (column, rule, _), count in reasons.items() if (column, rule) == (name, wanted))
