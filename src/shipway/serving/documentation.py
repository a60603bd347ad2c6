"""The OpenAPI document: FastAPI's own routes, and the routes of each project from its contract."""

from __future__ import annotations

import copy
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from shipway.core import journal as journals
from shipway.core.contract import Contract, text_of
from shipway.serving import doors, schemas
from shipway.serving.answers import STAND_IN
from shipway.serving.entries import Journalling
from shipway.serving.feedback import SHAPES as SHAPES_OF_LABELS
from shipway.serving.live import Live, LiveModels
from shipway.serving.problems import MEDIA_TYPE
from shipway.serving.requests import RECORD_LIMIT, SHAPES

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

TITLE = "Shipway"
ERRORS = {
    "400": "The body is not a JSON object, is nested too deeply, or names a member twice.",
    "404": "There is no such project or version; or, for labels, it keeps no predictions.",
    "408": "The request took too long to come.",
    "413": "The body is too large, or has too many records.",
    "415": "The body is not sent as JSON in UTF-8, without a Content-Encoding.",
    "422": "A record breaks the contract.",
    "500": "A fault of the service, which its log tells.",
    "503": (
        "The model is being loaded, or could not be; or too many requests wait; or predictions can't be kept at the moment. "
        "Retry-After says when to try again."
    ),
}
"""What can happen to a request, by status."""

FEEDBACK_ERRORS = {
    **ERRORS,
    "422": "A label is not what it must be.",
    "503": "Too many requests wait, or labels can't be kept at the moment. Retry-After says when to try again.",
}

KEY_ERRORS = {
    "401": "No API key, or one that is not valid.",
    "403": "The API key is for other projects.",
    "429": "The API key has asked too often; Retry-After says for how many seconds to wait.",
}
KEY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "password": {"type": "http", "scheme": "basic", "description": "The key is the password, of any user name."},
}
"""The ways to show a key, as the document calls them."""


def own(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The part of the OpenAPI 3.1 document of a service that is the same whatever models it has."""
    found: dict[str, Any] = get_openapi(title=TITLE, version=importlib.metadata.version("shipway"), routes=routes)
    return found


def document(
    own: dict[str, Any], models: LiveModels, journal: Journalling | None = None, *, guarded: bool = False
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a service: its *own* part and that of its models.

    Args:
        journal: Where predictions are kept.
        guarded: Whether callers need an API key.
    """
    found = copy.deepcopy(own)
    found["info"]["description"] = _describe(models)
    parts = found.setdefault("components", {}).setdefault("schemas", {})
    parts["Problem"] = schemas.PROBLEM
    for name, live in models.items():
        contract = live.card.contract
        parts[f"{name}.Record"] = schemas.record(contract, live.example)
        parts[f"{name}.Columns"] = schemas.columns(contract)
        parts[f"{name}.Answer"] = schemas.answer(contract)
        parts[f"{name}.Explanation"] = schemas.explanation(contract)
        found["paths"][f"/{name}/predict"] = {"post": _predict(live)}
        found["paths"][f"/{name}/explain"] = {"post": _explain(live)}
        keeping = None if journal is None else journal.keeping(name)
        if keeping is not None:
            parts[f"{name}.Label"] = schemas.label(contract, by_key=keeping.keeps_key(contract))
            parts["Feedback"] = schemas.FEEDBACK
            found["paths"][f"/{name}/feedback"] = {"post": _feedback(live)}
    if guarded:
        _guard(found)
    return found


def examples(contract: Contract, record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The ways to send *record*, each with a summary."""
    texts = {name: None if value is None else text_of(value) for name, value in record.items()}
    return {
        "typed": {"summary": "one record, typed", "value": record},
        "texts": {"summary": "one record, as the texts of a CSV", "value": texts},
        "records": {"summary": "several records", "value": {"records": [record, texts]}},
        "columns": {"summary": "several records, column by column", "value": {"columns": {n: [v, v] for n, v in record.items()}}},
    }


def _describe(models: LiveModels) -> str:
    lines = ["Predictions from the models of this service. Errors are `application/problem+json` (RFC 9457)."]
    lines += [f"**{live.release.name}: {STAND_IN}**" for live in models.values() if live.release.stand_in]
    return "\n\n".join(lines)


def _predict(live: Live) -> dict[str, Any]:
    name, contract = live.release.name, live.card.contract
    records = {
        "type": "object",
        "properties": {"records": {"type": "array", "items": _reference(f"{name}.Record"), "maxItems": RECORD_LIMIT}},
        "required": ["records"],
        "additionalProperties": False,
    }
    body = {"anyOf": [_reference(f"{name}.Record"), records, _reference(f"{name}.Columns")]}
    text = f"Label records with the column `{contract.target}`. The body is {SHAPES}; an empty batch gets no predictions."
    if live.release.stand_in:
        text = f"**{STAND_IN}**\n\n{text}"
    return {
        "tags": [name],
        "summary": f"Predict {contract.target}: {live.release.title or name}",
        "description": text,
        "operationId": f"predict_{name}",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "examples": examples(contract, live.example)}},
        },
        "responses": {
            "200": {
                "description": "A prediction for each record, in order.",
                "content": {"application/json": {"schema": _reference(f"{name}.Answer")}},
            },
            **_problems(ERRORS),
        },
    }


def _explain(live: Live) -> dict[str, Any]:
    name, contract = live.release.name, live.card.contract
    return {
        "tags": [name],
        "summary": f"Say what moved a prediction of {contract.target}: {live.release.title or name}",
        "description": (
            "Answers one record, and says what each of its values did to the probability of its label, held against a typical "
            "record: Shapley values, which sum to the difference between the two. They tell of the model and not of the world. "
            "The answer is not kept as a prediction, and costs as much as predicting up to a thousand records."
        ),
        "operationId": f"explain_{name}",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _reference(f"{name}.Record"), "example": live.example}},
        },
        "responses": {
            "200": {
                "description": "The answer to the record, and what moved it, the greatest effect first.",
                "content": {"application/json": {"schema": _reference(f"{name}.Explanation")}},
            },
            **_problems(ERRORS),
        },
    }


def _feedback(live: Live) -> dict[str, Any]:
    name, contract = live.release.name, live.card.contract
    batch = {
        "type": "object",
        "properties": {"feedback": {"type": "array", "items": _reference(f"{name}.Label"), "maxItems": RECORD_LIMIT}},
        "required": ["feedback"],
        "additionalProperties": False,
    }
    one = {"id": journals.ids(1)[0], "label": contract.classes[0]}
    examples = {
        "one": {"summary": "the label of one prediction", "value": one},
        "several": {"summary": "several labels", "value": {"feedback": [one]}},
    }
    return {
        "tags": [name],
        "summary": f"Tell what {contract.target} truly was: {live.release.title or name}",
        "description": (
            f"True labels join the predictions by id, or by key: then the last one of that key that was made before. The body is "
            f"{SHAPES_OF_LABELS}. A label whose prediction is not there yet waits for it; a second one for a prediction replaces "
            "the first. They are kept when this answers."
        ),
        "operationId": f"feedback_{name}",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"anyOf": [_reference(f"{name}.Label"), batch]}, "examples": examples},
            },
        },
        "responses": {
            "200": {
                "description": "How many labels were kept, and how many of them have their prediction.",
                "content": {"application/json": {"schema": _reference("Feedback")}},
            },
            **_problems(FEEDBACK_ERRORS),
        },
    }


def _guard(document: dict[str, Any]) -> None:
    """Say of each operation that it needs a key, but of those that probes ask."""
    document["components"]["securitySchemes"] = KEY_SCHEMES
    document["security"] = [{name: []} for name in KEY_SCHEMES]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in doors.OPEN:
                operation["security"] = []
            else:
                operation["responses"] |= _problems(KEY_ERRORS)


def _problems(errors: Mapping[str, str]) -> dict[str, Any]:
    problem = {MEDIA_TYPE: {"schema": _reference("Problem")}}
    return {status: {"description": reason, "content": problem} for status, reason in errors.items()}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
