"""A service of iris as a process of its own, for tests that kill it: `python -m tests.serving.journal_service SETUP`."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RECORD = json.dumps({"SepalLengthCm": 5.1, "PetalLengthCm": 1.4}).encode()


@dataclass
class Service:
    """A running service, its log, whether its models are loaded, and for each project the ids that it answered, with the time."""

    process: subprocess.Popen[str]
    port: int
    log: list[str]
    loaded: threading.Event = field(default_factory=threading.Event)
    answered: defaultdict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def predict(self, project: str = "iris", connection: http.client.HTTPConnection | None = None) -> int:
        """Ask once; gives the status."""
        connection = connection or self.connect()
        connection.request("POST", f"/{project}/predict", RECORD, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        if response.status == 200:
            self.answered[project][json.loads(content)["predictions"][0]["id"]] = time.monotonic()
        return response.status

    def ready(self) -> tuple[int, dict[str, Any]]:
        connection = self.connect()
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def ask_on(self, project: str, count: int, enough: threading.Barrier) -> None:
        """Ask without a pause until the service is gone; meets the others at *enough* after *count* answers."""
        connection = self.connect()
        with contextlib.suppress(OSError, http.client.HTTPException):
            for _ in range(count):
                self.predict(project, connection)
            enough.wait()
            while True:
                self.predict(project, connection)

    def until(self, met: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask for readiness until its status and body are as wanted; gives the body."""
        while True:
            status, body = self.ready()
            if met(status, body):
                return body
            assert self.process.poll() is None, "".join(self.log)


@contextlib.contextmanager
def service(
    bundle: Path, journal: Path, *, limit: int | None = None, workers: int = 1, drain: float = 10.0, **projects: dict[str, Any]
) -> Iterator[Service]:
    """A service whose journal is the file *journal*, once it listens; each of *projects* has its own `[serve.journal]`."""
    setup: dict[str, Any] = {"bundle": str(bundle), "journal": str(journal), "projects": projects or {"iris": {}}, "limit": limit}
    setup |= {"workers": workers, "drain": drain}
    command = [sys.executable, "-m", "tests.serving.journal_service", json.dumps(setup)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    made = Service(process, 0, [])
    while not made.port:
        line = process.stderr.readline()
        assert line, "".join(made.log)
        made.log.append(line)
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        made.port = int(found[1]) if found else 0
    reader = threading.Thread(target=_read, args=(made, workers * len(setup["projects"])))
    reader.start()
    try:
        yield made
    finally:
        process.kill()
        process.wait()
        reader.join()


def _read(made: Service, models: int) -> None:
    assert made.process.stderr is not None
    while line := made.process.stderr.readline():
        made.log.append(line)
        if sum("is ready" in one for one in made.log) == models:
            made.loaded.set()
    made.loaded.set()


def main(text: str) -> None:
    from tests.scoring import made

    from shipway.adapters.journal import SqliteJournal
    from shipway.core.journal.keeping import Keeping
    from shipway.serving import processes, server
    from shipway.serving.app import create_app
    from shipway.serving.entries import QUEUE_LIMIT, Journalling

    setup = json.loads(text)
    keepings = {name: Keeping(**settings) for name, settings in setup["projects"].items()}
    journalling = Journalling(SqliteJournal(Path(setup["journal"])), keepings, b"salt", setup["limit"] or QUEUE_LIMIT)
    releases = [(made.release(name), Path(setup["bundle"])) for name in keepings]
    manner = server.Manner(drain=setup["drain"])
    app = create_app(releases, journal=journalling, patient="socket" in setup)
    if "socket" in setup:
        processes.until_alone()
        server.answer(app, socket.socket(fileno=setup["socket"]), manner)
    elif setup["workers"] == 1:
        server.run(app, port=0, manner=manner)
    else:
        with server.listen("127.0.0.1", 0, manner) as listener:
            command = [sys.executable, "-m", "tests.serving.journal_service", json.dumps({**setup, "socket": listener.fileno()})]
            workers = {f"worker {number}": command for number in range(setup["workers"])}
            with processes.kept(workers, ROOT, listener=listener, drain=manner.drain):
                server.wait()


if __name__ == "__main__":
    main(sys.argv[1])
