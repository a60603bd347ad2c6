"""What became of a request: filled in while it is answered, then told to the log, the metrics and the page of recent traffic."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(eq=False)
class Outcome:
    """What became of one request.

    Attributes:
        project, version: Of the model that was asked; None where none was.
        caller: Name of the API key; None where none was asked for.
        records: Records that were sent, as far as the body was read.
        labels: How many predictions were given of each label, by its text.
        remarks: How many warnings went with the answer, by rule (`level`, `range`) and column.
        reason: One word for why there was no answer, a Problem's or of `problems.REASONS`; None where there was one.
    """

    project: str | None = None
    version: str | None = None
    caller: str | None = None
    records: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    remarks: Counter[tuple[str, str]] = field(default_factory=Counter)
    reason: str | None = None


def of(request: Request) -> Outcome:
    """The outcome of *request*, to be filled in."""
    found = getattr(request.state, "outcome", None)
    if found is None:
        found = request.state.outcome = Outcome()
    assert isinstance(found, Outcome)
    return found
