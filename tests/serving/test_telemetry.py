from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families
from tests.serving.served import serving
from tests.serving.test_service import IRIS, post

from shipway.serving.app import create_app

if TYPE_CHECKING:
    from tests.conftest import CaseStudy
    from tests.serving.conftest import Releases

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def figures(client: httpx.Client) -> Figures:
    text = client.get("/metrics").raise_for_status().text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(found: Figures, name: str, **labels: str) -> float:
    return sum(value for (one, said), value in found.items() if one == name and labels.items() <= dict(said).items())


@pytest.fixture
def own(releases: Releases) -> Iterator[httpx.Client]:
    """A client of a service that nobody else asks."""
    with serving(create_app(releases, record_limit=50)) as found:
        yield found


def test_an_answer_carries_the_id_of_its_request_and_its_trace(client: httpx.Client) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = post(client, IRIS, **{"X-Request-ID": "order-7", "traceparent": trace}).headers
    assert headers["x-request-id"] == "order-7"
    assert headers["traceresponse"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")


def test_problems_carry_an_id_too(client: httpx.Client) -> None:
    for response in (post(client, b"{"), client.get("/nothing"), client.put("/iris/predict")):
        assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["x-request-id"])


def test_requests_errors_and_records_are_counted_by_project_and_version(own: httpx.Client) -> None:
    post(own, {"records": [IRIS, IRIS]})
    post(own, {})
    post(own, b"[")
    own.get("/nothing/there")
    found = figures(own)
    assert figure(found, "shipway_requests_total", project="iris", version="3", status="200") == 1
    assert figure(found, "shipway_errors_total", project="iris", reason="contract") == 1
    assert figure(found, "shipway_errors_total", project="iris", reason="malformed") == 1
    assert figure(found, "shipway_errors_total", project="", reason="not_found") == 1
    assert figure(found, "shipway_predictions_total", project="iris", label="setosa") == 2
    assert figure(found, "shipway_request_records_sum", project="iris") == 2
    assert figure(found, "shipway_request_seconds_count", project="iris") == 3


def test_new_levels_and_far_values_are_counted_by_column(own: httpx.Client) -> None:
    post(own, IRIS | {"SepalLengthCm": 900})
    assert figure(figures(own), "shipway_far_values_total", project="iris", column="SepalLengthCm") == 1


def test_an_unknown_project_makes_no_figures_of_its_own(own: httpx.Client) -> None:
    own.post("/made-up/predict")
    assert all("made-up" not in str(labels) for _, labels in figures(own))


def test_which_version_answers_is_told(own: httpx.Client) -> None:
    while figure(found := figures(own), "shipway_model_live", project="iris", version="3", alias="champion") != 1:
        assert figure(found, "shipway_model_live", project="iris") <= 1


def test_what_never_reached_the_application_is_counted(own: httpx.Client) -> None:
    with socket.create_connection((own.base_url.host, own.base_url.port or 0)) as raw:
        raw.sendall(b"no request at all\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 400 ")
    while figure(found := figures(own), "shipway_refused_total", reason="malformed") != 1:
        assert figure(found, "shipway_refused_total") == 0


def test_open_metrics_are_given_to_who_asks_for_them(own: httpx.Client) -> None:
    post(own, IRIS)
    response = own.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in open_metrics(response.text)} >= {"shipway_requests", "shipway_request_seconds"}


def test_a_bug_is_counted_and_its_answer_carries_the_id(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> bytes:
        raise RuntimeError("a fault that the test put in")

    monkeypatch.setattr("shipway.serving.answers.model", broken)
    with serving(create_app(releases)) as client:
        response = client.get("/iris", headers={"X-Request-ID": "r7"})
        assert (response.status_code, response.headers["x-request-id"]) == (500, "r7")
        assert figure(figures(client), "shipway_errors_total", reason="bug") == 1


def test_the_figures_of_all_workers_are_told_by_each_and_outlive_one_that_was_killed(
    case_study: Callable[[str], CaseStudy], tmp_path: Path
) -> None:
    workspace = case_study("iris").workspace
    command = [sys.executable, "-m", "shipway", "serve", "iris", "--port", "0", "--workers", "2", "--no-auth"]
    with subprocess.Popen(
        command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told = iter(process.stderr.readline, "")
        address = next(found[0] for line in told if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        drains = [threading.Thread(target=stream.read) for stream in (process.stderr,)]
        logged: list[str] = []
        drains.append(threading.Thread(target=lambda: logged.extend(process.stdout or ())))
        for drain in drains:
            drain.start()
        try:
            with httpx.Client(base_url=address, timeout=60) as client:
                record = client.get("/openapi.json").json()["components"]["schemas"]["iris.Record"]["examples"][0]
            for _ in range(30):  # each by a connection of its own, so that both workers get some
                httpx.post(f"{address}/iris/predict", json=record, timeout=60).raise_for_status()
            with httpx.Client(base_url=address, timeout=60) as client:
                assert figure(figures(client), "shipway_requests_total", project="iris", status="200") == 30
                while figure(figures(client), "shipway_model_live", project="iris", alias="champion") != 2:
                    assert process.poll() is None
                workers = {
                    int(file.stem.rpartition("_")[2])
                    for file in (workspace / ".shipway" / "metrics" / str(process.pid)).glob("counter_*.db")
                }
            assert len(workers) == 2
            os.kill(min(workers), signal.SIGKILL)
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    with httpx.Client(base_url=address, timeout=60) as client:
                        found = figures(client)
                    break
                except httpx.TransportError:
                    continue
            assert figure(found, "shipway_requests_total", project="iris", status="200") == 30
        finally:
            process.terminate()
            process.wait(60)
            for drain in drains:
                drain.join()
    lines = [json.loads(line) for line in logged]
    assert sum(line["path"] == "/iris/predict" and line["status"] == 200 for line in lines) == 30
    assert len({line["request_id"] for line in lines}) == len(lines)
    assert not (workspace / ".shipway" / "metrics" / str(process.pid)).exists()


@pytest.mark.parametrize("accept", ["text/plain;version=zzz", "application/openmetrics-text;version=abc", ";;;,", "*/*"])
def test_any_accept_header_gets_figures(own: httpx.Client, accept: str) -> None:
    assert own.get("/metrics", headers={"Accept": accept}).status_code == 200
