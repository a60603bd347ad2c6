from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from shipway.core import wheel

ROOT = Path(__file__).parents[3]
PROJECTS = sorted(path.parent for path in (ROOT / "projects").glob("*/MLproject"))


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    return wheel.build(tmp_path_factory.mktemp("wheels"))


def test_the_same_package_makes_the_same_bytes(built, tmp_path):
    assert wheel.build(tmp_path).read_bytes() == built.read_bytes()


def test_the_wheel_holds_the_package_and_the_examples(built):
    names = zipfile.ZipFile(built).namelist()
    assert "shipway/core/wheel.py" in names
    assert "shipway/examples/iris/contract.toml" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_uv_installs_it_and_the_installed_package_builds_the_same_wheel(built, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--no-index", "--python", python, built]
    subprocess.run(command, check=True)
    assert (environment / "bin" / "shipway").is_file()
    script = "import sys; from pathlib import Path; from shipway.core import wheel; wheel.build(Path(sys.argv[1]))"
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    again = tmp_path / "again"
    found = subprocess.run(
        [python, "-c", f"import sys; sys.path.append({libraries!r}); {script}", again],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert zipfile.ZipFile(again / built.name).namelist() == zipfile.ZipFile(built).namelist()


def test_a_project_leads_to_the_wheel_by_a_relative_link(tmp_path):
    project = tmp_path / "projects" / "iris"
    project.mkdir(parents=True)
    for _ in range(2):
        wheel.provide(tmp_path / ".shipway" / "wheels", [project])
        assert str((project / wheel.LINK).readlink()) == "../../.shipway/wheels"
        assert (project / wheel.LINK / wheel.file_name()).is_file()


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_each_case_study_names_this_wheel_and_no_index(project):
    environment = yaml.safe_load((project / "python_env.yaml").read_text())
    assert environment == {"dependencies": [f"./{wheel.LINK}/{wheel.file_name()}"]}
    description = yaml.safe_load((project / "MLproject").read_text())
    assert description["name"] == project.name
    assert description["entry_points"]["main"]["command"] == f"shipway run {project.name}"
