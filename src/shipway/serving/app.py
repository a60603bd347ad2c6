"""The microservice: one FastAPI application for all projects."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastapi import FastAPI

from shipway.core.models import Release
from shipway.serving import describing, documentation, predicting, problems
from shipway.serving.entries import Journalling
from shipway.serving.following import Follower
from shipway.serving.journalling import DRAIN_SECONDS, Writer
from shipway.serving.live import LiveModels
from shipway.serving.requests import BODY_LIMIT, RECORD_LIMIT
from shipway.serving.service import Service


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
    service = Service(models, None if journal is None else Writer(journal), body_limit, record_limit)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = ThreadPoolExecutor(1, "loading")
        service.open()
        models.load(loading)
        if patient:
            await asyncio.wait([asyncio.wrap_future(live.loading) for live in models.values()])
        follower = Follower(models, follow) if follow is not None else None
        if follower is not None:
            follower.start()
        if service.writer is not None:
            service.writer.start()
        try:
            yield
        finally:
            if service.writer is not None:  # before all that may take its time, as its own is limited
                await service.writer.stop(getattr(app.state, "kept_seconds", DRAIN_SECONDS))
            if follower is not None:
                follower.stop()
            loading.shutdown(cancel_futures=True)
            service.close()

    app = FastAPI(
        title=documentation.TITLE,
        version=importlib.metadata.version("shipway"),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        debug=False,
    )
    app.state.models, app.state.writer = models, service.writer
    problems.handle(app)
    predicting.add(app, service)
    describing.add(app, service)
    return app
