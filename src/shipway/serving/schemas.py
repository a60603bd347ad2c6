"""What the service takes and answers as JSON Schemas, for its OpenAPI document; a record's is the contract's own export."""

from __future__ import annotations

from typing import Any

from shipway.core.contract import Contract, text_of
from shipway.core.exports.json_schema import Schema, column_schema, record, required

__all__ = ["FEEDBACK", "PROBLEM", "answer", "column_schema", "columns", "label", "record"]


def columns(contract: Contract) -> Schema:
    """Records column by column."""
    properties = {name: {"type": "array", "items": column_schema(contract, name)} for name in contract.columns}
    table = {"type": "object", "properties": properties, "required": required(contract), "additionalProperties": False}
    return {"type": "object", "properties": {"columns": table}, "required": ["columns"], "additionalProperties": False}


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


def label(contract: Contract, *, by_key: bool) -> Schema:
    """A true label for one prediction, which is named by its id or, where it is kept, by its key."""
    # a level may be sent as its text too
    levels = [*contract.classes, *(text_of(level) for level in contract.classes if not isinstance(level, str))]
    said = {"enum": levels}
    forms = [_closed({"id": {"type": "string", "format": "uuid"}, "label": said})]
    if by_key:
        part: Schema = {"type": ["string", "number", "boolean"]}
        whole = _closed(dict.fromkeys(contract.key, part))
        forms.append(_closed({"key": {"anyOf": [part, whole]} if len(contract.key) == 1 else whole, "label": said}))
    return {"anyOf": forms}


FEEDBACK: Schema = {
    "type": "object",
    "properties": {
        "accepted": {"type": "integer", "description": "labels that were kept"},
        "joined": {"type": "integer", "description": "of them, those whose prediction is there"},
        "waiting": {"type": "integer", "description": "of them, those whose prediction is not there yet"},
    },
    "required": ["accepted", "joined", "waiting"],
    "additionalProperties": False,
}

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


def _closed(properties: dict[str, Any]) -> Schema:
    """An object with all of *properties* and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
