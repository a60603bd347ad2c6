"""A workspace with case studies that were run on stand-in data, and a service of them, for benchmarks."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clients import Asked

IRIS = [
    {"SepalLengthCm": 4 + number % 40 / 10, "SepalWidthCm": 3.1, "PetalLengthCm": 1 + number % 57 / 10, "PetalWidthCm": 0.2}
    for number in range(2000)
]
"""Records of the iris case study."""


def requests(records: Sequence[dict[str, Any]], rows: int) -> list[Asked]:
    """One request to iris for each of *records*, with it and those that come after it, *rows* in all."""
    found = []
    for place in range(len(records)):
        batch = [records[(place + number) % len(records)] for number in range(rows)]
        found.append(("/iris/predict", json.dumps(batch[0] if rows == 1 else {"records": batch}).encode()))
    return found


@contextlib.contextmanager
def workspace(names: Sequence[str], given: str | None = None) -> Iterator[Path]:
    """The workspace *given*, or one made for the block in which the case studies *names* have a champion."""
    if given is not None:
        yield Path(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        for command in (["init", str(root), "--examples"], ["run", *names, "--stand-in"]):
            cwd = folder if command[0] == "init" else root
            subprocess.run([sys.executable, "-m", "shipway", *command], cwd=cwd, check=True, capture_output=True)
        yield root


@contextlib.contextmanager
def service(root: Path, *names: str, workers: int = 1) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`shipway serve` of projects, once all are ready: the process, and its port."""
    port = free_port()
    command = [sys.executable, "-m", "shipway", "serve", *names, "--port", str(port), "--workers", str(workers)]
    with running(command, root, port, "/health/ready") as process:
        yield process, port


@contextlib.contextmanager
def running(command: Sequence[str], root: Path, port: int, probe: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, once it answers 200 at *probe*."""
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            assert process.poll() is None, "the service ended"
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request("GET", probe)
                if connection.getresponse().status == 200:
                    break
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
