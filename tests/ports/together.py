"""Several that do something at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable


def together(*deeds: Callable[[], None]) -> None:
    """Do each of *deeds* in a thread of its own, all begun at once; raises what one of them raised."""
    barrier, failed = threading.Barrier(len(deeds)), list[Exception]()

    def do(deed: Callable[[], None]) -> None:
        barrier.wait()
        try:
            deed()
        except Exception as error:  # noqa: BLE001 - it is raised below
            failed.append(error)

    threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in failed:
        raise error
