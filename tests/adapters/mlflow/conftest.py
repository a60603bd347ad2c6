"""Stores to keep a model in: one template for all tests of a machine, one real server a worker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow_garden import Made, Place, answers, free_port, make

from shipway.adapters.mlflow.store import Store


@pytest.fixture(scope="session")
def cache(common: Path) -> Path:
    """The folder of the template database, shared by all tests."""
    return common / "cache"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def place(tmp_path: Path, cache: Path) -> Place:
    """An embedded store that is not there yet."""
    return Place(tmp_path, None, cache)


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, cache: Path, made: Made) -> Place:
    """An embedded store with one champion, only to be read."""
    place = Place(tmp_path_factory.mktemp("registered"), None, cache)
    place.register(made)
    return place


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[str]:
    """The address of a real MLflow server."""
    root = tmp_path_factory.mktemp("server")
    Store(root, None, cache).open()
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    address = f"http://127.0.0.1:{port}"
    log = (root / "server.log").open("w")
    with log, subprocess.Popen(command, cwd=root, env=quiet, stderr=log, stdout=log, start_new_session=True) as process:
        while not answers(f"{address}/health"):
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"the server ended with {process.wait(0.1)}: {(root / 'server.log').read_text()}")
        yield address
        os.killpg(process.pid, signal.SIGKILL)
