"""What a request hands to the journal, as it keeps it: the columns that were chosen, personal ones as hashes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from shipway.core import journal as journals
from shipway.core.contract import Column, Contract, text_of
from shipway.core.journal import Feedback, Prediction
from shipway.core.journal.keeping import Keeping
from shipway.core.ports import Journal
from shipway.serving.live import Live

QUEUE_LIMIT = 50_000
"""Some 50 MB, and more than five minutes of 150 predictions a second."""

KEY_BYTES = 1_000
"""Of a key that is kept as it is; those that people make are below a hundred."""


@dataclass(frozen=True)
class Journalling:
    """What the service needs to keep its predictions.

    Attributes:
        keepings: What is kept of each project's; those of a project that is not named are not kept.
        salt: For hashes of personal columns.
        limit: Predictions that a worker holds while the journal is away.
    """

    journal: Journal
    keepings: dict[str, Keeping]
    salt: bytes = field(repr=False)
    limit: int = QUEUE_LIMIT

    def keeping(self, project: str) -> Keeping | None:
        """What is kept of a project's predictions; None: nothing."""
        found = self.keepings.get(project)
        return found if found is not None and found.enabled else None


@dataclass(eq=False)
class Entry:
    """What one request hands over.

    Attributes:
        since: When, by the monotonic clock.
        done: Resolved after the write with how many labels joined, or with None where it failed.
        strict: Given up when the write fails, as the request is refused then.
        beside: Of a version in the shadow: nobody waits for it, so it never counts as late.
    """

    predictions: Sequence[Prediction]
    feedback: Sequence[Feedback]
    since: float
    done: asyncio.Future[int | None] | None
    strict: bool
    beside: bool = False


def predictions(
    live: Live,
    journal: Journalling,
    records: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    *,
    came: int,
    caller: str | None = None,
) -> list[Prediction]:
    """What is kept of *answers* to *records* of a request that came at *came*, in the journal's microseconds."""
    release, contract, salt = live.release, live.card.contract, journal.salt
    keeping = journal.keeping(release.name)
    if keeping is None:
        return []
    latency = max(0, journals.now() - came) / 1000
    columns, by_key = keeping.kept(contract), keeping.keeps_key(contract)
    return [
        Prediction(
            id=answer["id"],
            project=release.name,
            time=came,
            model_version=release.version,
            data_version=release.data_version,
            record=_json({name: _kept(name, record[name], keeping, salt) for name in columns if name in record}),
            key=key(contract, keeping, salt, record) if by_key else None,
            label=_json(answer["label"]),
            probabilities=_json(answer["probabilities"]),
            warnings=_json(answer["warnings"]),
            latency=latency,
            caller=caller,
        )
        for record, answer in zip(records, answers, strict=True)
    ]


def shadows(
    live: Live,
    journal: Journalling,
    records: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    *,
    answered: Sequence[Prediction],
    latency: float,
) -> list[Prediction]:
    """What is kept of *answers* that a version in the shadow made to *records*, beside the predictions that were *answered*."""
    made = predictions(live, journal, records, answers, came=journals.now())
    return [
        msgspec.structs.replace(one, time=other.time, key=other.key, caller=other.caller, shadow_of=other.id, latency=latency)
        for one, other in zip(made, answered, strict=True)
    ]


def key(contract: Contract, keeping: Keeping, salt: bytes, record: Mapping[str, Any]) -> str | None:
    """The key of *record* as predictions and labels meet by it; None where a part of it is missing, or is no text or number.

    84, 84.0 and "84" are one key. Of a long one there is its hash: an index does not take it (PostgreSQL: 2,704 bytes).
    """
    found = []
    for name in contract.key:
        part = text(contract.columns[name], record.get(name))
        if part is None:
            return None
        found.append(_hashed(part, salt) if name in keeping.hash else part)
    whole = _json(found)
    return whole if len(whole.encode()) <= KEY_BYTES else _hashed(whole, salt)


def text(column: Column, value: Any) -> str | None:
    """The text of a cell of *column*, the same for a number and its text; None where it is missing, or is no text or number."""
    if not isinstance(value, str | bool | int | float) or (isinstance(value, str) and value in column.missing):
        return None
    found = text_of(value)
    return _plain(found) if column.type in ("integer", "number") and isinstance(value, str) else found


def _kept(name: str, value: Any, keeping: Keeping, salt: bytes) -> Any:
    if name not in keeping.hash or value is None:
        return value
    return _hashed(text_of(value) if isinstance(value, str | bool | int | float) else _json(value), salt)


def _hashed(text: str, salt: bytes) -> str:
    return hmac.digest(salt, text.encode(), hashlib.sha256).hex()


def _plain(text: str) -> str:
    """A number's text without what a CSV may put around it, such as " 084.0"."""
    try:
        return str(int(text))
    except ValueError:
        pass
    try:
        return text_of(float(text))
    except (ValueError, OverflowError):
        return text


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
