"""The contract as a JSON Schema: what a record may hold, and what comes back.

A schema never refuses what the contract's reader takes. Enums and bounds are constraints only where they are rules, otherwise
examples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shipway.core.contract import Column, Contract, text_of
from shipway.core.spelling import Spelling, number_pattern

Schema = dict[str, Any]

BOOLEAN_TEXT = r"^\s*([Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]|[01](\.0)?)\s*$"
SCALARS = ["string", "number", "boolean"]


def record(contract: Contract, example: dict[str, Any]) -> Schema:
    """A record as its caller sends it."""
    return {
        "type": "object",
        "properties": {name: column_schema(contract, name) for name in contract.columns},
        "required": required(contract),
        "additionalProperties": False,
        "examples": [example],
    }


def columns(contract: Contract) -> Schema:
    """Records column by column."""
    properties = {name: {"type": "array", "items": column_schema(contract, name)} for name in contract.columns}
    table = {"type": "object", "properties": properties, "required": required(contract), "additionalProperties": False}
    return {"type": "object", "properties": {"columns": table}, "required": ["columns"], "additionalProperties": False}


def required(contract: Contract) -> list[str]:
    """The columns that each record must have."""
    return [name for name in contract.features if not contract.columns[name].nullable]


def column_schema(contract: Contract, name: str) -> Schema:
    """One cell of the column *name*."""
    column, role = contract.columns[name], contract.role(name)
    if role != "feature":
        return {"description": _sentence(f"{role}: accepted, plays no part in the answer", column.description)}
    schema: Schema = {"description": _description(column), "anyOf": _KINDS[column.type](column)}
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


def answer(contract: Contract) -> Schema:
    """What `POST /{project}/predict` answers."""
    warning = _closed({"column": {"type": "string"}, "rule": {"enum": ["level", "range"]}, "message": {"type": "string"}})
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    prediction = {
        "id": {"type": "string", "format": "uuid", "description": "a UUIDv7: later ones sort after earlier ones"},
        "label": {"enum": contract.classes},
        "probabilities": _closed({text_of(level): probability for level in contract.classes}),
        "warnings": {"type": "array", "items": warning},
    }
    model = _closed({"name": {"type": "string"}, "version": {"type": "string"}})
    whole = {"model": model, "predictions": {"type": "array", "items": _closed(prediction)}, "notice": {"type": "string"}}
    return {**_closed(whole), "required": ["model", "predictions"]}


PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457. It names the record, the column and the rule, and the kind of a value, never the value.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "record": {"type": "integer", "description": "place in the request, from 0"},
                    "column": {"type": ["string", "null"], "description": "null: the record as a whole"},
                    "rule": {"type": "string"},
                    "message": {"type": "string"},
                },
                "required": ["record", "column", "rule", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}


def _integer(column: Column) -> list[Schema]:
    return [_bounded({"type": "integer", "format": "int64"}, column), _text(number_pattern(Spelling.of(column)))]


def _number_schema(column: Column) -> list[Schema]:
    return [_bounded({"type": "number"}, column), _text(number_pattern(Spelling.of(column)))]


def _boolean(column: Column) -> list[Schema]:
    return [{"type": "boolean"}, {"enum": [0, 1]}, _text(BOOLEAN_TEXT)]


def _datetime(column: Column) -> list[Schema]:
    iso: Schema = {"type": "string", "description": "ISO 8601; an offset is turned to UTC", "examples": ["2026-11-23T09:30:00"]}
    return [iso] if column.format is None else [iso, {"type": "string", "description": f"a date as {column.format}"}]


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


def _closed(properties: dict[str, Any]) -> Schema:
    """An object with all of *properties* and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
