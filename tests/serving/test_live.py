from __future__ import annotations

import shutil
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.scoring import made
from tests.serving.served import serving

from shipway.core import disk
from shipway.core.errors import OutsideError, UsageError
from shipway.scoring.predictor import MANIFEST, SELF_TESTS, Predictor
from shipway.serving.app import create_app

if TYPE_CHECKING:
    from tests.serving.conftest import Releases


def forged(bundle: Path, folder: Path) -> Path:
    """The bundle with another stored probability, and hashes that fit it."""
    shutil.copytree(bundle, folder)
    tests = msgspec.json.decode((folder / SELF_TESTS).read_bytes())
    tests[1]["probabilities"][0] += 1e-6
    (folder / SELF_TESTS).write_bytes(msgspec.json.encode(tests))
    manifest = msgspec.json.decode((folder / MANIFEST).read_bytes())
    manifest["files"][SELF_TESTS] = disk.sha256_of(folder / SELF_TESTS)
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return folder


def test_a_model_that_fails_its_self_test_is_not_served_and_the_others_are(releases: Releases, tmp_path: Path) -> None:
    (iris, good), (visits, bundle) = releases
    app = create_app([(iris, good), (visits, forged(bundle, tmp_path / "bundle"))])
    with serving(app, ready=False) as client:
        with pytest.raises(OutsideError, match="visits version 3 fails its self-test"):
            app.state.models["visits"].loading.result()
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/ready").json()["detail"] == "Not ready: visits could not be loaded."
        assert client.post("/visits/predict", json=made.RECORD).status_code == 503
        assert client.post("/iris/predict", json={"SepalLengthCm": 5, "PetalLengthCm": 2}).status_code == 200


def test_a_model_that_is_still_being_loaded_asks_to_be_asked_later(releases: Releases) -> None:
    app = create_app(releases)
    with serving(app) as client:
        app.state.models["iris"].loading = Future()
        response = client.post("/iris/predict", json={})
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert response.json()["detail"] == "Not ready: iris is being loaded."
        assert client.get("/health/ready").status_code == 503
        assert client.post("/visits/predict", json=made.RECORD).status_code == 200


def test_a_bug_of_ours_is_told_without_its_internals(releases: Releases) -> None:
    app = create_app(releases[:1])
    with serving(app) as client:
        sound: Predictor = app.state.models["iris"].predictor
        broken: Future[Predictor] = Future()
        broken.set_result(replace(sound, model=replace(sound.model, pipeline="no pipeline")))
        app.state.models["iris"].loading = broken
        response = client.post("/iris/predict", json={"SepalLengthCm": 5, "PetalLengthCm": 2})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "The service failed on this request; its log says why."


def test_a_damaged_bundle_keeps_the_service_from_starting(releases: Releases, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(releases[0][1], tmp_path / "bundle"))
    (folder / "card.json").write_bytes(b"{}")
    with pytest.raises(OutsideError, match=r"card\.json was changed"):
        create_app([(releases[0][0], folder)])


def test_a_project_can_not_take_an_address_of_the_service_or_one_that_is_taken(releases: Releases) -> None:
    (_, bundle), _ = releases
    with pytest.raises(UsageError, match="'docs' can't be served"):
        create_app([(made.release("docs"), bundle)])
    with pytest.raises(UsageError, match="iris is to be served twice"):
        create_app([releases[0], releases[0]])
