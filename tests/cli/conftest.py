"""A workspace with one project whose table has some rows that break its contract, run as far as `check`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.cli import visits

from shipway import wiring
from shipway.cli.contract import contract
from shipway.cli.quarantine import quarantine
from shipway.core.workspace import Workspace


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    place = wiring.create_workspace(tmp_path_factory.mktemp("visits"), examples=False)
    folder = place.projects / "visits"
    folder.mkdir()
    (folder / "project.toml").write_text(visits.PROJECT)
    (folder / "contract.toml").write_text(visits.CONTRACT)
    (folder / "visits.csv").write_text(visits.TABLE)
    visits.run_to_check(place)
    return place


@pytest.fixture
def place(made: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace, with us standing in it; its contract and project file are as they were made."""
    folder = made.projects / "visits"
    (folder / "project.toml").write_text(visits.PROJECT)
    (folder / "contract.toml").write_text(visits.CONTRACT)
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Calls a command as the command line does: gives its exit code and what it printed."""

    def called(group: str, *words: str) -> tuple[int, str]:
        command = {"contract": contract, "quarantine": quarantine}[group]
        capsys.readouterr()
        code = command.main(list(words), standalone_mode=False) or 0
        return code, capsys.readouterr().out

    return called
