"""The microservice: one FastAPI application for all projects."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.metadata
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import threadpoolctl
from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse
from starlette.routing import Route

from shipway.core import journal as journals
from shipway.core.journal import Prediction
from shipway.core.models import Release
from shipway.serving import answers, documentation, entries, feedback, pages, problems, requests
from shipway.serving.entries import Journalling
from shipway.serving.following import Follower
from shipway.serving.journalling import State, Writer
from shipway.serving.live import Live, LiveModels
from shipway.serving.problems import Problem
from shipway.serving.requests import BODY_LIMIT, RECORD_LIMIT

SCORING_THREADS = 2
"""One keeps a core busy with scoring; the second lets a single record overtake a large batch."""

RETRY_SECONDS = "2"


def create_app(
    releases: Sequence[tuple[Release, Path]],
    *,
    follow: Path | None = None,
    patient: bool = False,
    journal: Journalling | None = None,
    body_limit: int = BODY_LIMIT,
    record_limit: int = RECORD_LIMIT,
) -> FastAPI:
    """The service for *releases*. It answers at once, and for each model once that is loaded and has passed its self-tests.

    Args:
        releases: Each with the folder of its bundle.
        follow: A folder of lineups, one a project, that the service keeps to from then on.
        patient: Take no request before each model is loaded or could not be, as others take them meanwhile.
        journal: Where predictions are kept, and what of them; None keeps none.
        body_limit: Bytes of a request's body.
        record_limit: Records in one request.

    Raises:
        OutsideError: A bundle's files are not those of its manifest.
        UsageError: A project can't be served under its name.
    """
    models = LiveModels(releases)
    writer = None if journal is None else Writer(journal)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = ThreadPoolExecutor(1, "loading")
        app.state.scoring = ThreadPoolExecutor(SCORING_THREADS, "scoring", initializer=_one_thread_each)
        models.load(loading)
        if patient:
            await asyncio.wait([asyncio.wrap_future(live.loading) for live in models.values()])
        follower = Follower(models, follow) if follow is not None else None
        if follower is not None:
            follower.start()
        if writer is not None:
            writer.start()
        try:
            yield
        finally:
            if follower is not None:
                follower.stop()
            if writer is not None:
                await writer.stop()
            for pool in (loading, app.state.scoring):
                pool.shutdown(cancel_futures=True)

    app = FastAPI(
        title=documentation.TITLE,
        version=importlib.metadata.version("shipway"),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        debug=False,
    )
    app.state.models, app.state.writer = models, writer
    problems.handle(app)

    async def predict(request: Request) -> Response:
        live = _find(models, **request.path_params)
        if live.predictor is None:
            raise _unready([live])
        came = journals.now()
        if writer is not None:
            writer.admit(live.release.name)
        body = await requests.receive(request, body_limit)
        work = functools.partial(_answer, live, body, record_limit, journal, came)
        content, kept = await asyncio.get_running_loop().run_in_executor(app.state.scoring, work)
        if writer is not None:
            await writer.keep(live.release.name, kept)
        return _json(content)

    async def label(request: Request) -> Response:
        live = _find(models, request.path_params["project"])
        if writer is None or journal is None or journal.keeping(live.release.name) is None:
            raise Problem(404, "This project keeps no predictions that a label could join.")
        body = await requests.receive(request, body_limit)
        work = functools.partial(feedback.read, body, live, journal, record_limit)
        found = await asyncio.get_running_loop().run_in_executor(app.state.scoring, work)
        return _json(feedback.answer(found, await writer.label(found)))

    # Plain Starlette routes: FastAPI's own would read and check the body with pydantic, at a third of the throughput.
    app.add_route("/{project}/predict", predict, methods=["POST"], include_in_schema=False)
    app.add_route("/{project}/versions/{version}/predict", predict, methods=["POST"], include_in_schema=False)
    app.add_route("/{project}/feedback", label, methods=["POST"], include_in_schema=False)
    _add_pages(app, models, writer)
    return app


def _add_pages(app: FastAPI, models: LiveModels, writer: Writer | None) -> None:
    documented: dict[int | str, dict[str, Any]] = {
        "default": {"description": "A problem.", "content": {problems.MEDIA_TYPE: {}}},
    }

    @app.get("/", summary="The models", response_class=Response, responses=documented, tags=["service"])
    async def home(request: Request) -> Response:
        """A page for a browser, `{"models": [...]}` for any other client."""
        if _wants_page(request.headers.get("accept", "")):
            return _page(pages.home(models))
        return _json(msgspec.json.encode({"models": [answers.model(live) for live in models.values()]}), vary="Accept")

    @app.get("/health/live", summary="Whether the process answers", response_class=Response, tags=["service"])
    async def alive() -> Response:
        return _json(b'{"status":"live"}')

    @app.get(
        "/health/ready", summary="Whether every model answers", response_class=Response, responses=documented, tags=["service"]
    )
    async def ready() -> Response:
        """503 until each model is loaded and gives the stored answers to its self-tests, and while the journal takes nothing.

        Where a model that answers is not the one that the registry says, `problems` tells why.
        """
        if not models.ready:
            raise _unready([live for live in models.values() if live.state != "ready"])
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

    @app.get("/{project}", summary="A model", response_class=Response, responses=documented, tags=["service"])
    async def model(project: str) -> Response:
        return _json(msgspec.json.encode(answers.model(_find(models, project))))

    own = documentation.own(app.routes)

    @functools.lru_cache(maxsize=1)
    def described(versions: tuple[str, ...]) -> dict[str, Any]:
        return documentation.document(own, models, None if writer is None else writer.journalling)

    app.openapi = lambda: described(tuple(live.release.version for live in models.values()))  # type: ignore[method-assign]
    # FastAPI answers no HEAD, which probes send; added now, as its document would list each address twice.
    for route in app.routes:
        if isinstance(route, Route) and route.methods and "GET" in route.methods:
            route.methods.add("HEAD")


def _answer(live: Live, body: bytes, record_limit: int, journal: Journalling | None, came: int) -> tuple[bytes, list[Prediction]]:
    """The answer, and what is kept of it. Runs in a scoring thread, so that the event loop stays free."""
    predictor = live.loading.result()
    records = requests.records(body, live.card.contract, record_limit)
    answer = answers.predictions(live, predictor.predict(records))
    kept = [] if journal is None else entries.predictions(live, journal, records, answer["predictions"], came=came)
    return msgspec.json.encode(answer), kept


def _find(models: LiveModels, project: str, version: str | None = None) -> Live:
    if project not in models:
        raise Problem(404, f"There is no project of that name; this service has {', '.join(models)}.")
    if version is None:
        return models[project]
    versions = models.versions(project)
    if version not in versions:
        raise Problem(404, f"That version of {project} does not answer here; these do: {', '.join(versions)}.")
    return versions[version]


def _unready(lives: Sequence[Live]) -> Problem:
    told = ", ".join(
        f"{live.release.name} {'is being loaded' if live.state == 'loading' else 'could not be loaded'}" for live in lives
    )
    return Problem(503, f"Not ready: {told}.", {"Retry-After": RETRY_SECONDS})


def _unkept(state: State) -> Problem:
    told = f"{state.waiting:,} wait for {state.lag:.0f} s, {state.lost:,} were answered and not kept"
    return Problem(
        503, f"Not ready: the journal is {state.state}, so predictions can't be kept; {told}.", {"Retry-After": RETRY_SECONDS}
    )


def _one_thread_each() -> None:
    """A record is too small a piece of work to be shared among threads: starting them costs more than they save."""
    threadpoolctl.threadpool_limits(limits=1)


def _wants_page(accept: str) -> bool:
    kinds = [kind.partition(";")[0].strip() for kind in accept.split(",")]
    return "text/html" in kinds and "application/json" not in kinds[: kinds.index("text/html")]


def _json(content: bytes, **headers: str) -> Response:
    return Response(content, headers=headers, media_type="application/json")


def _page(html: str) -> Response:
    return HTMLResponse(html, headers=pages.HEADERS)
