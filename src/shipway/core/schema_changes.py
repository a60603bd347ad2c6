"""What changed between two sets of columns: new, lost, renamed, retyped, and rules that are no longer the same."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from shipway.core import likeness
from shipway.core.contract import Column, Contract, Type, text_of

Kind = Literal["new", "lost", "renamed", "retyped", "role", "nullable", "missing", "bounds", "levels", "spelling", "target"]

RENAMED = 0.8
"""From this similarity of two names, one lost and one new, they count as one column renamed: `Arrival Delay in Minutes` and
`arrival_delay_min` have 0.83, `MonthlyCharges` and `TotalCharges`, which are two columns, 0.77."""
NEAREST = 0.6
"""From this similarity a name is worth naming as the nearest."""
RETYPED = 0.5
"""From this share of cells that can't be read, a column has another type than the contract says; below it, it has bad cells."""
SHOWN = 10
FEW = 3
"""So many new columns are named beside a lost one that is near to none of them; of more, each is named once, as new."""

WORD = re.compile(r"\d+|[^\W\d_]+")
CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

ROLES = {"feature": "a feature", "target": "the target", "key": "a key", "weight": "the weight", "ignored": "ignored"}

COLUMNS: tuple[Kind, ...] = ("new", "lost", "renamed", "retyped")
"""The kinds that are about which columns there are, not about their rules."""


class SchemaChange(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between what was and what is.

    Attributes:
        column: Its name now; for a lost column, the name that it had.
        nearest: For a renamed column its old name; for a new one the nearest of the old names, for a lost one the nearest of the
            names that are new; None where no name is near.
        text: One sentence that says so.
    """

    kind: Kind
    column: str
    nearest: str | None = None
    text: str


class Misread(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a column can't be read as its type: the share of its cells, in (0, 1], and what most of those are, in words."""

    share: float
    found: str


def changes(
    contract: Contract,
    columns: Sequence[str],
    misread: Mapping[str, Misread] | None = None,
    alike: Mapping[tuple[str, str], str] | None = None,
) -> list[SchemaChange]:
    """What rows with *columns* have that *contract* does not, and the other way round.

    Columns that the contract ignores may be absent. Lost, renamed and retyped columns come first, in the contract's order.

    Args:
        columns: Names as received.
        misread: What `evidence` makes of reading the rows by the contract; without it no column is known to be retyped.
        alike: What `likeness.matches` makes of the values of lost and new columns; without it names alone tell of a renaming.
    """
    lost, new = departed(contract, columns)
    renamed = _renamed(lost, new, alike=alike)
    found = _departures(lost, new, renamed, "the rows have")
    for name, broken in (misread or {}).items():
        if broken.share >= RETYPED and name in contract.columns:
            share, expected = f"{broken.share:.0%} of its cells", contract.columns[name].type
            text = f"{name!r} is retyped: {share} are {broken.found}, where the contract expects {expected}"
            found.append(SchemaChange(kind="retyped", column=name, text=text))
    return found + _arrivals(new, contract, renamed, "the contract has no column of that name")


def departed(contract: Contract, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names that *contract* expects and *columns* lack, and those of *columns* that it does not have."""
    lost = [name for name in contract.columns if name not in columns and contract.role(name) != "ignored"]
    return lost, [name for name in columns if name not in contract.columns]


def evidence(reasons: Mapping[tuple[str, str, str], int], rows: int) -> dict[str, Misread]:
    """For each column with cells that broke the rule `type`, their share of *rows* and the commonest kind found.

    Args:
        reasons: How many cells there are of each (column, rule, message), as `quarantine.reasons` counts them.
    """
    kinds: dict[str, Counter[str]] = {}
    for (column, rule, message), count in reasons.items():
        if rule == "type" and column:
            kinds.setdefault(column, Counter())[message.rpartition(", got ")[2]] += count
    return {name: Misread(share=count.total() / rows, found=count.most_common(1)[0][0]) for name, count in kinds.items() if rows}


def between(old: Contract, new: Contract) -> list[SchemaChange]:
    """What *new* says otherwise than *old*: columns first, then the rules of those that both have."""
    lost = [name for name in old.columns if name not in new.columns]
    added = [name for name in new.columns if name not in old.columns]
    types = {name: column.type for contract in (old, new) for name, column in contract.columns.items()}
    declared = ({name: likeness.traits(each.columns[name]) for name in names} for each, names in ((old, lost), (new, added)))
    renamed = _renamed(lost, added, types, likeness.matches(*declared))
    found = _departures(lost, added, renamed, "there is")
    found += _arrivals(added, old, renamed, "there was no column of that name")
    for name in old.columns:
        if name in new.columns or name in renamed:
            found += _rules(renamed[name].name if name in renamed else name, name, old, new)
    return found + _answers(old, new)


def similarity(one: str, other: str) -> float:
    """How alike two names are, in [0, 1].

    1 where only capitals, spaces and signs differ; else the ratio of Ratcliff and Obershelp (`difflib`), and near in any case
    where all words of one are words of the other; 0 where both have numbers and these differ, as `q1` and `q2` are two questions.
    """
    words, others = _words(one), _words(other)
    if "".join(words) == "".join(others):
        return 1.0
    numbers, theirs = ([word for word in each if word.isdigit()] for each in (words, others))
    if numbers and theirs and numbers != theirs:
        return 0.0
    ratio = difflib.SequenceMatcher(None, "".join(words), "".join(others), autojunk=False).ratio()
    within = set(words) <= set(others) or set(others) <= set(words)
    return max(ratio, NEAREST) if within else ratio


def _words(name: str) -> list[str]:
    return WORD.findall(CAPITAL.sub(" ", name).casefold()) or [name]


class _Renamed(NamedTuple):
    """A column's new name, and the evidence beside it where the names alone don't tell."""

    name: str
    why: str


def _renamed(
    lost: Sequence[str],
    new: Sequence[str],
    types: Mapping[str, Type] | None = None,
    alike: Mapping[tuple[str, str], str] | None = None,
) -> dict[str, _Renamed]:
    """Old name -> new name, the most alike pairs first, each name once; then what is *alike* in its values among the others.

    Pairs of different *types* are no renaming.
    """
    pairs = [
        (score, old, name)
        for old in lost
        for name in new
        if (score := similarity(old, name)) >= RENAMED and (types is None or types[old] == types[name])
    ]
    found: dict[str, _Renamed] = {}
    taken: set[str] = set()
    named = [(old, name, "") for _, old, name in sorted(pairs, key=lambda pair: -pair[0])]
    for old, name, why in [*named, *((*pair, why) for pair, why in (alike or {}).items())]:
        if old not in found and name not in taken:
            found[old] = _Renamed(name, why)
            taken.add(name)
    return found


def _nearest(name: str, others: Iterable[str]) -> str | None:
    scored = [(similarity(name, other), other) for other in others]
    score, nearest = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return nearest if score >= NEAREST else None


def _departures(lost: Sequence[str], new: Sequence[str], renamed: Mapping[str, _Renamed], who: str) -> list[SchemaChange]:
    """What became of the *lost* columns; *who* has others instead."""
    found = []
    for old in lost:
        if known := renamed.get(old):
            name, why = known
            text = f"{old!r} is renamed, as it seems: {who} {name!r} in its place{why and ', '}{why}"
            found.append(SchemaChange(kind="renamed", column=name, nearest=old, text=text))
            continue
        nearest = _nearest(old, new)
        others = f"; new columns are {', '.join(map(repr, new))}" if 0 < len(new) <= FEW else ""
        hint = f"; the nearest new column is {nearest!r}" if nearest else others
        text = f"{old!r} is lost: {who} no column of that name{hint}"
        found.append(SchemaChange(kind="lost", column=old, nearest=nearest, text=text))
    return found


def _arrivals(new: Sequence[str], old: Contract, renamed: Mapping[str, _Renamed], reason: str) -> list[SchemaChange]:
    found = []
    taken = {each.name for each in renamed.values()}
    for name in new:
        if name not in taken:
            nearest = _nearest(name, old.columns)
            hint = f"; the nearest old column is {nearest!r}" if nearest else ""
            found.append(SchemaChange(kind="new", column=name, nearest=nearest, text=f"{name!r} is new: {reason}{hint}"))
    return found


def _rules(name: str, was: str, old: Contract, new: Contract) -> list[SchemaChange]:
    """How the rules of the column *name*, which *was* named so, differ."""
    before, after = old.columns[was], new.columns[name]
    found: list[tuple[Kind, str]] = []
    if before.type != after.type:
        found.append(("retyped", f"is retyped from {before.type} to {after.type}"))
    if old.role(was) != new.role(name):
        found.append(("role", f"was {ROLES[old.role(was)]}, and is {ROLES[new.role(name)]}"))
    if before.nullable != after.nullable:
        found.append(("nullable", "may be missing now" if after.nullable else "may not be missing any more"))
    if set(before.missing) != set(after.missing):
        found.append(("missing", f"had the missing markers {some(before.missing)}, and has {some(after.missing)}"))
    if (before.minimum, before.maximum) != (after.minimum, after.maximum):
        found.append(("bounds", f"was {bounds_in_words(before)}, and is {bounds_in_words(after)}"))
    if levels := _levels(before, after):
        found.append(("levels", levels))
    if (spelt := spelling_of(before)) != (now := spelling_of(after)):
        keys = [key for key in spelt if spelt[key] != now[key]]
        said = ", ".join(f"{key} {spelt[key]!r} -> {now[key]!r}" for key in keys)
        found.append(("spelling", f"is written another way: {said}"))
    return [SchemaChange(kind=kind, column=name, text=f"{name!r} {text}") for kind, text in found]


def _answers(old: Contract, new: Contract) -> list[SchemaChange]:
    if old.positive_class == new.positive_class or old.target not in new.columns:
        return []
    text = f"the positive class was {old.positive_class!r}, and is {new.positive_class!r}"
    return [SchemaChange(kind="target", column=new.target, text=text)]


def some(texts: Sequence[str]) -> str:
    """*texts* in quotes, the first of many."""
    rest = len(texts) - SHOWN
    shown = ", ".join(f'"{text}"' for text in texts[:SHOWN]) or "none"
    return f"{shown} and {rest} more" if rest > 0 else shown


def bounds_in_words(column: Column) -> str:
    """What the bounds of a column are, such as "at least 0"."""
    bounds = [("at least", column.minimum), ("at most", column.maximum)]
    return " and ".join(f"{word} {text_of(bound)}" for word, bound in bounds if bound is not None) or "without bounds"


def _levels(before: Column, after: Column) -> str:
    were, are = ([text_of(level) for level in column.levels or ()] for column in (before, after))
    parts = []
    if gone := [level for level in were if level not in are]:
        parts.append(f"lost the levels {some(gone)}")
    if come := [level for level in are if level not in were]:
        parts.append(f"got the levels {some(come)}")
    if not parts and were != are:
        parts.append("lists its levels in another order")
    if before.closed != after.closed:
        parts.append("takes no other levels any more" if after.closed else "takes other levels too now")
    return ", and ".join(parts)


def spelling_of(column: Column) -> dict[str, object]:
    """The keys of a column that say how its texts are written."""
    return {
        "decimal": column.decimal,
        "thousands": column.thousands,
        "affixes": sorted(column.affixes),
        "format": column.format,
    }
