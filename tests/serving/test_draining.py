"""What becomes of requests, connections and predictions when a service is told to stop."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.serving.journal_service import ROOT, service
from tests.serving.kept import kept
from tests.serving.wires import LIVE, PATIENCE, PREDICT, WHOLE, Reader
from tests.waiting import until

from shipway.adapters.journal import SqliteJournal
from shipway.core.journal.keeping import Keeping
from shipway.serving.app import create_app
from shipway.serving.draining import TOGETHER_SECONDS
from shipway.serving.entries import Journalling
from shipway.serving.protocol import Stage
from shipway.serving.server import Manner, make

if TYPE_CHECKING:
    from fastapi import FastAPI
    from tests.serving.conftest import Releases

    from shipway.serving.draining import Server

CLIENTS = 16
ENOUGH = 20
"""Answers to each client before the service is told to stop."""

HANGING = PREDICT + b"Content-Length: 100\r\n\r\n{"
STOPS = "the service stops"


@dataclass
class Load:
    """What clients got that ask one after the other, on connections that they keep, until nobody listens any more."""

    answered: set[str] = field(default_factory=set)
    others: list[object] = field(default_factory=list)
    unanswered: int = 0

    def ask_on(self, port: int, enough: threading.Barrier) -> None:
        asked = 0
        while True:
            try:
                wire = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            except OSError:
                return
            with wire:
                reader = Reader(wire)
                last = False
                while not last:
                    if asked == ENOUGH:
                        enough.wait()
                    asked += 1
                    last = self._ask(wire, reader)

    def _ask(self, wire: socket.socket, reader: Reader) -> bool:
        """Ask once; gives whether the connection has ended."""
        begun = False
        try:
            wire.sendall(WHOLE)
            begun = bool(wire.recv(1, socket.MSG_PEEK))
            answer = reader.next()
        except OSError as error:
            self.others += [error] if begun else []
            self.unanswered += not begun
            return True
        if answer is None:
            self.unanswered += 1
            return True
        if answer.status == 200:
            self.answered.add(json.loads(answer.body)["predictions"][0]["id"])
        else:
            self.others.append(answer)
        return answer.headers.get("connection") == "close"


def stopped(process: subprocess.Popen[str], port: int) -> Load:
    """What clients got of a service that was told to stop under load, and ended well."""
    load, enough = Load(), threading.Barrier(CLIENTS + 1)
    threads = [threading.Thread(target=load.ask_on, args=(port, enough)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    enough.wait()
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert process.wait(PATIENCE) == 0
    assert len(load.answered) >= CLIENTS * ENOUGH
    return load


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_that_was_begun_is_cut_or_refused(workers: int) -> None:
    with program(workers, drain=10.0) as one:
        load = stopped(one.process, one.port)
    assert load.others == []
    assert {line.split()[-1] for line in one.log if "answers with" in line} == load.answered


def test_what_workers_answered_is_in_the_journal_and_nothing_else(releases: Releases, tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    with service(releases[0][1], journal, workers=2) as one:
        assert one.loaded.wait()
        load = stopped(one.process, one.port)
    assert load.others == []
    assert {prediction.id for prediction in kept(journal, "iris")} == load.answered


@contextlib.contextmanager
def hanging(port: int, sent: bytes = HANGING) -> Iterator[Reader]:
    """The answers to a client of which only *sent* came."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
        wire.sendall(sent)
        yield Reader(wire)


def test_a_connection_that_is_open_hears_that_the_service_stops(releases: Releases) -> None:
    with running(create_app(releases[:1])) as (port, server, thread):
        with hanging(port, LIVE) as idle, socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
            assert idle.next() is not None
            wire.sendall(b"GET /health/ready HTTP/1.1\r\n")
            connections = server.config.loaded_app.state.connections
            until(lambda: any(one.stage is Stage.HEADER for one in connections.open))
            server.should_exit = True
            until(lambda: connections.draining is not None)
            with pytest.raises(OSError, match="refused"):
                socket.create_connection(("127.0.0.1", port))
            wire.sendall(b"Host: a\r\n\r\n")
            [answer] = Reader(wire).rest()
            assert answer.status == 503
            assert answer.headers["connection"] == "close"
            assert answer.problem["detail"] == "Not ready: the service stops."
            assert idle.rest() == []
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_journal_that_is_away_does_not_keep_the_service_from_ending(releases: Releases, tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    app = create_app(releases[:1], journal=Journalling(journal, {"iris": Keeping()}, b"salt"))
    with running(app, Manner(drain=2.0)) as (port, server, thread):
        until(lambda: app.state.models.ready)
        with hanging(port, WHOLE) as reader:
            assert (answer := reader.next()) is not None
            assert answer.status == 200
        until(lambda: not app.state.writer.state().waiting)
        with contextlib.closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with hanging(port, WHOLE) as reader:
                assert (answer := reader.next()) is not None
                assert answer.status == 200
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()
    assert app.state.writer.state().lost == 1


@contextlib.contextmanager
def running(app: FastAPI, manner: Manner | None = None) -> Iterator[tuple[int, Server, threading.Thread]]:
    """A service in a thread: its port, itself, and the thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = make(app, manner or Manner())
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            until(lambda: server.started)
            yield port, server, thread
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class Program:
    """A service without models, as processes of their own."""

    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", "".join(self.log))
        return int(found[1]) if found else 0

    def times(self, text: str) -> int:
        return sum(text in line for line in self.log)


@contextlib.contextmanager
def program(workers: int, drain: float) -> Iterator[Program]:
    """A program that answers in as many *workers*, once all of them do."""
    command = [sys.executable, "-m", "tests.serving.bare_service", str(workers), str(drain)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        made = Program(process)
        assert process.stderr is not None
        reader = threading.Thread(target=made.log.extend, args=(process.stderr,))
        reader.start()
        try:
            until(lambda: made.times("a worker is there") == workers and made.port > 0)
            yield made
        finally:
            process.kill()
            reader.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_client_that_hangs_in_its_body_is_told_and_cut_at_the_end(workers: int) -> None:
    with program(workers, drain=2.0) as one:
        with hanging(one.port) as reader:
            until(lambda: one.times("reading a body") == 1)
            one.process.send_signal(signal.SIGTERM)
            [answer] = reader.rest()
        assert answer.status == 503
        assert answer.problem["detail"] == "The service stops; try again."
        assert one.process.wait(PATIENCE) == 0
    assert one.times("1 requests were cut") == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_signal_ends_the_waiting(workers: int) -> None:
    with program(workers, drain=600.0) as one, hanging(one.port) as reader:
        until(lambda: one.times("reading a body") == 1)
        one.process.send_signal(signal.SIGTERM)
        until(lambda: one.times(STOPS) == workers)
        since = time.monotonic()
        until(lambda: time.monotonic() > since + 2 * TOGETHER_SECONDS)
        one.process.send_signal(signal.SIGTERM)
        assert [answer.status for answer in reader.rest()] == [503]
        assert one.process.wait(PATIENCE) == 0


def test_a_signal_that_comes_by_two_ways_is_one() -> None:
    with program(1, drain=600.0) as one, hanging(one.port, HANGING[:-1]) as reader:
        until(lambda: one.times("reading a body") == 1)
        one.process.send_signal(signal.SIGTERM)
        until(lambda: one.times(STOPS) == 1)
        one.process.send_signal(signal.SIGTERM)
        reader.wire.sendall(b" " * 100)
        assert [answer.status for answer in reader.rest()] == [200]
        assert one.process.wait(PATIENCE) == 0


def test_a_worker_that_is_killed_leaves_the_others_answering_and_is_started_again() -> None:
    with program(2, drain=10.0) as one:
        os.kill(children(one.process.pid)[0], signal.SIGKILL)
        failed = 0
        while one.times("a worker is there") < 3:
            try:
                assert httpx.get(f"http://127.0.0.1:{one.port}/health/live").status_code == 200
            except httpx.TransportError:
                failed += 1
        assert failed <= 1
        assert re.search(r"worker \d ended with code -9; it is started again in 2 s", "".join(one.log))


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
