"""What is left of a service's predictions when it is killed, stopped, or its disk is full."""

from __future__ import annotations

import contextlib
import re
import resource
import signal
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.serving.journal_service import Service, service
from tests.serving.kept import kept

if TYPE_CHECKING:
    from tests.serving.conftest import Releases

SPAN = 0.2
"""Seconds of answered predictions that a kill may take where answers do not wait for the commit."""

ENOUGH = 40
"""Answers to each client before a service is ended."""

BOTH = {"usual": {}, "durable": {"durable": True}}


def ids(journal: Path, project: str) -> set[str]:
    return {one.id for one in kept(journal, project)}


@pytest.fixture(scope="module")
def ended(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Service, Service]:
    """A journal that two processes shared, of which the first was killed under load and the second told to stop."""
    journal = tmp_path_factory.mktemp("ended") / "journal.db"
    with service(releases[0][1], journal, **BOTH) as killed, service(releases[0][1], journal, **BOTH) as stopped:
        assert killed.loaded.wait() and stopped.loaded.wait()
        enough = threading.Barrier(9)
        threads = [
            threading.Thread(target=one.ask_on, args=(project, ENOUGH, enough))
            for one in (killed, stopped)
            for project in BOTH
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        enough.wait()
        killed.process.kill()
        stopped.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert stopped.process.wait() == 0
    return journal, killed, stopped


def test_a_kill_takes_at_most_200_ms_of_answers(ended: tuple[Path, Service, Service]) -> None:
    journal, killed, _ = ended
    answered = killed.answered["usual"]
    assert len(answered) >= 2 * ENOUGH
    last = max(answered.values())
    assert all(last - answered[name] <= SPAN for name in answered.keys() - ids(journal, "usual"))


def test_a_kill_takes_no_durable_answer(ended: tuple[Path, Service, Service]) -> None:
    journal, killed, _ = ended
    assert len(killed.answered["durable"]) >= 2 * ENOUGH
    assert killed.answered["durable"].keys() <= ids(journal, "durable")


def test_a_service_that_is_told_to_stop_loses_nothing(ended: tuple[Path, Service, Service]) -> None:
    journal, _, stopped = ended
    for project, answered in stopped.answered.items():
        assert answered.keys() <= ids(journal, project)


def test_a_locked_file_and_a_full_disk_are_met_as_each_project_says_and_got_over(releases: Releases, tmp_path: Path) -> None:
    journal, limit = tmp_path / "journal.db", 20
    projects = {"holding": {}, "counting": {"when_away": "serve"}, "durable": {"durable": True}}
    with service(releases[0][1], journal, limit=limit, **projects) as one:
        one.loaded.wait()
        assert [one.predict(name) for name in projects] == [200, 200, 200]

        with contextlib.closing(sqlite3.connect(journal, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            one.predict("holding")
            one.until(lambda status, body: status == 503)  # the durable project is refused at once
            assert [one.predict(name) for name in projects] == [200, 200, 503]
            connection.execute("ROLLBACK")
        one.until(lambda status, body: status == 200 and not body["journal"]["waiting"])

        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        assert one.predict("durable") == 503
        held = 0
        while one.predict("holding") == 200:
            held += 1
        assert held == limit
        assert "the journal is full" in one.ready()[1]["detail"]
        assert [one.predict("counting") for _ in range(5)] == [200] * 5

        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        found = one.until(lambda status, body: status == 200 and not body["journal"]["waiting"])
        assert found["journal"] == {"state": "ok", "lag": 0.0, "waiting": 0, "lost": 5}
        assert [one.predict(name) for name in projects] == [200, 200, 200]
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait() == 0
    lost = {name: len(answered.keys() - ids(journal, name)) for name, answered in one.answered.items()}
    assert lost == {"holding": 0, "counting": 5, "durable": 0}
    told = re.findall(r"the journal is (\w+)", "".join(one.log))
    assert told == ["away", "back", "away", "full", "back"]
