"""The routes that are called often: predictions, and the true labels that come for them.

They are plain Starlette routes: FastAPI's own would read and check the body with pydantic, at a third of the throughput.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response

from shipway.core import journal as journals
from shipway.core.contract import text_of
from shipway.core.journal import Prediction
from shipway.scoring.predictor import Predictions
from shipway.serving import answers, entries, feedback, joining, outcomes, requests
from shipway.serving.canary import Split
from shipway.serving.live import Live
from shipway.serving.outcomes import Outcome
from shipway.serving.problems import Problem, unready
from shipway.serving.service import Service

LABEL_BYTES = 100
"""Of a body with one label, about."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A request that waits for its answer: its body, when it came (in the journal's microseconds), and what becomes of it."""

    body: bytes
    came: int
    outcome: Outcome


def add(app: FastAPI, service: Service) -> None:
    """Add the routes to *app*."""
    turns = service.turns

    async def predict(request: Request) -> Response:
        outcome, writer = outcomes.of(request), service.writer
        live = service.find(**request.path_params)
        name = outcome.project = live.release.name
        outcome.version = live.release.version
        if live.predictor is None:
            raise unready([live])
        came = journals.now()
        if writer is not None:
            writer.admit(name)
        turns.admit(name)
        whole = "version" not in request.path_params
        split = service.split(live) if whole else None
        with turns.hold(name) as held:
            asked = Asked(await requests.receive(request, held, service.body_limit), came, outcome)
            work, cost = functools.partial(_answers, service, live, split), requests.size(asked.body, live.card.contract)
            with service.spare.held():
                content, kept = await turns.join(name, cost, _shared(live, split), work, asked, request.is_disconnected)
        if writer is not None:
            await writer.keep(name, kept)
        later = service.afterwards(name, asked.body, kept) if whole else None
        return Response(content, media_type="application/json", background=later)

    async def label(request: Request) -> Response:
        outcome, writer, journal = outcomes.of(request), service.writer, service.journal
        live = service.find(request.path_params["project"])
        name = outcome.project = live.release.name
        outcome.version = live.release.version
        if writer is None or journal is None or journal.keeping(name) is None:
            raise Problem(404, "This project keeps no predictions that a label could join.")
        turns.admit(name)
        with turns.hold(name) as held:
            body = await requests.receive(request, held, service.body_limit)
            work = functools.partial(feedback.read, body, live, journal, service.record_limit, outcome.caller)
            found = await turns.run(name, 1 + len(body) // LABEL_BYTES, work)
        return Response(feedback.answer(found, await writer.label(found)), media_type="application/json")

    app.add_route("/{project}/predict", predict, methods=["POST"], include_in_schema=False)
    app.add_route("/{project}/versions/{version}/predict", predict, methods=["POST"], include_in_schema=False)
    app.add_route("/{project}/feedback", label, methods=["POST"], include_in_schema=False)


def _shared(live: Live, split: Split | None) -> Hashable:
    """What requests have in common that are scored together."""
    return id(live), None if split is None else (id(split.canary), split.share)


def _answers(
    service: Service, live: Live, split: Split | None, asked: Sequence[Asked]
) -> list[tuple[bytes, list[Prediction]] | Exception]:
    """For each request its answer and what is kept of it, or why there is none. Runs in a scoring thread.

    Those that a canary answers, as *split* says, are read by its contract and scored together, too.
    """
    found: dict[int, tuple[bytes, list[Prediction]] | Exception] = {}
    read: dict[int, tuple[Live, list[tuple[int, list[Any]]]]] = {}
    for place, one in enumerate(asked):
        try:
            version, records = _read(service, live, split, one)
        except Exception as error:  # noqa: BLE001 - it is this request's, and is raised where that waits
            found[place] = error
        else:
            read.setdefault(id(version), (version, []))[1].append((place, records))
    for version, batches in read.values():
        scored = joining.score(version.loading.result(), [records for _, records in batches])
        for (place, records), made in zip(batches, scored, strict=True):
            found[place] = made if isinstance(made, Exception) else _answer(service, version, asked[place], records, made)
    return [found[place] for place in range(len(asked))]


def _read(service: Service, live: Live, split: Split | None, asked: Asked) -> tuple[Live, list[Any]]:
    """The version that answers a request, and its records. Raises as `requests.records` does."""
    found = requests.records(asked.body, live.card.contract, service.record_limit)
    if split is not None and (chosen := split.choose(found)) is not live:
        live = chosen
        asked.outcome.version = live.release.version
        found = requests.records(asked.body, live.card.contract, service.record_limit)
    asked.outcome.records = len(found)
    return live, found


def _answer(
    service: Service, live: Live, asked: Asked, records: list[Any], found: Predictions
) -> tuple[bytes, list[Prediction]] | Exception:
    journal, outcome = service.journal, asked.outcome
    try:
        answer = answers.predictions(live, found)
        outcome.labels.update(map(text_of, found.labels))
        outcome.remarks.update((one.rule, one.column) for remarks in found.remarks.values() for one in remarks)
        kept: list[Prediction] = []
        if journal is not None:
            told = answer["predictions"]
            kept = entries.predictions(live, journal, records, told, came=asked.came, caller=outcome.caller)
        return msgspec.json.encode(answer), kept
    except Exception as error:  # noqa: BLE001 - as above
        return error
