from __future__ import annotations

from pathlib import Path

import pytest
from tests.scoring import made

from shipway.scoring.predictor import Predictor


@pytest.fixture(scope="session")
def visits_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.bundle(tmp_path_factory.mktemp("scoring") / "visits", made.VISITS, made.visits())


@pytest.fixture(scope="session")
def predictor(visits_bundle: Path) -> Predictor:
    return Predictor.load(visits_bundle)
