from __future__ import annotations

from pathlib import Path

import pytest

from shipway.core.errors import UsageError
from shipway.core.workspace import Workspace


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "one/projects/flights"
    folder.mkdir(parents=True)
    (folder / "project.toml").touch()
    return folder


def test_a_project_is_found_by_name_by_path_and_by_a_link_to_it(project: Path, tmp_path: Path) -> None:
    own = Workspace(tmp_path / "one")
    assert own.folder("flights") == own.folder(str(project)) == project
    other = Workspace(tmp_path / "two")
    other.projects.mkdir(parents=True)
    (other.projects / "linked").symlink_to(project)
    assert other.folder("linked") == project


def test_another_workspaces_project_is_refused(project: Path, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "two")
    other.projects.mkdir(parents=True)
    for name in (str(project), "../../one/projects/flights"):
        with pytest.raises(UsageError, match=r"flights is not in the workspace .*two"):
            other.folder(name)
