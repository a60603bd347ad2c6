"""How a request is called in logs: by its own id, and by the trace that it is a part of (W3C Trace Context)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from shipway.core import journal

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
"""An id that a caller gave and that can go into logs and headers as it is; any other is replaced by ours."""

PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
"""https://www.w3.org/TR/trace-context/, section 3.2. A version after 00 may say more after a dash, which is left alone."""

NEW_FLAGS = "00"
"""Of a trace that begins here: nothing of it is recorded anywhere else."""


@dataclass(frozen=True)
class Trace:
    """Where a request stands in its trace.

    Attributes:
        trace: 32 hexadecimal digits, one for all that a first request set off.
        span: 16, this request's own.
        parent: The span of who asked; None where the trace begins here.
        flags: 2, as they came.
    """

    trace: str
    span: str
    parent: str | None
    flags: str

    @property
    def header(self) -> bytes:
        """For the answer, as `traceresponse` (Trace Context, level 2, a working draft of the W3C)."""
        return f"00-{self.trace}-{self.span}-{self.flags}".encode()


def request_id(given: bytes) -> str:
    """The id that the caller gave, or a new one."""
    return given.decode() if REQUEST_ID.fullmatch(given) else journal.ids(1)[0]


def trace(given: bytes) -> Trace:
    """The trace that the header `traceparent` names, or a new one where it names none."""
    span = secrets.token_hex(8)
    found = PARENT.fullmatch(given.strip())
    if found is not None:
        version, whole, parent, flags, more = found.groups()
        if version != b"ff" and (more is None or version != b"00") and int(whole, 16) and int(parent, 16):
            return Trace(whole.decode(), span, parent.decode(), flags.decode())
    return Trace(secrets.token_hex(16), span, None, NEW_FLAGS)
