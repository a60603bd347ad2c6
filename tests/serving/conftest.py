from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.scoring import made
from tests.serving import versions
from tests.serving.served import serving

from shipway.core.models import Release
from shipway.serving import following
from shipway.serving.app import create_app

if TYPE_CHECKING:
    import httpx

Releases = list[tuple[Release, Path]]


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Of iris, and of a model of stand-in data that has a column of every type."""
    root = tmp_path_factory.mktemp("serving")
    return [
        (made.release("iris"), made.bundle(root / "iris", made.IRIS, made.irises())),
        (made.release("visits", stand_in=True), made.bundle(root / "visits", made.VISITS, made.visits())),
    ]


@pytest.fixture(scope="session")
def client(releases: Releases) -> Iterator[httpx.Client]:
    """A client of a running service with small limits."""
    with serving(create_app(releases, body_limit=20_000, record_limit=50)) as found:
        yield found


@pytest.fixture(scope="session")
def exported_towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("towns")
    versions.export(root)
    return root


@pytest.fixture
def towns(exported_towns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the three versions of `tests.serving.versions`, which workers look at often."""
    monkeypatch.setattr(following, "SECONDS", 0.02)
    return Path(shutil.copytree(exported_towns, tmp_path / "towns"))
