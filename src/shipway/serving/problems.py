"""Errors as `application/problem+json` (RFC 9457). The one place where an error becomes HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from shipway.scoring.predictor import RecordError

MEDIA_TYPE = "application/problem+json"
SHOWN_ERRORS = 100
"""Errors listed in one answer; a batch that is wrong throughout would otherwise get an answer larger than itself."""


class Problem(Exception):
    """A request that can't be answered. The detail never holds a value that the caller sent."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def respond(
    status: int, detail: str, *, errors: list[dict[str, Any]] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that says what is wrong."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors is not None:
        body["errors"] = errors
    return Response(msgspec.json.encode(body), status, dict(headers or {}), media_type=MEDIA_TYPE)


def handle(app: FastAPI) -> None:
    """Let every error of *app* be answered as a problem."""

    async def problem(request: Request, error: Problem) -> Response:
        return respond(error.status, error.detail, headers=error.headers)

    async def http_error(request: Request, error: HTTPException) -> Response:
        return respond(error.status_code, _DETAILS.get(error.status_code, error.detail), headers=error.headers)

    async def broken_contract(request: Request, error: RecordError) -> Response:
        detail, errors = _told(error)
        return respond(error.status, detail, errors=errors)

    async def bug(request: Request, error: Exception) -> Response:
        # Starlette raises the error again after this answer, so that the log has it.
        return respond(500, "The service failed on this request; its log says why.")

    handlers: dict[Any, Any] = {Problem: problem, HTTPException: http_error, RecordError: broken_contract, Exception: bug}
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


_DETAILS = {404: "There is nothing at this address; GET / lists the models.", 405: "This address does not take this method."}


def _told(error: RecordError) -> tuple[str, list[dict[str, Any]]]:
    breaches = error.breaches
    records = len({breach.row for breach in breaches})
    detail = f"{records} {'record breaks' if records == 1 else 'records break'} the contract."
    if len(breaches) > SHOWN_ERRORS:
        detail += f" The first {SHOWN_ERRORS} of {len(breaches)} errors are listed."
    listed = [
        {"record": breach.row, "column": breach.column or None, "rule": breach.rule, "message": breach.message}
        for breach in breaches[:SHOWN_ERRORS]
    ]
    return detail, listed
