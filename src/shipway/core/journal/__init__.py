"""The records of the journal: predictions as they were answered, and the true labels that came for them."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Literal

import msgspec

RANDOM_BITS = 74
"""Of a UUIDv7, beside 48 bits of time, 4 of version and 2 of variant (RFC 9562, section 5.7)."""
STEP_BITS = 32
"""An id is this many random bits after the one before it in its batch: in order, and not to be guessed from another."""

Which = Literal["answered", "shadow", "all"]
"""Predictions by who got them: a caller, or nobody, as a shadow version made them beside the answer."""


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One record's answer. Texts that are JSON hold what a caller sent as it was sent, whatever a database makes of texts.

    Attributes:
        id: The UUIDv7 that the answer carries.
        time: When the request came, in microseconds since 1970, UTC.
        record: JSON object of the columns that are kept, as they were sent or hashed.
        key: JSON list of the key columns' texts, or of their hashes; None where the caller sent no key, or it is not kept.
        label: JSON of the label.
        probabilities: JSON object of the class's text and its probability.
        warnings: JSON list, as in the answer.
        latency: Milliseconds from the request's arrival to its scores; one figure for all records of a request.
        caller: Name of the API key that asked; None where none was asked for.
        shadow_of: Id of the prediction that was answered to the same record; None for one that was answered itself. A shadow has
            time and key of the one that it shadows, and gets its label.
    """

    id: str
    project: str
    time: int
    model_version: str
    data_version: str
    record: str
    key: str | None
    label: str
    probabilities: str
    warnings: str
    latency: float
    caller: str | None = None
    shadow_of: str | None = None


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """A true label for one prediction. It is never changed: a later one counts instead, and this one stays on record.

    It goes to the prediction of that id, or to the one of that key that was made last before the label came; where none was
    made yet, to the first that will be. A key comes again with each new prediction for the same customer, and a label says
    what became of the one before it.

    Attributes:
        id: A UUIDv7.
        time: When it came, in microseconds since 1970, UTC.
        label: JSON of the label, typed as the contract's levels.
        prediction: Id of the prediction; None where the label came by key.
        key: As a prediction's; None where the label came by id.
    """

    id: str
    project: str
    time: int
    label: str
    prediction: str | None = None
    key: str | None = None
    caller: str | None = None


class Labelled(Prediction, frozen=True, kw_only=True):
    """A prediction with the true label that counts.

    Attributes:
        true_label: JSON of the label; None where none came.
        labelled: When it came, as `time`.
    """

    true_label: str | None
    labelled: int | None


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many predictions one model version labelled so, and how many of them have a true label."""

    model_version: str
    label: str | int | bool
    predictions: int
    labelled: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How a version that answered and one in its shadow did on the same records.

    Attributes:
        answered, shadow: The two versions.
        records: Records that both labelled.
        agreed: Of them, those that both labelled the same.
        labelled: Of them, those with a true label.
        answered_right, shadow_right: Of those, how many each version labelled so.
    """

    answered: str
    shadow: str
    records: int
    agreed: int
    labelled: int
    answered_right: int
    shadow_right: int


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal holds of one project. All but the comparisons are about predictions that were answered.

    Attributes:
        waiting: Labels whose prediction is not there.
        first, last: Times of the first and the last prediction.
        size: Bytes that the journal takes, with all its projects.
    """

    predictions: int
    labelled: int
    waiting: int
    first: int | None
    last: int | None
    size: int
    shares: list[Share]
    shadows: list[Comparison]


def ids(count: int) -> list[str]:
    """UUIDv7s in ascending order."""
    milliseconds = time.time_ns() // 1_000_000
    tail = secrets.randbits(RANDOM_BITS - 1)
    found = []
    for _ in range(count):
        high, low = divmod(tail, 1 << 62)
        found.append(str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)))
        tail += 1 + secrets.randbits(STEP_BITS)
    return found


def now() -> int:
    """The time as the journal has it: microseconds since 1970, UTC."""
    return time.time_ns() // 1000
