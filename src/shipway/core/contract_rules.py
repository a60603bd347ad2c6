"""What a contract file itself must keep: its keys, and rules that agree with each other."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from shipway.core.contract import Column, Contract, text_of
from shipway.core.errors import UsageError
from shipway.core.reading import clock
from shipway.core.reading.spelling import format_fault

RESERVED = "_shipway_"
"""Start of the names of the columns that say where a row stood in its source."""

LEVELLED = ("category", "text", "integer", "boolean")
BOUNDED = ("integer", "number")
SIGNS = "+-.,_' \t\xa0\u202f"
"""What belongs to a number itself; an affix of nothing else would take a minus away."""

S = TypeVar("S", bound=msgspec.Struct)


def convert(document: dict[str, Any], where: str) -> Contract:
    """Turn the TOML *document* of the file *where* into a contract, one table at a time so that messages name the table."""
    _known(document, Contract.__struct_fields__, where)
    columns = document.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise UsageError(f"{where}: the contract needs a table for each column, such as [columns.age]")
    read = {}
    for name, column in columns.items():
        if not isinstance(column, dict):
            raise UsageError(f'{where}: columns.{name} must be a table, such as [columns.{name}] with type = "number"')
        _known(column, Column.__struct_fields__, f"{where}: [columns.{name}]")
        read[name] = _struct(column, Column, f"{where}: [columns.{name}]")
    return _struct({**document, "columns": read}, Contract, where)


def check(contract: Contract, where: str) -> None:
    """Check that the rules agree. Raises UsageError naming *where*, the column and the next step."""
    for name, column in contract.columns.items():
        _check_column(name, column, f"{where}: [columns.{name}]")
    weights = [] if contract.weight is None else [contract.weight]
    for name in (contract.target, *contract.key, *weights):
        if name not in contract.columns:
            role = "target" if name == contract.target else "weight" if name in weights else "key"
            raise UsageError(f"{where}: {role} names the column {name!r}, which is not there; {_nearest(name, contract.columns)}")
        if contract.columns[name].role == "ignored":
            raise UsageError(
                f'{where}: [columns.{name}]: role = "ignored", but it is named as target, key or weight; take one away'
            )
    if contract.target in contract.key or len(set(contract.key)) < len(contract.key):
        raise UsageError(f"{where}: key must name different columns, and not the target {contract.target!r}")
    if contract.weight in (contract.target, *contract.key):
        raise UsageError(f"{where}: weight must be a column of its own, not the target or the key {contract.weight!r}")
    if weights and contract.columns[weights[0]].type not in BOUNDED:
        raise UsageError(f'{where}: [columns.{contract.weight}]: weights are numbers: use type = "number", or take weight away')
    _check_target(contract, f"{where}: [columns.{contract.target}]")
    if not contract.features:
        raise UsageError(
            f"{where}: no column is left to learn from; at least one must be neither target, key, weight nor ignored"
        )


def _check_column(name: str, column: Column, where: str) -> None:
    if name.startswith(RESERVED):
        raise UsageError(f"{where}: names that start with {RESERVED!r} are kept for Shipway; rename the column")
    _check_spelling(column, where)
    if column.levels is None and column.closed:
        raise UsageError(f"{where}: closed = true needs levels, the list of what the column may be")
    if column.levels is not None:
        _check_levels(column, column.levels, where)
    bounds = [bound for bound in (column.minimum, column.maximum) if bound is not None]
    if bounds and column.type not in BOUNDED:
        raise UsageError(f"{where}: minimum and maximum are for integer and number columns, not for {column.type}")
    if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
        raise UsageError(
            f"{where}: minimum and maximum must be finite, and minimum not above maximum; leave out the one not meant"
        )


def _check_spelling(column: Column, where: str) -> None:
    """How texts of numbers and dates are written."""
    spelled = column.decimal != "." or column.thousands is not None or column.affixes
    if spelled and column.type not in BOUNDED:
        raise UsageError(f"{where}: decimal, thousands and affixes are for integer and number columns, not for {column.type}")
    if column.thousands is not None and (len(column.thousands) != 1 or column.thousands in "+-0123456789" + column.decimal):
        raise UsageError(
            f"{where}: thousands must be one sign other than the decimal {column.decimal!r}; found {column.thousands!r}"
        )
    if any(any(sign.isdigit() for sign in affix) or not affix.strip(SIGNS) for affix in column.affixes):
        raise UsageError(
            f'{where}: affixes are texts without digits and not only signs, such as "$" or "kg"; found {list(column.affixes)!r}'
        )
    if column.format is None:
        return
    if column.type not in (*BOUNDED, "datetime"):
        raise UsageError(f"{where}: format is for datetime, integer and number columns, not for {column.type}")
    if spelled:
        raise UsageError(
            f"{where}: format says how a time is written, and decimal, thousands and affixes how a number is; keep one"
        )
    if fault := (format_fault if column.type == "datetime" else clock.fault)(column.format):
        raise UsageError(f"{where}: format: {fault}; found {column.format!r}")


def _check_levels(column: Column, levels: list[Any], where: str) -> None:
    if column.type not in LEVELLED:
        raise UsageError(f"{where}: levels are for {', '.join(LEVELLED)} columns, not for {column.type}")
    if not levels:
        raise UsageError(f"{where}: levels must not be empty; leave it out when any level will do")
    texts = [text_of(level) for level in levels]
    if len(set(texts)) < len(texts):
        raise UsageError(f"{where}: levels must differ; found {levels!r}")
    if both := sorted(set(texts) & set(column.missing)):
        raise UsageError(f"{where}: {both[0]!r} is a level and a missing marker; take it out of one of them")
    kind: Any = {"integer": int, "boolean": bool}.get(column.type)
    if kind is not None and any(type(level) is not kind for level in levels):
        raise UsageError(f"{where}: levels of a {column.type} column must be {column.type}s, without quotes; found {levels!r}")


def _check_target(contract: Contract, where: str) -> None:
    target = contract.columns[contract.target]
    if target.type in ("number", "datetime"):
        raise UsageError(f'{where}: the target is a {target.type}; Shipway learns classes: use type = "category" with levels')
    if target.nullable:
        raise UsageError(f"{where}: the target can't be nullable; rows without one go to quarantine")
    if target.levels is None or len(target.levels) < 2:
        raise UsageError(f'{where}: the target needs two levels or more, such as levels = ["No", "Yes"]')
    known = [(type(level), level) for level in target.levels]
    if contract.positive is not None and (type(contract.positive), contract.positive) not in known:
        raise UsageError(f"{where}: positive = {contract.positive!r} is none of the levels {target.levels!r}")


def _struct(document: dict[str, Any], kind: type[S], where: str) -> S:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        key = f"{path.strip('.`')}: " if path else ""
        raise UsageError(f"{where}: {key}{reason.replace('Object missing', 'missing').replace('`', '')}") from None


def _known(document: dict[str, Any], fields: Iterable[str], where: str) -> None:
    for key in document:
        if key not in fields:
            raise UsageError(f"{where} has the key {key!r}, which no contract has; {_nearest(key, fields)}")


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
