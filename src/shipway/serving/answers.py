"""What the service answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from shipway.core import journal
from shipway.core.contract import text_of
from shipway.scoring.explanation import Explanation
from shipway.scoring.predictor import Predictions
from shipway.serving.live import Live

STAND_IN = "STAND-IN DATA: this model learned from generated rows, not from the real table."


def predictions(live: Live, found: Predictions) -> dict[str, Any]:
    """The answer to a predict request."""
    names = [text_of(level) for level in live.card.classes]
    lines = zip(journal.ids(len(found.labels)), found.labels, found.probabilities.tolist(), strict=True)
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


def explanation(live: Live, found: Explanation) -> dict[str, Any]:
    """The answer to an explain request; it has no id, as it is not kept."""
    (prediction,) = predictions(live, found.predictions)["predictions"]
    del prediction["id"]
    told = {
        "label": found.label,
        "probability": found.probability,
        "typical": found.typical,
        "effects": None if found.effects is None else [dataclasses.asdict(effect) for effect in found.effects],
        "exact": found.exact,
    }
    model = {"name": live.release.name, "version": live.release.version}
    return {"model": model, "prediction": prediction, "explanation": told} | notice(live)


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
