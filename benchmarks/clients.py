"""Clients that keep their connections and ask one request after the other, cheaply enough not to be what is measured."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Asked = tuple[str, bytes]
"""An address and a body."""


@dataclass
class Load:
    """What clients got: answers by status, seconds that each took, and seconds in all."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds


def ask(port: int, requests: Sequence[Asked], clients: int, *, count: int | None = None, seconds: float | None = None) -> Load:
    """Ask *requests* in turn, and again, by *clients* connections, *count* times in all or for *seconds*."""
    return asyncio.run(_ask(port, requests, clients, count, seconds))


async def _ask(port: int, requests: Sequence[Asked], clients: int, count: int | None, seconds: float | None) -> Load:
    load, places = Load(), itertools.count() if count is None else iter(range(count))
    written = [
        f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
        for path, body in requests
    ]
    began = time.perf_counter()
    until = None if seconds is None else began + seconds
    await asyncio.gather(*(_client(port, written, places, until, load) for _ in range(clients)))
    load.seconds = time.perf_counter() - began
    return load


async def _client(port: int, written: Sequence[bytes], places: Iterator[int], until: float | None, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for place in places:
        began = time.perf_counter()
        if until is not None and began > until:
            break
        writer.write(written[place % len(written)])
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        load.latencies.append(time.perf_counter() - began)
        load.statuses[int(head[9:12])] += 1
    writer.close()
