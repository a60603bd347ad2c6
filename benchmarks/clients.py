"""Clients that keep their connections and ask one request after the other, cheaply enough not to be what is measured."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

Asked = tuple[str, bytes]
"""An address and a body."""


@dataclass(frozen=True)
class Answer:
    """What one request got.

    Attributes:
        place: Of the request in those that are asked.
        began, ended: By the monotonic clock, in seconds.
    """

    place: int
    status: int
    body: bytes
    began: float
    ended: float


Look = Callable[[Answer], None]


@dataclass
class Load:
    """What clients got: answers by status, seconds that each took, what came instead of an answer, and seconds in all."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds


def ask(port: int, requests: Sequence[Asked], clients: int, *, count: int | None = None, seconds: float | None = None) -> Load:
    """Ask *requests* in turn, and again, by *clients* connections, *count* times in all or for *seconds*."""
    load, places = Load(), itertools.count() if count is None else iter(range(count))
    until = None if seconds is None else time.monotonic() + seconds
    asyncio.run(_ask(port, requests, clients, places, lambda: until is not None and time.monotonic() > until, load))
    return load


@contextlib.contextmanager
def asking(port: int, requests: Sequence[Asked], clients: int, look: Look | None = None) -> Iterator[Load]:
    """Ask *requests* in turn, and again, by *clients* connections, for as long as the block; *look* sees each answer.

    A connection that breaks is noted, and made anew.
    """
    load, over = Load(), threading.Event()
    body = _ask(port, requests, clients, itertools.count(), over.is_set, load, look, again=True)
    thread = threading.Thread(target=asyncio.run, args=(body,))
    thread.start()
    try:
        yield load
    finally:
        over.set()
        thread.join()


async def _ask(
    port: int,
    requests: Sequence[Asked],
    clients: int,
    places: Iterator[int],
    over: Callable[[], bool],
    load: Load,
    look: Look | None = None,
    *,
    again: bool = False,
) -> None:
    written = [
        f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
        for path, body in requests
    ]

    async def client() -> None:
        while not over():
            try:
                await _client(port, written, places, over, load, look)
                return
            except (OSError, EOFError) as error:
                if not again:
                    raise
                load.broken.append(repr(error))

    began = time.monotonic()
    await asyncio.gather(*(client() for _ in range(clients)))
    load.seconds = time.monotonic() - began


async def _client(
    port: int, written: Sequence[bytes], places: Iterator[int], over: Callable[[], bool], load: Load, look: Look | None
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.closing(writer):
        for place in places:
            if over():
                return
            began = time.monotonic()
            writer.write(written[place % len(written)])
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
            ended = time.monotonic()
            status = int(head[9:12])
            load.latencies.append(ended - began)
            load.statuses[status] += 1
            if look is not None:
                look(Answer(place % len(written), status, body, began, ended))
