"""Work that nobody waits for, done in the time that the answers leave."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator

import threadpoolctl

PIECES = 64
"""That may wait: a moment's traffic. What comes while as many wait is refused, so that it never runs late by more."""
BYTES = 16 * 2**20
"""Of requests that wait, in all: one of the largest, or thousands of small ones."""
PATIENCE_SECONDS = 0.5
"""How long a piece waits for a moment without answers under way. Then it is done all the same: a service that is always busy
would otherwise show nothing of a version in the shadow."""

log = logging.getLogger("shipway.serving")


class Spare:
    """One thread that does pieces of work while no answer is under way."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pieces: deque[tuple[Callable[[], None], int]] = deque()
        self._bytes = self._busy = 0
        self._over = False

    def start(self) -> None:
        self._over = False
        self._thread = threading.Thread(target=self._run, name="spare", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up what waits, and end after the piece that is being done."""
        with self._changed:
            self._over = True
            self._pieces.clear()
            self._bytes = 0
            self._changed.notify()
        self._thread.join()

    def offer(self, piece: Callable[[], None], size: int) -> bool:
        """Let *piece*, which keeps *size* bytes in memory, be done some time; False where too much waits already."""
        with self._changed:
            if self._over or len(self._pieces) >= PIECES or self._bytes + size > BYTES:
                return False
            self._pieces.append((piece, size))
            self._bytes += size
            self._changed.notify()
        return True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold pieces back for the block, in which an answer is under way."""
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                if not self._busy:
                    self._changed.notify()

    def yielding(self) -> None:
        """Within a long piece: wait for a moment without answers."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy or self._over, PATIENCE_SECONDS)

    def _run(self) -> None:
        threadpoolctl.threadpool_limits(limits=1)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces or self._over)
                if self._over:
                    return
            self.yielding()
            with self._changed:
                if not self._pieces:
                    continue
                piece, size = self._pieces.popleft()
            try:
                piece()
            except BaseException:  # a library's panic is no Exception, and must not end what is done beside the answers
                log.exception("work beside the answers failed")
            with self._changed:
                self._bytes = max(0, self._bytes - size)
