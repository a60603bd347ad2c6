"""Errors as `application/problem+json` (RFC 9457). The one place where an error becomes HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from shipway.scoring.predictor import RecordError
from shipway.serving import outcomes
from shipway.serving.live import Live

MEDIA_TYPE = "application/problem+json"
SHOWN_ERRORS = 100
"""Errors listed in one answer; a batch that is wrong throughout would otherwise get an answer larger than itself."""


RETRY_SECONDS = "2"
"""After which a request that met a service that was not ready may be tried again."""

REASONS = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method",
    408: "slow",
    413: "too_large",
    415: "media_type",
    422: "contract",
    429: "rate",
    500: "bug",
}
"""One word for why a request was not answered, where its status says all: for metrics, the log and the page of recent traffic."""


class Problem(Exception):
    """A request that can't be answered. The detail never holds a value that the caller sent.

    Attributes:
        reason: One word of our own choice, as metrics count it; by default what `REASONS` says of the status.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, reason: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers
        self.reason = reason or REASONS[status]


def unready(lives: Sequence[Live]) -> Problem:
    """503 while models are loaded, or could not be."""
    told = [f"{live.release.name} {'is being loaded' if live.state == 'loading' else 'could not be loaded'}" for live in lives]
    detail = f"Not ready: {', '.join(told)}." if told else "Not ready."
    return Problem(503, detail, {"Retry-After": RETRY_SECONDS}, reason="unready")


def overloaded(project: str) -> Problem:
    """503 for a request that too many others are before."""
    told = f"Overloaded: too many requests for {project} wait already; try again."
    return Problem(503, told, {"Retry-After": RETRY_SECONDS}, reason="overloaded")


def gone() -> Problem:
    """For the log: whose client hung up gets no answer."""
    return Problem(400, "The connection ended before the request was answered.", reason="gone")


def respond(
    status: int, detail: str, *, errors: list[dict[str, Any]] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that says what is wrong."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors is not None:
        body["errors"] = errors
    return Response(msgspec.json.encode(body), status, dict(headers or {}), media_type=MEDIA_TYPE)


def answer(request: Request, problem: Problem) -> Response:
    """The answer to a request that met *problem*."""
    outcomes.of(request).reason = problem.reason
    return respond(problem.status, problem.detail, headers=problem.headers)


def handle(app: FastAPI) -> None:
    """Let every error of *app* be answered as a problem."""

    async def problem(request: Request, error: Problem) -> Response:
        return answer(request, error)

    async def http_error(request: Request, error: HTTPException) -> Response:
        outcomes.of(request).reason = REASONS.get(error.status_code, "http")
        return respond(error.status_code, _DETAILS.get(error.status_code, error.detail), headers=error.headers)

    async def broken_contract(request: Request, error: RecordError) -> Response:
        outcomes.of(request).reason = REASONS[error.status]
        detail, errors = _told(error)
        return respond(error.status, detail, errors=errors)

    async def bug(request: Request, error: Exception) -> Response:
        outcomes.of(request).reason = REASONS[500]
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
