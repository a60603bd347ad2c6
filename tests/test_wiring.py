"""Workspaces as `create_workspace` makes them."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from shipway import settings, wiring
from shipway.core import workspace
from shipway.core.errors import UsageError


def git(*words: str, cwd: Path) -> str:
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True).stdout


def test_a_new_workspace_is_committed_and_clean_and_holds_the_examples(tmp_path: Path) -> None:
    place = wiring.create_workspace(tmp_path / "new", examples=True)
    assert place.names() == sorted(wiring.EXAMPLES)
    assert settings.load(place.root).commit
    assert git("status", "--porcelain", cwd=place.root) == ""
    assert git("log", "--format=%s", cwd=place.root) == "Make a Shipway workspace\n"
    wiring.create_workspace(place.root, examples=True)
    assert len(git("log", "--format=%s", cwd=place.root).splitlines()) == 1


def test_in_a_repository_that_was_there_nothing_is_committed_or_staged(tmp_path: Path) -> None:
    git("init", "-q", cwd=tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / ".gitignore").write_bytes(b"# \xe9\r\nsecret\r\n")
    git("add", "mine.txt", cwd=tmp_path)
    place = wiring.create_workspace(tmp_path, examples=False)
    assert not settings.load(place.root).commit
    assert git("diff", "--cached", "--name-only", cwd=tmp_path) == "mine.txt\n"
    assert subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, check=False).returncode
    assert (tmp_path / ".gitignore").read_bytes().startswith(b"# \xe9\r\nsecret\r\n/.shipway/\n")


def test_a_workspace_whose_making_was_killed_is_finished_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = ["shipway.adapters.git.Git.init", "shipway.adapters.dvc_versions.DvcVersions.init", "shutil.copytree"]
    calls += ["shipway.core.wheel.provide", "shipway.adapters.git.Git.commit_paths"]
    for call in calls:
        child = os.fork()
        if child == 0:
            monkeypatch.setattr(call, lambda *words, **named: os.kill(os.getpid(), signal.SIGKILL))
            wiring.create_workspace(tmp_path / "new", examples=True)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, call
    place = wiring.create_workspace(tmp_path / "new", examples=True)
    assert settings.load(place.root).commit
    assert git("status", "--porcelain", cwd=place.root) == ""
    assert place.names() == sorted(wiring.EXAMPLES)


def test_a_project_is_found_by_name_by_path_or_with_the_nearest_named(tmp_path: Path) -> None:
    place = wiring.create_workspace(tmp_path, examples=True)
    inside = place.projects / "iris"
    assert workspace.find(inside).root == tmp_path
    assert place.folder("iris") == place.folder(str(inside)) == inside
    with pytest.raises(UsageError, match="did you mean 'iris'"):
        place.folder("irsi")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("comit = true", "no setting 'comit'; did you mean 'commit'"),
        ("port = 'x'", "Expected `int`"),
        ("port =", "not valid TOML"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "shipway.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        settings.load(tmp_path, {})


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "shipway.toml").write_text("port = 1\nhost = 'a'")
    found = settings.load(tmp_path, {"SHIPWAY_PORT": "2", "SHIPWAY_COMMIT": "true"})
    assert (found.port, found.host, found.commit) == (2, "a", True)


@pytest.mark.parametrize("source", ["3", "[1]", "{ kind = 3 }"])
def test_a_source_that_is_no_table_or_names_no_kind_is_refused(tmp_path: Path, source: str) -> None:
    place = wiring.create_workspace(tmp_path / "new", examples=True)
    _, adapters = wiring.open_project(place, "iris", overrides=[f"ingest.source={source}"])
    with pytest.raises(UsageError, match="needs a kind"):
        _ = adapters.source
