"""The case studies' endpoints, ours and MLflow's, as processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import polars
import pytest

from shipway import wiring
from shipway.core import contract
from shipway.core.artifacts import ROW, SOURCE
from shipway.core.workspace import Workspace
from shipway.steps import LIFECYCLE

from .conftest import CASE_STUDIES, CaseStudy

ROWS = 200
LINEAR = 1e-12
"""A linear model's sums for one row and for many may differ in the last digits: BLAS adds in another order."""

INGEST = LIFECYCLE[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(command: list[str], study: CaseStudy, ready: str, log: Path) -> Iterator[None]:
    """A server process, from the moment that *ready* answers 200; ended by SIGTERM with all that it started."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{study.workspace}/mlflow.db",
    }
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, cwd=study.workspace, env=environment, stdout=output, stderr=output, start_new_session=True
        ) as server,
    ):
        try:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(ready).status_code == 200:
                        break
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"the server ended with {server.wait(0.1)}: {log.read_text()}")
            yield
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def received(study: CaseStudy) -> polars.DataFrame:
    """Rows as the table has them, all text, from all over the file."""
    cache = Workspace(study.workspace).cache(study.name)
    record = cache.latest(INGEST)
    assert record is not None
    frame = polars.read_parquet(cache.place(INGEST, record.key, "received") / "part-*.parquet").drop(SOURCE, ROW)
    return frame.gather_every(max(1, frame.height // ROWS))


@pytest.fixture(scope="module")
def service(
    case_study: Callable[[str], CaseStudy], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[CaseStudy, httpx.Client]]]:
    """`shipway serve NAME` for each project that is asked for."""
    with contextlib.ExitStack() as stack:
        known: dict[str, tuple[CaseStudy, httpx.Client]] = {}

        def get(name: str) -> tuple[CaseStudy, httpx.Client]:
            if name not in known:
                study, port = case_study(name), free_port()
                address = f"http://127.0.0.1:{port}"
                command = [sys.executable, "-m", "shipway", "serve", name, "--port", str(port)]
                log = tmp_path_factory.mktemp("service") / "log"
                stack.enter_context(process(command, study, f"{address}/health/ready", log))
                known[name] = study, stack.enter_context(httpx.Client(base_url=address, timeout=60))
            return known[name]

        yield get


Service = Callable[[str], tuple[CaseStudy, httpx.Client]]


@pytest.mark.parametrize("name", CASE_STUDIES)
def test_an_unmodified_row_is_answered_alike_as_text_and_typed(service: Service, name: str) -> None:
    study, client = service(name)
    texts = received(study)
    rules = contract.load(study.workspace / "projects" / name / "contract.toml")
    typed = contract.read(rules, texts, target=False).frame
    as_text = client.post(f"/{name}/predict", json={"records": texts.to_dicts()}).json()
    as_typed = client.post(f"/{name}/predict", json={"records": typed.to_dicts()}).json()
    as_columns = client.post(f"/{name}/predict", json={"columns": typed.to_dict(as_series=False)}).json()
    assert as_text["model"] == {"name": name, "version": study.report["model_version"]}
    answers = [[(one["label"], one["probabilities"]) for one in said["predictions"]] for said in (as_text, as_typed, as_columns)]
    assert len(answers[0]) == texts.height
    assert answers[0] == answers[1] == answers[2]
    one = client.post(f"/{name}/predict", json=texts.row(0, named=True)).json()["predictions"][0]
    assert one["label"] == answers[0][0][0]
    assert one["probabilities"] == pytest.approx(answers[0][0][1], rel=LINEAR, abs=LINEAR)


@pytest.mark.parametrize("name", CASE_STUDIES)
def test_mlflow_serves_the_same_labels_and_probabilities(service: Service, name: str, tmp_path: Path) -> None:
    study, client = service(name)
    rules = contract.load(study.workspace / "projects" / name / "contract.toml")
    typed = contract.read(rules, received(study), target=False).frame.to_dicts()
    ours = client.post(f"/{name}/predict", json={"records": typed}).json()["predictions"]
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{name}@champion"]
    command += ["--env-manager", "local", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with process(command, study, f"{address}/ping", tmp_path / "log"):
        theirs = httpx.post(f"{address}/invocations", json={"dataframe_records": typed}, timeout=60).json()["predictions"]
    assert [one["label"] for one in theirs] == [one["label"] for one in ours]
    for mine, other in zip(ours, theirs, strict=True):
        assert {f"probability_{level}": share for level, share in mine["probabilities"].items()} == {
            key: value for key, value in other.items() if key != "label"
        }


def test_the_example_row_of_the_demo_is_a_valid_request(service: Service) -> None:
    study, client = service("iris")
    row = wiring.example_row(Workspace(study.workspace), "iris")
    assert set(row) == {"Id", "SepalLengthCm", "SepalWidthCm", "PetalLengthCm", "PetalWidthCm", "Species"}
    answer: dict[str, Any] = client.post("/iris/predict", json=row).json()
    assert answer["predictions"][0]["label"] == row["Species"]


def test_a_broken_record_names_record_field_and_rule_and_never_the_data(service: Service) -> None:
    _, client = service("telco_churn")
    good = client.get("/telco_churn").json()
    assert good["classes"] == ["No", "Yes"] and good["target"] == "Churn"
    answer = client.post("/telco_churn/predict", json={"records": [{"tenure": "secret-4711"}]})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    told = answer.json()["errors"]
    assert {"record": 0, "column": "tenure", "rule": "type", "message": "expected an integer, got text"} in told
    assert "secret-4711" not in answer.text
    assert client.post("/telco_churn/predict", content=b"{", headers={"content-type": "application/json"}).status_code == 400
