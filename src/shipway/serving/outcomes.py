"""What became of a request: filled in while it is answered, then told to the log, the metrics and the page of recent traffic."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shipway.serving.traces import Trace, trace

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(eq=False)
class Outcome:
    """What became of one request.

    Attributes:
        id, trace: How logs call it.
        method, path, client: What was asked for and by which address.
        project, version: Of the model that was asked; None where none was.
        caller: Name of the API key; None where none was asked for.
        records: Records that were sent, as far as the body was read.
        labels: How many predictions were given of each label, by its text.
        remarks: How many warnings went with the answer, by rule (`level`, `range`) and column.
        reason: One word for why there was no answer, a Problem's or of `problems.REASONS`; None where there was one.
        status: Of the answer; 0 until it begins.
        sent: Bytes of its body.
        seconds: From the request's headers to the end of the answer.
    """

    id: str = ""
    trace: Trace = field(default_factory=lambda: trace(b""))
    method: str = ""
    path: str = ""
    client: str = ""
    project: str | None = None
    version: str | None = None
    caller: str | None = None
    records: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    remarks: Counter[tuple[str, str]] = field(default_factory=Counter)
    reason: str | None = None
    status: int = 0
    sent: int = 0
    seconds: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    @property
    def probe(self) -> bool:
        """Whether it only asked how the service is, and got an answer: of no interest afterwards."""
        return self.path.startswith("/health/") and self.status < 400


def of(request: Request) -> Outcome:
    """The outcome of *request*, to be filled in."""
    found = getattr(request.state, "outcome", None)
    if found is None:
        found = request.state.outcome = Outcome()
    assert isinstance(found, Outcome)
    return found
