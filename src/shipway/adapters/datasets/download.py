"""Fetching a file from its mirrors: nothing is kept before it is proven to be the right one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from shipway.core.errors import DataError, OutsideError

if TYPE_CHECKING:
    import requests

    from shipway.core.ports import Progress

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
PAUSES = (0.5, 2.0)
"""Seconds before the second and the third attempt at one mirror."""
CHUNK = 1 << 16


def download(
    mirrors: Sequence[str],
    *,
    size: int,
    accept: Callable[[bytes], object],
    progress: Progress,
    pause: Callable[[float], None] = time.sleep,
) -> bytes:
    """Get the file from the first mirror that has it.

    Args:
        size: Bytes of the known-good file; a mirror that sends more than twice as many is cut off.
        accept: Raises DataError for bytes that are not the file.
        pause: Waits between attempts.

    Raises:
        OutsideError: No mirror gave the file; says of each what was wrong.
    """
    import requests

    failures = []
    with requests.Session() as session:
        for mirror in mirrors:
            try:
                content = _patiently(session, mirror, size, progress, pause)
                accept(content)
            except (requests.RequestException, OutsideError, DataError) as error:
                failures.append(f"{mirror}: {_reason(error)}")
                progress.warn(f"skipped a mirror: {failures[-1]}")
            else:
                return content
    raise OutsideError("\n".join(failures))


def _patiently(session: requests.Session, mirror: str, size: int, progress: Progress, pause: Callable[[float], None]) -> bytes:
    """Fetch once more after what may pass (a reset connection, a busy server); not after what stays."""
    import requests

    for seconds in PAUSES:
        try:
            return _fetch(session, mirror, size, progress)
        except requests.ConnectTimeout:
            # A host that did not answer for the whole time-out is away; the next mirror is the better use of the time.
            raise
        except requests.HTTPError as error:
            if _status(error) < 500 and _status(error) != 429:
                raise
        except requests.RequestException:
            pass
        pause(seconds)
    return _fetch(session, mirror, size, progress)


def _fetch(session: requests.Session, mirror: str, size: int, progress: Progress) -> bytes:
    content = bytearray()
    with session.get(mirror, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
        response.raise_for_status()
        with progress(f"downloading {mirror}", total=size) as tick:
            for chunk in response.iter_content(CHUNK):
                content += chunk
                tick(len(chunk))
                if len(content) > 2 * size:
                    raise OutsideError(f"sends more than {2 * size:,} bytes, so it is another file")
    return bytes(content)


def _reason(error: Exception) -> str:
    """The error in a few words; connection errors of requests drag the whole stack of their causes along."""
    import requests

    if isinstance(error, requests.HTTPError):
        return f"answered {_status(error)}"
    if isinstance(error, requests.Timeout):
        return "did not answer in time"
    return "could not be reached" if isinstance(error, requests.RequestException) else str(error)


def _status(error: requests.HTTPError) -> int:
    return error.response.status_code if error.response is not None else 0
