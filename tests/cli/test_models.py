"""`shipway models`, and a running service that follows what it moves."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from tests.adapters.mlflow import mlflow_garden as garden
from tests.waiting import PATIENCE, until

from shipway import wiring
from shipway.adapters.mlflow.registry import MlflowRegistry
from shipway.adapters.mlflow.tracking import MlflowTracker
from shipway.cli.models import models
from shipway.core.errors import UsageError
from shipway.core.journal import Comparison
from shipway.core.workspace import Workspace

RECORD = {"petal length": 2.5, "leaves": 3, "thorns": 1, "soil": "clay", "fresh": True}
PROJECT = '[ingest.source]\nkind = "files"\npath = "garden.csv"\n'
CONTRACT = 'target = "kind"\n[columns.leaves]\ntype = "integer"\n[columns.kind]\ntype = "category"\nlevels = ["rose", "tulip"]\n'

Call = Callable[..., str]


@pytest.fixture
def place(tmp_path: Path, common: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with one project: version 1 is its champion, and the gates of version 2 did not hold."""
    place = wiring.create_workspace(tmp_path / "workspace", examples=False)
    (tmp_path / "bundle").mkdir()
    made = garden.make(tmp_path / "bundle")
    folder = place.projects / garden.PROJECT
    folder.mkdir()
    (folder / "project.toml").write_text(PROJECT)
    (folder / "contract.toml").write_text(CONTRACT)
    store = garden.Place(place.root, None, common / "cache")
    store.register(made)
    store.register(made, "key-2", alias="challenger", passed=False)
    monkeypatch.chdir(place.root)
    return place


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls a command of `shipway models`: gives what it printed."""

    def called(*words: str) -> str:
        capsys.readouterr()
        models.main(list(words), standalone_mode=False)
        return capsys.readouterr().out

    return called


def test_the_versions_are_listed_the_newest_first_with_gates_and_aliases(place: Workspace, call: Call) -> None:
    lines = call("list", "garden").splitlines()
    assert [line.split()[:2] for line in lines] == [["version", "alias"], ["2", "challenger"], ["1", "champion"]]
    assert "did not hold" in lines[1]
    assert "0.970 (0.900 to 1.000)" in lines[2]
    listed = json.loads(call("list", "garden", "--json"))["versions"]
    assert [(one["version"], one["passed"]) for one in listed] == [("2", False), ("1", True)]


def test_promoting_against_the_gates_takes_a_reason_and_rolling_back_brings_the_one_before(place: Workspace, call: Call) -> None:
    with pytest.raises(UsageError, match="did not hold"):
        call("promote", "garden", "2")
    with pytest.raises(UsageError, match="needs a reason"):
        call("promote", "garden", "2", "--override", " ")
    told = call("promote", "garden", "2", "--override", "the test rows are odd", "--why", "a trial", "--by", "ann")
    assert told == "champion of garden is version 2 now, after version 1\n"
    shown = call("show", "garden")
    assert shown.startswith("garden version 2, champion\n")
    assert "overridden: the test rows are odd (ann)" in shown
    assert re.search(r"champion +1 +2 +ann +a trial; gates overridden: the test rows are odd", shown)
    assert call("rollback", "garden") == "champion of garden is version 1 now, after version 2\n"
    assert call("promote", "garden", "1") == "champion of garden is version 1 already\n"
    moves = json.loads(call("show", "garden", "--json"))["moves"]
    assert [(move["before"], move["version"]) for move in moves if move["alias"] == "champion"] == [
        (None, "1"),
        ("1", "2"),
        ("2", "1"),
    ]


def test_there_is_no_way_back_from_the_first_version(place: Workspace, call: Call) -> None:
    with pytest.raises(UsageError, match=r"no move of champion to go back from.*promote"):
        call("rollback", "garden")


def test_a_move_by_other_means_shows(place: Workspace, call: Call, common: Path) -> None:
    client = garden.Place(place.root, None, common / "cache").store.open()
    client.set_registered_model_alias("garden", "champion", "2")
    assert "champion was moved to version 2 by other means" in call("show", "garden")


@contextlib.contextmanager
def served(
    place: Workspace, *words: str, names: Sequence[str] = ("garden",)
) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """A client of `shipway serve` once it is ready, and its process."""
    log = place.root / "serve.log"
    with log.open("w") as stderr:
        command = [sys.executable, "-m", "shipway", "serve", *names, "--port", "0", *words]
        process = subprocess.Popen(command, cwd=place.root, stderr=stderr, text=True)
    try:
        until(lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text()) is not None or process.poll() is not None)
        address = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        assert address, log.read_text()
        with httpx.Client(base_url=address[0], timeout=PATIENCE) as client:
            until(lambda: client.get("/health/ready").status_code == 200)
            yield client, process
    finally:
        process.kill()
        process.wait()


def versions(client: httpx.Client) -> set[str]:
    """The versions that answer, by several connections, so that each worker is asked."""
    answers = [httpx.post(f"{client.base_url}/garden/predict", json=RECORD, timeout=PATIENCE) for _ in range(12)]
    return {answer.json()["model"]["version"] for answer in answers}


def children(process: subprocess.Popen[str]) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_each_worker_follows_a_promotion_and_a_move_by_mlflow_and_none_is_left_behind(
    place: Workspace, call: Call, common: Path
) -> None:
    with served(place, "--workers", "2") as (client, process):
        assert versions(client) == {"1"}
        call("promote", "garden", "2", "--override", "a trial")
        until(lambda: versions(client) == {"2"})
        registry = garden.Place(place.root, None, common / "cache").store.open()
        registry.set_registered_model_alias("garden", "champion", "1")
        until(lambda: versions(client) == {"1"})
        beside = [Path(f"/proc/{child}") for child in children(process)]
        assert len(beside) == 3  # two workers and the watcher
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert not any(child.exists() for child in beside)


def test_a_service_starts_and_goes_on_while_the_registry_is_away(place: Workspace, call: Call) -> None:
    with served(place) as (client, _):
        assert versions(client) == {"1"}
    database = place.root / "mlflow.db"
    database.rename(place.root / "away.db")
    database.write_bytes(b"no database, as a disk that is gone")
    with served(place) as (client, _):
        assert versions(client) == {"1"}
        until(lambda: "problems" in client.get("/health/ready").json())
        assert "the registry can't be asked" in client.get("/health/ready").json()["problems"]["garden"][0]
        (place.root / "away.db").replace(database)
        call("promote", "garden", "2", "--override", "a trial")
        until(lambda: versions(client) == {"2"})
        until(lambda: "problems" not in client.get("/health/ready").json())


def test_each_worker_serves_a_project_that_is_made_later_and_keeps_what_a_shadow_makes_beside_the_answers(
    place: Workspace, call: Call, common: Path, tmp_path: Path
) -> None:
    with served(place, "--workers", "2", names=()) as (client, _):
        assert versions(client) == {"1"}
        call("promote", "garden", "2", "--override", "a trial", "--alias", "shadow")
        until(lambda: client.get("/health/ready").json().get("shadows") == {"garden": "2"})

        def asked() -> bool:
            versions(client)
            return bool(compared(place))

        until(asked)
        (one,) = compared(place)
        assert (one.answered, one.shadow, one.agreed) == ("1", "2", one.records)

        shutil.copytree(place.projects / "garden", place.projects / "meadow")
        (tmp_path / "other").mkdir()
        made = garden.make(tmp_path / "other")
        tracker = MlflowTracker(place.root, "meadow", None, common / "cache")
        registry = MlflowRegistry(place.root, "meadow", None, common / "cache", tracker).reading({"model": "key-1"})
        registry.register(
            made.model, made.verdict, made.bundle, made.data_version, title="", description="", alias="champion", pickle=False
        )
        until(lambda: {httpx.post(f"{client.base_url}/meadow/predict", json=RECORD).status_code for _ in range(12)} == {200})

        file = place.projects / "garden" / "project.toml"
        file.write_text(f'{PROJECT}[serve]\ncanary = {{ alias = "shadow", share = 0.5 }}\n')
        until(lambda: "canaries" in client.get("/health/ready").json())
        file.write_text(f'{PROJECT}[serve]\ncanary = {{ alias = "shadow", share = 5 }}\n')
        until(lambda: "problems" in client.get("/health/ready").json())
        body = client.get("/health/ready").json()
        assert "share: expected a number above 0 and below 1, such as 0.1; found 5" in body["problems"]["garden"][0]
        assert body["canaries"] == {"garden": {"version": "2", "share": 0.5}}


def compared(place: Workspace) -> list[Comparison]:
    """What the journal says of versions in the shadow."""
    journal = wiring.journal(place)
    try:
        return journal.stats("garden").shadows
    finally:
        journal.close()
