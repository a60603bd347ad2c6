"""The routes that are called often: predictions, and the true labels that come for them.

They are plain Starlette routes: FastAPI's own would read and check the body with pydantic, at a third of the throughput.
"""

from __future__ import annotations

import asyncio
import functools

import msgspec
from fastapi import FastAPI, Request, Response

from shipway.core import journal as journals
from shipway.core.contract import text_of
from shipway.core.journal import Prediction
from shipway.serving import answers, entries, feedback, outcomes, requests
from shipway.serving.canary import Split
from shipway.serving.live import Live
from shipway.serving.outcomes import Outcome
from shipway.serving.problems import Problem, unready
from shipway.serving.service import Service


def add(app: FastAPI, service: Service) -> None:
    """Add the routes to *app*."""

    async def predict(request: Request) -> Response:
        outcome, writer = outcomes.of(request), service.writer
        live = service.find(**request.path_params)
        outcome.project, outcome.version = live.release.name, live.release.version
        if live.predictor is None:
            raise unready([live])
        came = journals.now()
        if writer is not None:
            writer.admit(live.release.name)
        body = await requests.receive(request, service.body_limit)
        whole = "version" not in request.path_params
        split = service.split(live) if whole else None
        work = functools.partial(_answer, service, live, split, body, came, outcome)
        with service.spare.held():
            content, kept = await asyncio.get_running_loop().run_in_executor(service.scoring, work)
        if writer is not None:
            await writer.keep(live.release.name, kept)
        later = service.afterwards(live.release.name, body, kept) if whole else None
        return Response(content, media_type="application/json", background=later)

    async def label(request: Request) -> Response:
        outcome, writer, journal = outcomes.of(request), service.writer, service.journal
        live = service.find(request.path_params["project"])
        outcome.project = live.release.name
        if writer is None or journal is None or journal.keeping(live.release.name) is None:
            raise Problem(404, "This project keeps no predictions that a label could join.")
        body = await requests.receive(request, service.body_limit)
        work = functools.partial(feedback.read, body, live, journal, service.record_limit, outcome.caller)
        found = await asyncio.get_running_loop().run_in_executor(service.scoring, work)
        return Response(feedback.answer(found, await writer.label(found)), media_type="application/json")

    app.add_route("/{project}/predict", predict, methods=["POST"], include_in_schema=False)
    app.add_route("/{project}/versions/{version}/predict", predict, methods=["POST"], include_in_schema=False)
    app.add_route("/{project}/feedback", label, methods=["POST"], include_in_schema=False)


def _answer(
    service: Service, live: Live, split: Split | None, body: bytes, came: int, outcome: Outcome
) -> tuple[bytes, list[Prediction]]:
    """The answer, and what is kept of it. Runs in a scoring thread, so that the event loop stays free."""
    records = requests.records(body, live.card.contract, service.record_limit)
    if split is not None and (chosen := split.choose(records)) is not live:
        live = chosen
        outcome.version = live.release.version
        records = requests.records(body, live.card.contract, service.record_limit)
    predictor, journal = live.loading.result(), service.journal
    outcome.records = len(records)
    found = predictor.predict(records)
    answer = answers.predictions(live, found)
    outcome.labels.update(map(text_of, found.labels))
    outcome.remarks.update((one.rule, one.column) for remarks in found.remarks.values() for one in remarks)
    if journal is None:
        return msgspec.json.encode(answer), []
    kept = entries.predictions(live, journal, records, answer["predictions"], came=came, caller=outcome.caller)
    return msgspec.json.encode(answer), kept
