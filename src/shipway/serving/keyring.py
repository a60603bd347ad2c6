"""The API keys as a worker holds them: looked at again and again, and never lost."""

from __future__ import annotations

import hmac
import logging
import threading
from datetime import UTC, datetime

from shipway.core import keys
from shipway.core.errors import ShipwayError, UsageError
from shipway.core.keys import KEY, Key, KeyFile, Rate

SECONDS = 1.0
"""Between two looks at the file."""

NOBODY = bytes(32)
"""Compared with where there is no key of an id."""

log = logging.getLogger("shipway.serving")

Held = tuple[Key, bytes, Rate | None]


class Keyring:
    """The keys of *file*. Once there are any they stay in force: a file that is gone or broken leaves those that were there.

    It is read from the event loop's thread, and looks at the file from its own.

    Attributes:
        in_force: Whether a caller needs a key. A file that can't be read counts as one that has keys, and lets nobody in.
        problem: Why the keys may not be those that were meant.
    """

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._held: dict[str, Held] = {}
        self._seen: tuple[int, ...] | None = ()
        self.in_force = False
        self.problem: str | None = None
        self._over = threading.Event()
        self.look()

    def start(self) -> None:
        """Look again and again, from a thread of its own."""
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def __len__(self) -> int:
        """How many keys are valid."""
        now = datetime.now(UTC)
        return sum(key.state(now) == "valid" for key, _, _ in self._held.values())

    def find(self, given: str) -> tuple[Key, Rate | None] | None:
        """The key that *given* is, where it is valid now. How long that takes does not tell whether there is one of its id."""
        parts = KEY.fullmatch(given)
        held = self._held.get(parts[1]) if parts else None
        same = hmac.compare_digest(keys.digest(given), held[1] if held else NOBODY)
        if held is None or not same or held[0].state(datetime.now(UTC)) != "valid":
            return None
        return held[0], held[2]

    def look(self) -> None:
        """Take over what the file says, where it changed."""
        seen = self._mark()
        if seen == self._seen:
            return
        try:
            found = self._file.read()
            if seen is None and self.in_force:
                raise UsageError(
                    f"the file {self._file.path} is missing; bring it back, or begin a new one with `shipway keys add NAME`"
                )
        except ShipwayError as error:
            self.in_force, self._seen = True, ()
            problem = f"{error} (those that were known stay in force)"
            if problem != self.problem:
                log.warning("API keys: %s", problem)
            self.problem = problem
            return
        self._held = {key.id: (key, bytes.fromhex(key.sha256), keys.rate_of(key.rate) if key.rate else None) for key in found}
        if (found or self._file.begun) and not self.in_force:
            self.in_force = True
            self._file.expect()
        self.problem, self._seen = None, seen
        if self.in_force:
            log.info("API keys: %d are valid", len(self))

    def _mark(self) -> tuple[int, ...] | None:
        """What changes when the file does; None where there is none to be read."""
        try:
            found = self._file.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _run(self) -> None:
        while not self._over.wait(SECONDS):
            try:
                self.look()
            except Exception:
                log.exception("the API keys could not be looked at")
