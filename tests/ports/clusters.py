"""A real PostgreSQL server of the test's own, as an unprivileged user in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

USER = "postgres"
"""Debian's package makes this user; a server does not start as root."""


def tool(name: str) -> str | None:
    """A program of the server, which Debian keeps off the path."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(places[0]) if places else shutil.which(name)


class Cluster:
    """A server that can be stopped and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._call("pg_ctl", "start", "-w", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        self._call("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.folder / "data"))

    def create(self) -> None:
        self._call("initdb", "-D", str(self.folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")

    def _call(self, name: str, *words: str) -> None:
        found = tool(name)
        assert found is not None
        user = USER if os.geteuid() == 0 else None
        done = subprocess.run(
            [found, *words], user=user, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server; the test is skipped where PostgreSQL is not installed, and fails there in CI."""
    if tool("initdb") is None or tool("pg_ctl") is None:
        (pytest.fail if "CI" in os.environ else pytest.skip)("PostgreSQL is not installed; Debian's package is postgresql")
    with tempfile.TemporaryDirectory(prefix="shipway-postgres-") as name, socket.socket() as probe:
        folder = Path(name)
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(folder, user.pw_uid, user.pw_gid)
        probe.bind(("127.0.0.1", 0))
        made = Cluster(folder, probe.getsockname()[1])
        probe.close()
        made.create()
        made.start()
        try:
            yield made
        finally:
            with contextlib.suppress(AssertionError):
                made.stop()
