"""What the service takes and answers as JSON Schemas, for its OpenAPI document; a record's is the contract's own export."""

from __future__ import annotations

from typing import Any

from shipway.core.contract import Contract, text_of
from shipway.core.exports.json_schema import Schema, column_schema, record, required

__all__ = ["FEEDBACK", "PROBLEM", "answer", "column_schema", "columns", "explanation", "label", "record"]


def columns(contract: Contract) -> Schema:
    """Records column by column."""
    properties = {name: {"type": "array", "items": column_schema(contract, name)} for name in contract.columns}
    table = {"type": "object", "properties": properties, "required": required(contract), "additionalProperties": False}
    return {"type": "object", "properties": {"columns": table}, "required": ["columns"], "additionalProperties": False}


def answer(contract: Contract) -> Schema:
    """What `POST /{project}/predict` answers."""
    identified = {"type": "string", "format": "uuid", "description": "a UUIDv7: later ones sort after earlier ones"}
    prediction = {"id": identified, **_prediction(contract)}
    whole = {"model": _MODEL, "predictions": {"type": "array", "items": _closed(prediction)}, "notice": {"type": "string"}}
    return {**_closed(whole), "required": ["model", "predictions"]}


def explanation(contract: Contract) -> Schema:
    """What `POST /{project}/explain` answers."""
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    effect = {
        "column": {"type": ["string", "null"], "description": "null: the values that were moved together, as they are very many"},
        "effect": {"type": "number", "minimum": -1, "maximum": 1, "description": "change of the label's probability"},
        "typical": {"description": "the value that it was held against"},
    }
    told = {
        "label": {"enum": contract.classes},
        "probability": {**probability, "description": "of the label, for the record"},
        "typical": {**probability, "description": "of the same label, for the typical record"},
        "effects": {
            "anyOf": [{"type": "array", "items": _closed(effect)}, {"type": "null"}],
            "description": "of values that are not the typical ones; null: the model can't compute with mixtures of the two",
        },
        "exact": {"type": "boolean", "description": "whether all mixtures were scored, or some that were drawn"},
    }
    whole = {"model": _MODEL, "prediction": _closed(_prediction(contract)), "explanation": _closed(told)}
    return {**_closed({**whole, "notice": {"type": "string"}}), "required": list(whole)}


def _prediction(contract: Contract) -> dict[str, Any]:
    warning = _closed({"column": {"type": "string"}, "rule": {"enum": ["level", "range"]}, "message": {"type": "string"}})
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "label": {"enum": contract.classes},
        "probabilities": _closed({text_of(level): probability for level in contract.classes}),
        "warnings": {"type": "array", "items": warning},
    }


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


_MODEL = _closed({"name": {"type": "string"}, "version": {"type": "string"}})
