"""What the service answers."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Any

import msgspec

from shipway.core.contract import text_of
from shipway.scoring.predictor import Predictions
from shipway.serving.live import Live

STAND_IN = "STAND-IN DATA: this model learned from generated rows, not from the real table."

RANDOM_BITS = 74
"""Of a UUIDv7, beside 48 bits of time, 4 of version and 2 of variant (RFC 9562, section 5.7)."""
STEP_BITS = 32
"""An id is this many random bits after the one before it in its batch: in order, and not to be guessed from another."""


def prediction_ids(count: int) -> list[str]:
    """UUIDv7s in ascending order."""
    milliseconds = time.time_ns() // 1_000_000
    tail = secrets.randbits(RANDOM_BITS - 1)
    found = []
    for _ in range(count):
        high, low = divmod(tail, 1 << 62)
        found.append(str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)))
        tail += 1 + secrets.randbits(STEP_BITS)
    return found


def predictions(live: Live, found: Predictions) -> dict[str, Any]:
    """The answer to a predict request."""
    names = [text_of(level) for level in live.card.classes]
    lines = zip(prediction_ids(len(found.labels)), found.labels, found.probabilities.tolist(), strict=True)
    answer: dict[str, Any] = {
        "model": {"name": live.release.name, "version": live.release.version},
        "predictions": [
            {
                "id": one,
                "label": label,
                "probabilities": dict(zip(names, probabilities, strict=True)),
                "warnings": msgspec.to_builtins(found.remarks.get(row, [])),
            }
            for row, (one, label, probabilities) in enumerate(lines)
        ],
    }
    return answer | notice(live)


def model(live: Live) -> dict[str, Any]:
    """What callers may know of a model."""
    release, contract = live.release, live.card.contract
    return {
        "name": release.name,
        "version": release.version,
        "title": release.title,
        "target": contract.target,
        "classes": live.card.classes,
        "features": contract.features,
        "data_version": release.data_version,
        "metrics": msgspec.to_builtins(release.metrics),
    } | notice(live)


def notice(live: Live) -> dict[str, Any]:
    """A member that says so where a model learned from stand-in data."""
    return {"notice": STAND_IN} if live.release.stand_in else {}
