"""The OpenAPI document: FastAPI's own routes, and the predict route of each project from its contract."""

from __future__ import annotations

import copy
import importlib.metadata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from shipway.core.contract import Contract, text_of
from shipway.serving import schemas
from shipway.serving.answers import STAND_IN
from shipway.serving.live import Live, LiveModels
from shipway.serving.problems import MEDIA_TYPE
from shipway.serving.requests import RECORD_LIMIT, SHAPES

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

TITLE = "Shipway"
ERRORS = {
    "400": "The body is not a JSON object.",
    "413": "The body is too large.",
    "415": "The body is not sent as JSON.",
    "422": "A record breaks the contract.",
    "503": "The model is being loaded, or could not be.",
}


def own(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The part of the OpenAPI 3.1 document of a service that is the same whatever models it has."""
    found: dict[str, Any] = get_openapi(title=TITLE, version=importlib.metadata.version("shipway"), routes=routes)
    return found


def document(own: dict[str, Any], models: LiveModels) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a service, its *own* part and that of its models."""
    found = copy.deepcopy(own)
    found["info"]["description"] = _describe(models)
    parts = found.setdefault("components", {}).setdefault("schemas", {})
    parts["Problem"] = schemas.PROBLEM
    for name, live in models.items():
        contract = live.card.contract
        parts[f"{name}.Record"] = schemas.record(contract, live.example)
        parts[f"{name}.Columns"] = schemas.columns(contract)
        parts[f"{name}.Answer"] = schemas.answer(contract)
        found["paths"][f"/{name}/predict"] = {"post": _predict(live)}
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
    problem = {MEDIA_TYPE: {"schema": _reference("Problem")}}
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
            **{status: {"description": reason, "content": problem} for status, reason in ERRORS.items()},
        },
    }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
