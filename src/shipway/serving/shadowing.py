"""A version in the shadow: it gets a copy of what was answered, and what it makes of it is kept beside the answers.

It begins once an answer is on its way, in the time that answers leave. Whatever becomes of it, no caller notices.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from shipway.core.contract import Breach
from shipway.core.journal import Prediction
from shipway.scoring.predictor import Predictions, RecordError
from shipway.serving import answers, entries, requests
from shipway.serving.journalling import Writer
from shipway.serving.live import Live
from shipway.serving.problems import Problem
from shipway.serving.spare import Spare

AT_ONCE = 500
"""Records that are scored before answers go first again: some tens of milliseconds."""
TRIES = 3
"""How often a batch is scored without the records that broke the contract: what is too extreme for a model shows only then."""

log = logging.getLogger("shipway.serving")


class Shadowing:
    """Gives versions in the shadow their copy of the traffic."""

    def __init__(self, writer: Writer, spare: Spare, record_limit: int) -> None:
        self._writer, self._spare, self._limit = writer, spare, record_limit
        self._told: set[tuple[str, ...]] = set()
        self._counting = threading.Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def counts(self) -> dict[tuple[str, str, str], int]:
        """(project, version, what) -> records so far.

        What is `made`, `contract` (they broke the version's contract), `busy` (too much waited), `unkept` (the journal took no
        more) or `failed`.
        """
        with self._counting:
            return dict(self._counts)

    async def copy(self, shadow: Live, body: bytes, answered: Sequence[Prediction]) -> None:
        """Let *shadow* label the records of *body* some time, for which there are the predictions *answered*."""
        if not self._spare.offer(functools.partial(self._label, shadow, body, answered), len(body)):
            self._count(shadow, "busy", len(answered))
            self._tell(shadow, "more comes than it can label beside the answers; what it leaves out is counted", "busy")

    def _label(self, shadow: Live, body: bytes, answered: Sequence[Prediction]) -> None:
        """Runs in the thread of what is done in spare time, and raises nothing."""
        try:
            records = requests.records(body, shadow.card.contract, self._limit)
            if len(records) != len(answered):
                raise Problem(422, "its contract makes another number of records of a body than the one that answered")
        except (Problem, RecordError) as error:
            self._count(shadow, "contract", len(answered))
            self._tell(shadow, f"it can't read what others answer: {error}", "contract")
            return
        for begin in range(0, len(records), AT_ONCE):
            piece = slice(begin, begin + AT_ONCE)
            try:
                self._label_piece(shadow, records[piece], answered[piece])
            except BaseException as error:  # of a library, which may panic, or a bug: a version in the shadow may be anything
                self._count(shadow, "failed", len(answered[piece]))
                if self._tell(shadow, f"it failed ({type(error).__name__})", "failed", type(error).__name__):
                    log.exception("%s version %s in the shadow failed", shadow.release.name, shadow.release.version)
            self._spare.yielding()

    def _label_piece(self, shadow: Live, records: Sequence[Any], answered: Sequence[Prediction]) -> None:
        began = time.monotonic()
        fit, found = self._predict(shadow, records)
        latency = 1000 * (time.monotonic() - began)
        if found is None:
            return
        made = answers.predictions(shadow, found)["predictions"]
        kept = entries.shadows(
            shadow,
            self._writer.journalling,
            [records[row] for row in fit],
            made,
            answered=[answered[row] for row in fit],
            latency=latency,
        )
        self._count(shadow, "made" if self._writer.keep_beside(kept) else "unkept", len(kept))

    def _predict(self, shadow: Live, records: Sequence[Mapping[str, Any]]) -> tuple[list[int], Predictions | None]:
        """The places of those records that fit the contract of *shadow*, and what it makes of them."""
        fit = list(range(len(records)))
        predictor = shadow.loading.result()
        for _ in range(TRIES):
            if not fit:
                return fit, None
            try:
                return fit, predictor.predict([records[row] for row in fit])
            except RecordError as error:
                unfit = {breach.row for breach in error.breaches}
                self._count(shadow, "contract", len(unfit))
                self._tell_breaches(shadow, error.breaches)
                fit = [row for place, row in enumerate(fit) if place not in unfit]
        self._count(shadow, "contract", len(fit))
        return fit, None

    def _count(self, shadow: Live, what: str, records: int) -> None:
        with self._counting:
            self._counts[shadow.release.name, shadow.release.version, what] += records

    def _tell_breaches(self, shadow: Live, breaches: Sequence[Breach]) -> None:
        known = shadow.card.contract.columns
        for column, rule in {(breach.column if breach.column in known else "", breach.rule) for breach in breaches}:
            of = f" of column {column!r}" if column else ""
            self._tell(shadow, f"records break the rule {rule}{of} in its own contract; they are counted", column, rule)

    def _tell(self, shadow: Live, said: str, *reason: str) -> bool:
        """Log something once for each *reason* of a version; gives whether it was news."""
        key = (shadow.release.name, shadow.release.version, *reason)
        if key in self._told:
            return False
        self._told.add(key)
        log.warning("%s version %s in the shadow: %s", shadow.release.name, shadow.release.version, said)
        return True
