from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shipway.cli.work import work
from shipway.core.errors import OutsideError
from shipway.serving import server
from shipway.serving.tls import Files

PROGRAM = """
from fastapi import FastAPI
from shipway.serving.server import run
app = FastAPI()
app.get("/")(lambda: "here")
run(app, port=0)
print("after")
"""


@contextlib.contextmanager
def program() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves, and its address as its log tells it."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, line + process.stderr.read()
            yield process, found[0]
        finally:
            process.kill()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly_and_what_follows_it_runs(sent: signal.Signals) -> None:
    with program() as (process, address):
        assert httpx.get(address).json() == "here"
        process.send_signal(sent)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == "after\n"
    assert "Traceback" not in errors


def test_a_worker_is_told_how_the_service_ends_and_speaks() -> None:
    files = Files(Path("/a b/service.crt"), Path("/c/service.key"))
    told = work.make_context("work", ["--socket", "3", *server.Manner(tls=files, drain=2.5).options, "iris"]).params
    assert told == {
        "projects": ("iris",),
        "descriptor": 3,
        "no_auth": False,
        "tls_certificate": str(files.certificate),
        "tls_key": str(files.key),
        "drain": 2.5,
    }


@pytest.mark.parametrize(("soft", "hard", "connections"), [(256, 4096, 1_000), (1024, 1024, 668), (100, 100, 25)])
def test_a_worker_takes_no_more_connections_than_it_may_have_files(soft: int, hard: int, connections: int) -> None:
    code = f"""
import resource
from fastapi import FastAPI
from shipway.serving import server
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
app = FastAPI()
server.make(app, server.Manner())
print(app.state.connections.limits.connections)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(told.stdout) == connections


def test_a_port_that_is_taken_is_named_with_the_next_step() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OutsideError, match=rf"port {port} of 127\.0\.0\.1: another program listens there; .*--port"):
            server.run(FastAPI(), port=port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OutsideError, match=r"192\.0\.2\.1.*no address of this machine"):
        server.run(FastAPI(), host="192.0.2.1", port=0)
