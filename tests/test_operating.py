"""The service as `shipway serve` runs it: several processes, started as a user starts them."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from shipway import offers, operating
from shipway.core.errors import OutsideError
from shipway.core.keys import KeyFile
from shipway.core.workspace import Workspace
from shipway.preflight import Setup
from tests.serving.guarded import bearer


@contextmanager
def served(place: Workspace, *words: str) -> Iterator[tuple[httpx.Client, list[str]]]:
    """A client of `shipway serve` on a free port, once it is ready, and the lines of its log."""
    command = [sys.executable, "-m", "shipway", "serve", "iris", "--port", "0", *words]
    with subprocess.Popen(command, cwd=place.root, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log: list[str] = []
        address = None
        while address is None:
            line = process.stderr.readline()
            assert line, "".join(log)
            log.append(line)
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
        reader = threading.Thread(target=log.extend, args=(process.stderr,))
        reader.start()
        try:
            with httpx.Client(base_url=address[0], timeout=60) as client:
                while client.get("/health/ready").status_code != 200:
                    assert process.poll() is None, "".join(log)
                yield client, log
        finally:
            process.terminate()
            process.wait()
            reader.join()


def test_a_bundle_that_was_changed_is_refused_before_a_port_is_opened(
    own_iris: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    (release, bundle), *_ = offers.releases(own_iris, ["iris"])
    (bundle / "card.json").write_text("{}")
    for workers in (1, 2):
        with pytest.raises(OutsideError, match=r"card\.json was changed"):
            operating.serve(own_iris, [(release, bundle)], Setup(port=0, workers=workers))
    assert "listening" not in capfd.readouterr().err


def test_workers_count_a_rate_together_and_notice_a_revocation(own_iris: Workspace) -> None:
    file = KeyFile(own_iris.keys)
    slow, other = file.add("slow", rate="40/d")[1], file.add("other")[1]

    def ask(address: str) -> list[int]:
        # each on a connection of its own, so that both workers are asked
        return [httpx.get(f"{address}/iris", headers=bearer(slow)).status_code for _ in range(20)]

    with served(own_iris, "--workers", "2") as (client, log):
        with ThreadPoolExecutor(4) as pool:
            statuses = Counter(status for one in pool.map(ask, [str(client.base_url).rstrip("/")] * 4) for status in one)
        assert statuses == {200: 40, 429: 40}
        file.revoke("other")
        refused = 0
        while refused < 10:  # in a row, on connections of their own
            answer = httpx.get(client.base_url.join("/iris"), headers=bearer(other))
            refused = refused + 1 if answer.status_code == 401 else 0
    assert not any(key in line for line in log for key in (slow, other))


def test_workers_ask_for_no_key_where_none_is_to_be_asked_for(own_iris: Workspace) -> None:
    KeyFile(own_iris.keys).add("web")
    with served(own_iris, "--workers", "2", "--behind", "azureml") as (client, _):
        assert {httpx.get(client.base_url.join("/iris")).status_code for _ in range(8)} == {200}
