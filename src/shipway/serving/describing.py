"""The routes that tell of the service: its models, their health, how to ask them; for people and for programs."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse
from starlette.routing import Route

from shipway.core.lineup import SHADOW
from shipway.scoring import explanation
from shipway.serving import answers, documentation, doors, problems
from shipway.serving.doors import Guard
from shipway.serving.journalling import State
from shipway.serving.live import Live, LiveModels
from shipway.serving.pages import asking
from shipway.serving.pages import home as home_page
from shipway.serving.pages import project as project_page
from shipway.serving.pages import traffic as traffic_page
from shipway.serving.pages.document import HEADERS
from shipway.serving.pages.form import ALL_SHOWN
from shipway.serving.problems import RETRY_SECONDS, Problem, unready
from shipway.serving.service import Service
from shipway.serving.traffic import BUCKETS

DOCUMENTS = 16
"""OpenAPI documents that are kept: one for each set of projects that keys are good for."""

DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem.", "content": {problems.MEDIA_TYPE: {}}},
}


def add(app: FastAPI, service: Service, guard: Guard | None = None) -> None:
    """Add the routes to *app*, after all others, as its document lists what is there."""
    models, writer = service.models, service.writer

    def seen(request: Request) -> LiveModels:
        """The models that the caller may see."""
        guest = doors.guest(request)
        return models.only([name for name in dict.fromkeys((*models, *models.problems)) if guest.may_see(name)])

    @app.get("/", summary="The models", response_class=Response, responses=DOCUMENTED, tags=["service"])
    async def home(request: Request) -> Response:
        """A page for a browser, `{"models": [...]}` for any other client."""
        if _wants_page(request.headers.get("accept", "")):
            return _page(home_page.page(seen(request)))
        return _json(msgspec.json.encode({"models": [answers.model(live) for live in seen(request).values()]}), vary="Accept")

    @app.get("/health/live", summary="Whether the process answers", response_class=Response, tags=["service"])
    async def alive() -> Response:
        return _json(b'{"status":"live"}')

    @app.get(
        "/health/ready", summary="Whether every model answers", response_class=Response, responses=DOCUMENTED, tags=["service"]
    )
    async def ready(request: Request) -> Response:
        """503 until each model is loaded and gives the stored answers to its self-tests, while the journal takes nothing, and
        once the service was told to stop.

        Where a model that answers is not the one that the registry says, `problems` tells why. `shadows` names the versions that
        get a copy of the traffic, `canaries` those that answer a share of it. Where keys are in force, who shows none is told
        the status only.
        """
        known, shown = doors.guest(request).known, seen(request)
        if (connections := getattr(app.state, "connections", None)) is not None and connections.draining is not None:
            raise Problem(503, "Not ready: the service stops.", {"Retry-After": RETRY_SECONDS}, reason="draining")
        if not models.ready:
            raise unready([live for live in shown.values() if live.state != "ready"])
        if writer is not None and writer.refuses(*models):
            raise _unkept(writer.state() if known else None)
        return _json(msgspec.json.encode({"status": "ready"} | (_told(service, shown, guard) if known else {})))

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return _page(asking.page(seen(request)))

    @app.get("/openapi.json", include_in_schema=False)
    async def document(request: Request) -> Response:
        return _json(msgspec.json.encode(openapi(seen(request))))

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
        """The features; where a form folds some, those first that the model heeds most, measured once for each version."""
        version, features = (live.release.name, live.release.version), live.card.contract.features
        if len(features) > ALL_SHOWN and version not in orders and live.predictor is not None:
            work = functools.partial(explanation.by_heed, live.predictor)
            with contextlib.suppress(Problem):  # too busy: the page is shown all the same
                orders[version] = await service.turns.run(live.release.name, explanation.ROWS, work)
        return orders.get(version, features)

    own = documentation.own(app.routes)

    @functools.lru_cache(maxsize=DOCUMENTS)
    def described(served: tuple[tuple[str, str, str], ...], guarded: bool) -> dict[str, Any]:
        shown = models.only([name for name, *_ in served])
        return documentation.document(own, shown, service.journal, guarded=guarded)

    def openapi(shown: LiveModels = models) -> dict[str, Any]:
        """The document of what is served now, made anew when that changes."""
        guarded = guard is not None and guard.keyring.in_force
        kept = service.journal.keeping if service.journal is not None else lambda name: None
        return described(tuple((name, live.release.version, str(kept(name))) for name, live in shown.items()), guarded)

    app.openapi = openapi  # type: ignore[method-assign]
    # FastAPI answers no HEAD, which probes send; added now, as its document would list each address twice.
    for route in app.routes:
        if isinstance(route, Route) and route.methods and "GET" in route.methods:
            route.methods.add("HEAD")


def _told(service: Service, shown: LiveModels, guard: Guard | None) -> dict[str, Any]:
    """How the service is, for a caller who may know."""
    told: dict[str, Any] = {"models": {name: live.release.version for name, live in shown.items()}}
    if problems := {name: problems for name, problems in shown.problems.items() if problems}:
        told["problems"] = problems
    if shadows := {name: live.release.version for name in shown if (live := shown.led(name, SHADOW)) is not None}:
        told["shadows"] = shadows
    splits = {name: split for name, live in shown.items() if (split := service.split(live)) is not None}
    if splits:
        told["canaries"] = {
            name: {"version": split.canary.release.version, "share": split.share} for name, split in splits.items()
        }
    if service.writer is not None:
        told["journal"] = service.writer.state()
    if guard is not None and guard.keyring.in_force:
        told["keys"] = {"valid": len(guard.keyring), "problems": guard.problems}
    return told


def _unkept(state: State | None) -> Problem:
    told = "Not ready."
    if state is not None:
        waiting = f"{state.waiting:,} wait for {state.lag:.0f} s, {state.lost:,} were answered and not kept"
        told = f"Not ready: the journal is {state.state}, so predictions can't be kept; {waiting}."
    return Problem(503, told, {"Retry-After": RETRY_SECONDS}, reason="unkept")


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
