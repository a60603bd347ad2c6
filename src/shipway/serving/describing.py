"""The routes that tell of the service: its models, their health, how to ask them; for people and for programs."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse
from starlette.routing import Route

from shipway.scoring import explanation
from shipway.serving import answers, documentation, problems
from shipway.serving.journalling import State
from shipway.serving.live import Live
from shipway.serving.pages import asking
from shipway.serving.pages import home as home_page
from shipway.serving.pages import project as project_page
from shipway.serving.pages import traffic as traffic_page
from shipway.serving.pages.document import HEADERS
from shipway.serving.problems import RETRY_SECONDS, Problem, unready
from shipway.serving.service import Service
from shipway.serving.traffic import BUCKETS

DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem.", "content": {problems.MEDIA_TYPE: {}}},
}


def add(app: FastAPI, service: Service) -> None:
    """Add the routes to *app*, after all others, as its document lists what is there."""
    models, writer = service.models, service.writer

    @app.get("/", summary="The models", response_class=Response, responses=DOCUMENTED, tags=["service"])
    async def home(request: Request) -> Response:
        """A page for a browser, `{"models": [...]}` for any other client."""
        if _wants_page(request.headers.get("accept", "")):
            return _page(home_page.page(models))
        return _json(msgspec.json.encode({"models": [answers.model(live) for live in models.values()]}), vary="Accept")

    @app.get("/health/live", summary="Whether the process answers", response_class=Response, tags=["service"])
    async def alive() -> Response:
        return _json(b'{"status":"live"}')

    @app.get(
        "/health/ready", summary="Whether every model answers", response_class=Response, responses=DOCUMENTED, tags=["service"]
    )
    async def ready() -> Response:
        """503 until each model is loaded and gives the stored answers to its self-tests, and while the journal takes nothing.

        Where a model that answers is not the one that the registry says, `problems` tells why.
        """
        if not models.ready:
            raise unready([live for live in models.values() if live.state != "ready"])
        answer: dict[str, Any] = {
            "status": "ready",
            "models": {name: live.release.version for name, live in models.items()},
        }
        if problems := {name: problems for name, problems in models.problems.items() if problems}:
            answer["problems"] = problems
        if writer is not None:
            if writer.refuses(*models):
                raise _unkept(writer.state())
            answer["journal"] = writer.state()
        return _json(msgspec.json.encode(answer))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return _page(asking.page(models))

    @app.get("/{project}", summary="A model", response_class=Response, responses=DOCUMENTED, tags=["service"])
    async def model(request: Request, project: str) -> Response:
        """Its card, a form to try it and its recent traffic for a browser; the model for any other client."""
        live = service.find(project)
        if not _wants_page(request.headers.get("accept", "")):
            return _json(msgspec.json.encode(answers.model(live)), vary="Accept")
        order, recent = await heeded(live), service.traffic.recent(project)
        return _page(project_page.page(live, recent, order, record_limit=service.record_limit))

    @app.get("/{project}/traffic", summary="Recent traffic", response_class=Response, responses=DOCUMENTED, tags=["service"])
    async def recent(request: Request, project: str) -> Response:
        """The requests of the last hour by minute: how many, errors by reason, predictions by label.

        `latency` counts them by the first of `buckets`, in seconds, that they did not exceed; the last count is of those beyond.
        """
        live, found = service.find(project), service.traffic.recent(project)
        if _wants_page(request.headers.get("accept", "")):
            return _page(traffic_page.page(live, found))
        return _json(msgspec.json.encode({**msgspec.to_builtins(found), "buckets": BUCKETS}), vary="Accept")

    orders: dict[tuple[str, str], list[str]] = {}

    async def heeded(live: Live) -> list[str]:
        """The features, those first that the model heeds most, measured once for each version."""
        version = (live.release.name, live.release.version)
        if version not in orders and live.predictor is not None:
            work = functools.partial(explanation.by_heed, live.predictor)
            orders[version] = await asyncio.get_running_loop().run_in_executor(service.scoring, work)
        return orders.get(version, live.card.contract.features)

    own = documentation.own(app.routes)

    @functools.lru_cache(maxsize=1)
    def described(versions: tuple[str, ...]) -> dict[str, Any]:
        return documentation.document(own, models, service.journal)

    app.openapi = lambda: described(tuple(live.release.version for live in models.values()))  # type: ignore[method-assign]
    # FastAPI answers no HEAD, which probes send; added now, as its document would list each address twice.
    for route in app.routes:
        if isinstance(route, Route) and route.methods and "GET" in route.methods:
            route.methods.add("HEAD")


def _unkept(state: State) -> Problem:
    told = f"{state.waiting:,} wait for {state.lag:.0f} s, {state.lost:,} were answered and not kept"
    return Problem(
        503,
        f"Not ready: the journal is {state.state}, so predictions can't be kept; {told}.",
        {"Retry-After": RETRY_SECONDS},
        reason="unkept",
    )


def _wants_page(accept: str) -> bool:
    """Whether HTML is preferred to JSON (RFC 9110, 12.5.1); of equals the first is. A wildcard prefers nothing."""
    kinds = [_quality(kind) for kind in accept.split(",")]
    known = [(quality, kind) for kind, quality in kinds if kind in ("text/html", "application/json") and quality > 0]
    return bool(known) and max(known, key=lambda one: one[0])[1] == "text/html"


def _quality(text: str) -> tuple[str, float]:
    """A media type that is accepted, and how gladly, from 0 to 1."""
    kind, *parameters = (part.strip() for part in text.lower().split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return kind, float(parameter.removeprefix("q="))
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def _json(content: bytes, **headers: str) -> Response:
    return Response(content, headers=headers, media_type="application/json")


def _page(html: str) -> Response:
    return HTMLResponse(html, headers=HEADERS)
