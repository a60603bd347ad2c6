"""The route that says what moved an answer. It keeps nothing: what people try on a page is no prediction."""

from __future__ import annotations

import functools

import msgspec
from fastapi import FastAPI, Request, Response

from shipway.scoring import explanation
from shipway.serving import answers, outcomes, requests
from shipway.serving.live import Live
from shipway.serving.problems import Problem, unready
from shipway.serving.service import Service


def add(app: FastAPI, service: Service) -> None:
    """Add the route to *app*, for each project and for each of its versions."""

    async def explain(request: Request) -> Response:
        outcome = outcomes.of(request)
        live = service.find(**request.path_params)
        outcome.project, outcome.version = live.release.name, live.release.version
        if live.predictor is None:
            raise unready([live])
        name, turns = live.release.name, service.turns
        turns.admit(name)
        with turns.hold(name) as held:
            body = await requests.receive(request, held, service.body_limit)
            work = functools.partial(_answer, live, body, service.record_limit)
            content = await turns.run(name, explanation.work(len(live.card.contract.features)), work)
        outcome.records = 1
        return Response(content, media_type="application/json")

    app.add_route("/{project}/explain", explain, methods=["POST"], include_in_schema=False)
    app.add_route("/{project}/versions/{version}/explain", explain, methods=["POST"], include_in_schema=False)


def _answer(live: Live, body: bytes, limit: int) -> bytes:
    """The answer. Runs in a scoring thread, so that the event loop stays free."""
    records = requests.records(body, live.card.contract, limit)
    if len(records) != 1:
        raise Problem(422, f"One record is explained at a time; the body has {len(records)}.")
    found = explanation.explain(live.loading.result(), records[0], rows=min(explanation.ROWS, limit))
    return msgspec.json.encode(answers.explanation(live, found))
