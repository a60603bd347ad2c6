"""The contract as a JSON Schema (draft 2020-12): what a record may hold.

A schema never refuses what the contract's reader takes. Enums and bounds are constraints only where they are rules, otherwise
examples. A number or date that is sent as text is held to its form only, as JSON Schema can't bound what a text stands for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from shipway.core.contract import Column, Contract, Level, text_of
from shipway.core.project import ProjectInfo
from shipway.core.reading.spelling import Spelling, is_of_digits, number_pattern

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

BOOLEAN_TEXT = r"^\s*([Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]|[01](\.0)?)\s*$"
SCALARS = ["string", "number", "boolean"]
DEMANDED = ("target", "weight")
"""Roles whose columns may not be missing in training, whatever they say of themselves."""


def document(contract: Contract, name: str, info: ProjectInfo) -> Schema:
    """A row of the project *name* as its source sends it, target and key included, as a schema of its own."""
    said = {"title": info.title or name, "description": info.description}
    return {"$schema": DIALECT, **{key: text for key, text in said.items() if text}, **record(contract, target=True)}


def record(contract: Contract, example: dict[str, Any] | None = None, *, target: bool = False) -> Schema:
    """A record as its caller sends it.

    Args:
        target: As in `contract.read`: True for a row of training, where target and key are read and unknown columns are left out;
            False for a record at the service's door, where they play no part and an unknown column is refused.
    """
    return {
        "type": "object",
        "properties": {name: column_schema(contract, name, target=target) for name in contract.columns},
        "required": required(contract, target=target),
        **({} if target else {"additionalProperties": False}),
        **({} if example is None else {"examples": [example]}),
    }


def required(contract: Contract, *, target: bool = False) -> list[str]:
    """The columns that each record must have."""
    names = [name for name in contract.columns if contract.role(name) != "ignored"] if target else contract.features
    return [name for name in names if not contract.columns[name].nullable or contract.role(name) in DEMANDED]


def levels_of(contract: Contract, name: str) -> tuple[list[Level] | None, bool]:
    """The levels of a column as its cells are compared with them, and whether another one breaks the contract in training."""
    column, role = contract.columns[name], contract.role(name)
    closed = bool(column.levels) and role != "ignored" and (column.closed or role == "target")
    if column.levels is None or column.type in ("integer", "boolean"):
        return column.levels, closed
    return [text_of(level) for level in column.levels], closed


def column_schema(contract: Contract, name: str, *, target: bool = False) -> Schema:
    """One cell of the column *name*."""
    column, role = contract.columns[name], contract.role(name)
    if role == "ignored" or (role != "feature" and not target):
        return {"description": _sentence(f"{role}: accepted, plays no part in the answer", column.description)}
    if role in DEMANDED:
        column = msgspec.structs.replace(column, nullable=False, closed=column.closed or role == "target")
    kinds = _KINDS[column.type](column)
    if column.type == "integer" and column.levels and column.closed:
        kinds[0] = {"enum": column.levels}
    schema: Schema = {"description": _description(column), "anyOf": kinds}
    if column.levels and not column.closed:
        schema["examples"] = column.levels
    markers: list[Any] = list(column.missing)
    if column.type not in ("text", "datetime"):
        markers += [number for marker in column.missing if (number := _number(marker)) is not None]
    if column.nullable:
        schema["anyOf"] += [{"type": "null"}, *([{"enum": markers, "description": "missing"}] if markers else [])]
    elif markers:
        schema["not"] = {"enum": markers}
    return schema


def _integer(column: Column) -> list[Schema]:
    return [_bounded({"type": "integer", "format": "int64"}, column), _text(number_pattern(Spelling.of(column)))]


def _number_schema(column: Column) -> list[Schema]:
    return [_bounded({"type": "number"}, column), _text(number_pattern(Spelling.of(column)))]


def _boolean(column: Column) -> list[Schema]:
    return [{"type": "boolean"}, {"enum": [0, 1]}, _text(BOOLEAN_TEXT)]


def _datetime(column: Column) -> list[Schema]:
    iso: Schema = {"type": "string", "description": "ISO 8601; an offset is turned to UTC", "examples": ["2026-11-23T09:30:00"]}
    if column.format is None:
        return [iso]
    kinds = ["string", "integer"] if is_of_digits(column.format) else "string"
    return [iso, {"type": kinds, "description": f"a date as {column.format}"}]


def _category(column: Column) -> list[Schema]:
    if not (column.levels and column.closed):
        return [{"type": SCALARS}]
    texts = [text_of(level) for level in column.levels]
    typed: list[Any] = [text == "true" for text in texts if text in ("true", "false")]
    typed += [number for text in texts if (number := _number(text)) is not None and text_of(number) == text]
    return [{"enum": [*texts, *typed]}]


_KINDS: dict[str, Callable[[Column], list[Schema]]] = {
    "integer": _integer,
    "number": _number_schema,
    "boolean": _boolean,
    "datetime": _datetime,
    "category": _category,
    "text": _category,
}


def _number(text: str) -> int | float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):  # JSON has no such number, so nobody can send one
        return None
    return int(number) if number.is_integer() else number


def _bounded(schema: Schema, column: Column) -> Schema:
    if column.minimum is not None:
        schema["minimum"] = column.minimum
    if column.maximum is not None:
        schema["maximum"] = column.maximum
    return schema


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern, "description": "the same as text, as it stands in a CSV"}


def _description(column: Column) -> str:
    bounds = [
        f"{word} {text_of(bound)}"
        for word, bound in (("at least", column.minimum), ("at most", column.maximum))
        if bound is not None
    ]
    unit = f"in {column.unit}" if column.unit else None
    return _sentence(column.description, column.type, unit, *bounds, "may be missing" if column.nullable else None)


def _sentence(*parts: str | None) -> str:
    return "; ".join(part for part in parts if part)
