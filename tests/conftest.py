"""What all tests share: one cache folder (with one prepared MLflow store), and one workspace with the three case studies.

The workers of a parallel run share both: the first that needs a thing makes it under a lock, the others wait for it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from shipway.core.workspace import Workspace

# On a busy machine any example may take long. In CI the same examples are tried each time, so that a change is not held up by a
# fault that was there before it; elsewhere others are, which is how such faults are found.
settings.register_profile("shipway", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("shipway")
if "CI" in os.environ:
    # It also draws what stands as a constant in those modules of ours that happen to be imported, which differs from worker to
    # worker. There is no setting for this.
    providers.is_local_module_file = lambda path: False  # type: ignore[assignment]

CASE_STUDIES = ("telco_churn", "iris", "airline_satisfaction")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "common"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def environment(common: Path) -> Iterator[None]:
    """Settings of the tests: a cache of their own, and none of the user's servers."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SHIPWAY_CACHE_DIR", str(common / "cache"))
    patch.setenv("DVC_SITE_CACHE_DIR", str(common / "dvc"))
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    # Tests start many processes, and each would compile all libraries anew.
    patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "SHIPWAY_KEYS"):
        patch.delenv(name, raising=False)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def real_data() -> bool:
    """Whether the real tables are at hand; the case studies run on stand-ins otherwise."""
    return bool(os.environ.get("SHIPWAY_DATA_DIR"))


def shipway(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call the command line as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "shipway", *words],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="session")
def needs() -> Callable[[str], str]:
    """Gives the path of a program that a test needs; where it is not installed the test is skipped, and fails in CI."""

    def found(program: str) -> str:
        place = shutil.which(program, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
        if place is not None:
            return place
        if os.environ.get("CI"):
            pytest.fail(f"{program} is not installed, which CI has to do (.ci/run)")
        pytest.skip(f"needs {program}")

    return found


@dataclass(frozen=True)
class CaseStudy:
    """A case study that was run once in the shared workspace: not to be changed by a test."""

    name: str
    workspace: Path
    report: dict[str, Any]


@pytest.fixture(scope="session")
def workspace(common: Path) -> Path:
    """The shared workspace with the three examples."""
    root = common / "workspace"
    with alone(common / "workspace.lock"):
        if not (root / "shipway.toml").exists():
            made = shipway("init", str(root), "--examples", cwd=common)
            assert made.returncode == 0, made.stderr
    return root


@pytest.fixture(scope="session")
def case_study(common: Path, workspace: Path) -> Callable[[str], CaseStudy]:
    """Gives a case study by name, run to its end."""

    def get(name: str) -> CaseStudy:
        kept = common / f"{name}.json"
        with alone(common / f"{name}.lock"):
            if not kept.exists():
                done = shipway("run", name, "--stand-in", "--json", cwd=workspace)
                assert done.returncode == 0, done.stderr
                kept.write_text(done.stdout)
        return CaseStudy(name, workspace, json.loads(kept.read_text()))

    return get


@pytest.fixture
def own_iris(case_study: Callable[[str], CaseStudy], tmp_path: Path) -> Workspace:
    """A copy of the workspace in which iris was run, that a test may change; it has no keys, no predictions, and beside iris a
    project `unrun` without a model.
    """
    shared, place = case_study("iris").workspace, Workspace(tmp_path / "workspace")
    # Another worker may be running another case study there.
    left_out = shutil.ignore_patterns(".git", ".dvc", ".shipway", "data", "mlflow.db*", *set(CASE_STUDIES) - {"iris"})
    shutil.copytree(shared, place.root, ignore=left_out)
    shutil.copytree(place.projects / "iris", place.projects / "unrun")
    with closing(sqlite3.connect(shared / "mlflow.db")) as there, closing(sqlite3.connect(place.root / "mlflow.db")) as here:
        there.backup(here)
    return place
