"""True labels that come for predictions: a request's body, and what the service answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from shipway.core import journal
from shipway.core.contract import Breach, Contract, Level, text_of
from shipway.core.journal import Feedback
from shipway.core.journal.keeping import Keeping
from shipway.scoring.predictor import RecordError
from shipway.serving import entries
from shipway.serving.entries import Journalling
from shipway.serving.live import Live
from shipway.serving.problems import Problem
from shipway.serving.requests import SLACK, decode, too_many

SHAPES = '{"id": ..., "label": ...}, {"key": ..., "label": ...} or {"feedback": [...]}'

MEMBERS = 3
"""Of a label: the prediction or its key, which may be an object, and the label."""

KINDS: dict[type, str] = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}


def read(body: bytes, live: Live, journalling: Journalling, limit: int, caller: str | None = None) -> list[Feedback]:
    """The labels of a body, in order; the project of *live* must be one whose predictions are kept.

    Raises:
        Problem: 400 for what is no JSON object, 413 for more labels than *limit*, 422 for a batch of the wrong shape.
        RecordError: Labels that are not what they must be, by their place in the request.
    """
    contract = live.card.contract
    document = decode(body, SHAPES, SLACK + 2 * limit * (MEMBERS + len(contract.key)))
    found: Any = [document]
    if "feedback" in document:
        found = document["feedback"]
        if len(document) > 1 or not isinstance(found, list):
            raise Problem(422, f'"feedback" must be the only member of the body, and a list; send {SHAPES}.')
    if len(found) > limit:
        raise too_many(limit)
    keeping = journalling.keeping(live.release.name)
    assert keeping is not None
    reader = _Reader(contract, keeping, journalling.salt)
    read = [reader.read(place, one) for place, one in enumerate(found)]
    if reader.breaches:
        raise RecordError(reader.breaches)
    known: dict[str, Any] = {"project": live.release.name, "time": journal.now(), "caller": caller}
    return [Feedback(id=one, **known, **told) for one, told in zip(journal.ids(len(read)), read, strict=True)]


def answer(feedback: list[Feedback], joined: int) -> bytes:
    """What the service answers to labels that were kept."""
    return msgspec.json.encode({"accepted": len(feedback), "joined": joined, "waiting": len(feedback) - joined})


class _Reader:
    """Reads one label after the other, and gathers what is wrong with them."""

    def __init__(self, contract: Contract, keeping: Keeping, salt: bytes) -> None:
        self.contract, self.keeping, self.salt = contract, keeping, salt
        self.classes = {text_of(level): level for level in contract.classes}
        self.breaches: list[Breach] = []

    def read(self, row: int, one: Any) -> dict[str, Any]:
        before = len(self.breaches)
        if not isinstance(one, dict):
            self._break(row, "", "type", f"expected an object, got {_kind(one)}")
            return {}
        for name in one:
            if name not in ("id", "key", "label"):
                self._break(row, name, "unknown", "expected only id or key, and label")
        if ("id" in one) == ("key" in one):
            told = "got both" if "id" in one else "got neither"
            self._break(row, "", "required", f"expected the prediction's id or its key, {told}")
        found: dict[str, Any] = {"label": self._label(row, one)}
        if "id" in one:
            found["prediction"] = self._id(row, one["id"])
        if "key" in one:
            found["key"] = self._key(row, one["key"])
        return found if len(self.breaches) == before else {}

    def _label(self, row: int, one: Mapping[str, Any]) -> str | None:
        if "label" not in one:
            self._break(row, "label", "required", "the label is not there")
            return None
        value = one["label"]
        level: Level | None = self.classes.get(text_of(value)) if isinstance(value, str | bool | int | float) else None
        if level is None:
            self._break(row, "label", "level", f"expected one of {', '.join(self.classes)}, got {_kind(value)}")
            return None
        return msgspec.json.encode(level).decode()

    def _id(self, row: int, value: Any) -> str | None:
        try:
            return str(uuid.UUID(value if isinstance(value, str) else ""))
        except ValueError:
            self._break(row, "id", "type", f"expected the id of a prediction, a UUID, got {_kind(value)}")
            return None

    def _key(self, row: int, value: Any) -> str | None:
        names = self.contract.key
        if not self.keeping.keeps_key(self.contract):
            why = "does not keep it" if names else "has none"
            self._break(row, "key", "unknown", f"this project {why}; send the prediction's id")
            return None
        if not isinstance(value, dict) and len(names) == 1:
            value = {names[0]: value}
        found = None
        if isinstance(value, dict) and set(value) == set(names):
            found = entries.key(self.contract, self.keeping, self.salt, value)
        if found is None:
            form = f"the value of {names[0]}" if len(names) == 1 else f"an object of {', '.join(names)}"
            self._break(row, "key", "type", f"expected {form}, got {_kind(value)}")
            return None
        return found

    def _break(self, row: int, column: str, rule: str, message: str) -> None:
        self.breaches.append(Breach(row, column, rule, message))


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "null")
