"""The routes that tell of the service: its models, their health, how to ask them; for people and for programs."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse
from starlette.routing import Route

from shipway.serving import answers, documentation, pages, problems
from shipway.serving.journalling import State
from shipway.serving.problems import RETRY_SECONDS, Problem, unready
from shipway.serving.service import Service

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
            return _page(pages.home(models))
        return _json(msgspec.json.encode({"models": [answers.model(live) for live in models.values()]}), vary="Accept")

    @app.get("/health/live", summary="Whether the process answers", response_class=Response, tags=["service"])
    async def alive() -> Response:
        return _json(b'{"status":"live"}')

    @app.get(
        "/health/ready", summary="Whether every model answers", response_class=Response, responses=DOCUMENTED, tags=["service"]
    )
    async def ready() -> Response:
        """503 until each model is loaded and gives the stored answers to its self-tests, while the journal takes nothing, and
        once the service was told to stop.

        Where a model that answers is not the one that the registry says, `problems` tells why.
        """
        if (connections := getattr(app.state, "connections", None)) is not None and connections.draining is not None:
            raise Problem(503, "Not ready: the service stops.", {"Retry-After": RETRY_SECONDS}, reason="draining")
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
        return _page(pages.documentation(models))

    @app.get("/{project}", summary="A model", response_class=Response, responses=DOCUMENTED, tags=["service"])
    async def model(project: str) -> Response:
        return _json(msgspec.json.encode(answers.model(service.find(project))))

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
    kinds = [kind.partition(";")[0].strip() for kind in accept.split(",")]
    return "text/html" in kinds and "application/json" not in kinds[: kinds.index("text/html")]


def _json(content: bytes, **headers: str) -> Response:
    return Response(content, headers=headers, media_type="application/json")


def _page(html: str) -> Response:
    return HTMLResponse(html, headers=pages.HEADERS)
