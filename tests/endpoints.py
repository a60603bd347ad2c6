"""What tests of the case studies' endpoints share: servers as processes of their own, and rows as the tables have them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars
import pytest

from shipway.core.artifacts import ROW, SOURCE
from shipway.core.workspace import Workspace
from shipway.steps import LIFECYCLE

from .conftest import CaseStudy

ROWS = 200
INGEST = LIFECYCLE[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(command: list[str], study: CaseStudy, ready: str, log: Path) -> Iterator[None]:
    """A server process, from the moment that *ready* answers 200; ended by SIGTERM with all that it started."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{study.workspace}/mlflow.db",
    }
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, cwd=study.workspace, env=environment, stdout=output, stderr=output, start_new_session=True
        ) as server,
    ):
        try:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(ready).status_code == 200:
                        break
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"the server ended with {server.wait(0.1)}: {log.read_text()}")
            yield
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def received(study: CaseStudy) -> polars.DataFrame:
    """Rows as the table has them, all text, from all over the file."""
    cache = Workspace(study.workspace).cache(study.name)
    record = cache.latest(INGEST)
    assert record is not None
    frame = polars.read_parquet(cache.place(INGEST, record.key, "received") / "part-*.parquet").drop(SOURCE, ROW)
    return frame.gather_every(max(1, frame.height // ROWS))
