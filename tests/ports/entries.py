"""Records of the journal, made up."""

from __future__ import annotations

import json
from typing import Any

from shipway.core import journal
from shipway.core.journal import Feedback, Prediction

SECOND = 1_000_000
"""In the journal's microseconds."""


def prediction(time: int, key: str | None = None, **changed: Any) -> Prediction:
    known: dict[str, Any] = {
        "id": journal.ids(1)[0],
        "project": "iris",
        "time": time * SECOND,
        "model_version": "3",
        "data_version": "iris/2026-11",
        "record": json.dumps({"a": "\x00 ü", "b": 1.5}),
        "key": None if key is None else json.dumps([key]),
        "label": '"yes"',
        "probabilities": '{"no":0.25,"yes":0.75}',
        "warnings": "[]",
        "latency": 1.25,
    }
    return Prediction(**known | changed)


def label(time: int, said: str = "yes", **changed: Any) -> Feedback:
    if "key" in changed:
        changed["key"] = json.dumps([changed["key"]])
    known = {"id": journal.ids(1)[0], "project": "iris", "time": time * SECOND, "label": json.dumps(said)}
    return Feedback(**known | changed)
