"""The microservice: one FastAPI application for all projects."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastapi import FastAPI

from shipway.core.models import Release
from shipway.core.serve import Canary
from shipway.serving import describing, documentation, explaining, predicting, problems
from shipway.serving.access_log import AccessLog
from shipway.serving.doors import Doors, Guard
from shipway.serving.entries import Journalling
from shipway.serving.following import Follower
from shipway.serving.journalling import DRAIN_SECONDS, Writer
from shipway.serving.live import LiveModels
from shipway.serving.requests import BODY_LIMIT, RECORD_LIMIT
from shipway.serving.service import Service
from shipway.serving.telemetry import Telemetry
from shipway.serving.traffic import Traffic
from shipway.serving.turns import Limits, Turns


def create_app(
    releases: Sequence[tuple[Release, Path]],
    *,
    follow: Path | None = None,
    names: Callable[[], Iterable[str]] = tuple,
    canaries: Mapping[str, Canary] | None = None,
    patient: bool = False,
    journal: Journalling | None = None,
    guard: Guard | None = None,
    traffic: Path | None = None,
    access: AccessLog | None = None,
    body_limit: int = BODY_LIMIT,
    record_limit: int = RECORD_LIMIT,
    limits: Limits | None = None,
) -> FastAPI:
    """The service for *releases*. It answers at once, and for each model once that is loaded and has passed its self-tests.

    Args:
        releases: Each with the folder of its bundle.
        follow: A folder of lineups, one a project, that the service keeps to from then on.
        names: Gives the projects that are served, too, once they have a champion.
        canaries: Project -> the part of its requests that another version answers; a lineup changes it.
        patient: Take no request before each model is loaded or could not be, as others take them meanwhile.
        journal: Where predictions are kept, and what of them; None keeps none.
        guard: The API keys that callers need; None asks for none.
        traffic: A folder in which workers tell each other of their traffic.
        access: Writes a line for each request; None writes none.
        body_limit: Bytes of a request's body.
        record_limit: Records in one request.
        limits: Of what may wait.

    Raises:
        OutsideError: A bundle's files are not those of its manifest.
        UsageError: A project can't be served under its name.
    """
    models = LiveModels(releases)
    writer = None if journal is None else Writer(journal)
    service = Service(models, writer, body_limit, record_limit, dict(canaries or {}), Traffic(traffic), Turns(limits))
    telemetry = Telemetry(service, access)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = ThreadPoolExecutor(1, "loading")
        service.turns.start()
        service.spare.start()
        telemetry.start()
        models.load(loading)
        if patient:
            await asyncio.wait([asyncio.wrap_future(live.loading) for live in models.values()])
        follower = Follower(models, follow, service.settle, names) if follow is not None else None
        if follower is not None:
            follower.start()
        if service.writer is not None:
            service.writer.start()
        if guard is not None:
            guard.keyring.start()
        try:
            yield
        finally:
            if service.writer is not None:  # before all that may take its time, as its own is limited
                await service.writer.stop(getattr(app.state, "kept_seconds", DRAIN_SECONDS))
            if follower is not None:
                follower.stop()
            if guard is not None:
                guard.keyring.stop()
            await asyncio.to_thread(service.spare.stop)
            loading.shutdown(cancel_futures=True)
            await service.turns.stop()
            telemetry.stop()

    app = FastAPI(
        title=documentation.TITLE,
        version=importlib.metadata.version("shipway"),
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
        lifespan=lifespan,
        debug=False,
    )
    app.state.models, app.state.writer, app.state.service = models, service.writer, service
    problems.handle(app)
    predicting.add(app, service)
    explaining.add(app, service)
    telemetry.add(app)
    describing.add(app, service, guard)
    if guard is not None:
        app.add_middleware(Doors, guard=guard, projects=models)
    return app
