"""How often a key may ask, counted over all workers of a machine.

By the generic cell rate algorithm, as virtual scheduling (ITU-T I.371, annex A; ATM Forum af-tm-0056, section 4.4.2): all
that has to be known of a key is the time at which its next request would come if it kept to its rate. A request may come
before that by as much as lets a whole count through at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from shipway.core.keys import OWNER_ONLY, Rate

PLACE_BYTES = 8
"""Of a key: the time of its next request at its rate, in nanoseconds since 1970, little-endian."""

log = logging.getLogger("shipway.serving")


def admit(due: int, now: int, rate: Rate) -> tuple[int, int]:
    """Whether a request may go on that comes at *now*, where the next one at *rate* is *due*; all in nanoseconds.

    Returns:
        When the next one is due from now on, and how long this one has to wait; 0: it may go on.
    """
    if due > now + rate.count * rate.interval:  # more than any request leaves behind: of another rate, or the clock was set back
        due = now
    early = due - now - (rate.count - 1) * rate.interval
    return (due, early) if early > 0 else (max(due, now) + rate.interval, 0)


class Rates:
    """The file *path* has the place of each key by its number. It is opened anew each time, so that no worker counts in a file
    that was deleted meanwhile; its lock keeps two workers from reading one time both.
    """

    def __init__(self, path: Path, clock: Callable[[], int] = time.time_ns) -> None:
        self._path, self._clock = path, clock
        self.problem: str | None = None
        """Why nothing is counted at the moment."""

    def wait(self, number: int, rate: Rate) -> int:
        """Count a request of the key *number*. Gives how many nanoseconds too early it comes; 0: it may go on.

        Where the file can't be written to, every request may go on: it has shown a valid key.
        """
        try:
            with self._opened() as file:
                place = number * PLACE_BYTES
                due, wait = admit(int.from_bytes(os.pread(file, PLACE_BYTES, place), "little"), self._clock(), rate)
                if not wait:
                    os.pwrite(file, due.to_bytes(PLACE_BYTES, "little"), place)
        except OSError as error:
            if self.problem is None:
                self.problem = f"rates are not counted: {self._path}: {error.strerror}"
                log.error(self.problem)
            return 0
        if self.problem is not None:
            self.problem = None
            log.info("rates are counted again")
        return wait

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)  # which frees the lock
