"""Scoring the records of several requests in one call, each with the answer that it would get alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

from shipway.scoring.predictor import Predictions, Predictor, RecordError
from shipway.serving.turns import caught

Records = Sequence[Mapping[str, Any]]


def score(predictor: Predictor, requests: Sequence[Records]) -> list[Predictions | Exception]:
    """What *predictor* answers each of *requests*, or the exception that it raises, with rows counted within the request.

    Those that break the contract are told so and the others scored again. Where that fails too, as with values that are too
    extreme to compute with, each is scored by itself: so none is ever spoilt by another.
    """
    found: list[Predictions | Exception | None] = [None] * len(requests)
    for _ in range(2):
        left = [place for place, one in enumerate(found) if one is None]
        if len(left) < 2:
            break
        bounds = list(accumulate((len(requests[place]) for place in left), initial=0))
        spans = list(zip(left, pairwise(bounds), strict=True))
        try:
            whole = predictor.predict([record for place in left for record in requests[place]])
        except RecordError as error:
            for place, (first, end) in spans:
                breaches = [replace(one, row=one.row - first) for one in error.breaches if first <= one.row < end]
                found[place] = RecordError(breaches) if breaches else None
        except BaseException:  # noqa: BLE001 - a bug is told to whom it concerns; alone, each shows whether it does
            break
        else:
            for place, (first, end) in spans:
                found[place] = _part(whole, first, end)
    return [_alone(predictor, records) if one is None else one for one, records in zip(found, requests, strict=True)]


def _part(whole: Predictions, first: int, end: int) -> Predictions:
    remarks = {row - first: one for row, one in whole.remarks.items() if first <= row < end}
    return Predictions(whole.labels[first:end], whole.probabilities[first:end], remarks)


def _alone(predictor: Predictor, records: Records) -> Predictions | Exception:
    try:
        return predictor.predict(records)
    except BaseException as error:  # noqa: BLE001 - it is this request's, and is raised where that waits
        return caught(error)
