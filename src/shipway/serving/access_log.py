"""The access log: one line a request, on standard output, as JSON for programs or as text for a terminal."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from shipway.serving.outcomes import Outcome

STANDARD_OUTPUT = 1

Form = Literal["auto", "json", "text", "off"]

HELD = 20_000
"""Lines that wait for a reader that is slow: some 8 MB. Further ones are dropped and counted, as answers never wait for a log."""

PIECE = 4096
"""Bytes of one write. So many reach a pipe in one piece (PIPE_BUF on Linux), so lines of several workers never mix."""

PATH_LENGTH = 200
"""Characters of an address that are logged; ours are shorter."""


class AccessLog:
    """Writes a line for each outcome from a thread of its own, as standard output may be a pipe that nobody reads.

    Args:
        form: `auto` is text on a terminal and JSON elsewhere.
        descriptor: Where to write.
    """

    def __init__(self, form: Form = "auto", descriptor: int = STANDARD_OUTPUT) -> None:
        self._descriptor = descriptor
        self._line = _text if form == "text" or (form == "auto" and os.isatty(self._descriptor)) else _json
        self._lines: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._over = False
        self.dropped = 0
        """Lines that nobody took."""

    def start(self) -> None:
        self._over = False
        self._thread = threading.Thread(target=self._run, name="access log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits; at a reader that has stopped reading it is given up after a second."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join(1)

    def __call__(self, outcome: Outcome) -> None:
        if outcome.probe:
            return
        line = self._line(outcome)
        with self._changed:
            if len(self._lines) < HELD:
                self._lines.append(line)
                self._changed.notify()
            else:
                self.dropped += 1

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._over)
                if not self._lines:
                    return
                piece = self._lines.popleft()
                while self._lines and len(piece) + len(self._lines[0]) <= PIECE:
                    piece += self._lines.popleft()
            while piece:
                try:
                    piece = piece[os.write(self._descriptor, piece) :]
                except BlockingIOError:  # somebody made the pipe one that does not wait
                    select.select([], [self._descriptor], [])
                except OSError:  # standard output was closed: the service goes on
                    self.dropped += piece.count(b"\n")
                    break


def fields(outcome: Outcome) -> dict[str, Any]:
    """What a line says. A query is never logged, nor anything of a record."""
    found = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": outcome.id,
        "trace_id": outcome.trace.trace,
        "span_id": outcome.trace.span,
        "parent_id": outcome.trace.parent,
        "client": outcome.client,
        "caller": outcome.caller,
        "method": outcome.method,
        "path": outcome.path[:PATH_LENGTH].encode(errors="backslashreplace").decode(),
        "status": outcome.status,
        "reason": outcome.reason,
        "milliseconds": round(outcome.seconds * 1000, 2),
        "bytes": outcome.sent,
        "project": outcome.project,
        "version": outcome.version,
        "records": outcome.records or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _json(outcome: Outcome) -> bytes:
    return msgspec.json.encode(fields(outcome)) + b"\n"


def _text(outcome: Outcome) -> bytes:
    """For people; what a client sent is quoted where it could change how a terminal shows it."""
    said = fields(outcome)
    path = said["path"] if said["path"].isprintable() else repr(said["path"])
    more = [f"{name} {said[name]}" for name in ("version", "records", "caller", "reason") if name in said]
    clock = datetime.now().astimezone().strftime("%H:%M:%S")
    parts = [clock, str(said["status"]), f"{said['milliseconds']:8.1f} ms ", said["method"], path, *more]
    return (" ".join(parts) + "\n").encode()
