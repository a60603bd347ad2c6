"""What keeping every prediction costs, and what a kill takes of them.

    python benchmarks/journal.py [--rounds 5] [--seconds 4] [--clients 8] [--kills 50] [--rows 1]

Three services of the iris case study, each a process of its own, run at the same time: without a journal, with one as it is by
default, and with a durable one. They are asked in turns, *rounds* times for *seconds* by *clients* connections, each request with
other records; medians are printed, and each mode's share of the service without a journal in the same round. Service and clients
share one machine: compare the shares.

Then, for both kinds of journal, a service is killed (SIGKILL) *kills* times at a random moment under the same load. An answer is
lost when a client has it and the journal does not; the span is the time from the first answer lost to the last answer given.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import clients

from shipway import wiring

MODES = {"off": "enabled = false", "on": "", "durable": "durable = true"}
DRAW = random.Random(0)
RECORDS = [
    {"SepalLengthCm": 4 + number % 40 / 10, "SepalWidthCm": 3.1, "PetalLengthCm": 1 + number % 57 / 10, "PetalWidthCm": 0.2}
    for number in range(2000)
]


def body(place: int, rows: int) -> bytes:
    """A request with *rows* records from *place* on."""
    records = [RECORDS[(place + number) % len(RECORDS)] for number in range(rows)]
    return json.dumps(records[0] if rows == 1 else {"records": records}).encode()


@dataclass
class Load:
    """What clients got of one service."""

    port: int
    rows: int
    answered: dict[str, float] = field(default_factory=dict)

    def ask(self, stop: threading.Event, offset: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.suppress(OSError, http.client.HTTPException):
            for place in itertools.count(offset * 97, self.rows):
                if stop.is_set():
                    return
                connection.request("POST", "/iris/predict", body(place, self.rows), {"Content-Type": "application/json"})
                response = connection.getresponse()
                content = response.read()
                now = time.monotonic()
                if response.status == 200:
                    self.answered.update((one["id"], now) for one in json.loads(content)["predictions"])

    @contextlib.contextmanager
    def running(self, clients: int) -> Iterator[None]:
        stop = threading.Event()
        threads = [threading.Thread(target=self.ask, args=(stop, number)) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@contextlib.contextmanager
def service(workspace: Path, mode: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`shipway serve iris` with the journal in that mode, once it is ready."""
    project = workspace / "projects/iris/project.toml"
    text = project.read_text().partition("\n[serve.journal]")[0]
    project.write_text(f"{text}\n[serve.journal]\n{MODES[mode]}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "shipway", "serve", "iris", "--port", str(port)]
    process = subprocess.Popen(command, cwd=workspace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            assert process.poll() is None, "the service ended"
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request("GET", "/health/ready")
                if connection.getresponse().status == 200:
                    break
            time.sleep(0.1)
        yield process, port
    finally:
        process.kill()
        process.wait()


def throughput(workspace: Path, rounds: int, seconds: float, count: int, rows: int) -> None:
    requests = [("/iris/predict", body(place, rows)) for place in range(0, len(RECORDS), rows)]
    rates: dict[str, list[float]] = {mode: [] for mode in MODES}
    latencies: dict[str, list[float]] = {mode: [] for mode in MODES}
    failed = 0
    with contextlib.ExitStack() as stack:
        ports = {mode: stack.enter_context(service(workspace, mode))[1] for mode in MODES}
        for turn in range(rounds + 1):
            for mode in DRAW.sample(list(MODES), len(MODES)):
                load = clients.ask(ports[mode], requests, count, seconds=seconds)
                if turn:  # the first warms up
                    rates[mode].append(load.rate)
                    latencies[mode] += load.latencies
                    failed += sum(load.statuses.values()) - load.statuses[200]
    print(f"journal   requests/s   of off   p50 ms   p99 ms   ({count} clients, {rows} records a request, {failed} failed)")
    for mode in MODES:
        share = statistics.median(one / off for one, off in zip(rates[mode], rates["off"], strict=True))
        cuts = statistics.quantiles(latencies[mode], n=100)
        print(f"{mode:<9} {statistics.median(rates[mode]):10.0f} {share:8.2f} {1000 * cuts[49]:8.1f} {1000 * cuts[98]:8.1f}")


def kills(workspace: Path, count: int, connections: int, rows: int) -> None:
    print("journal     kills   answered       kept   lost   longest span of lost answers")
    for mode in ("on", "durable"):
        answered, lost, longest = 0, 0, 0.0
        for _ in range(count):
            with service(workspace, mode) as (process, port):
                load = Load(port, rows)
                with load.running(connections):
                    time.sleep(DRAW.uniform(0.5, 2.0))
                    process.kill()
            place = wiring.open_workspace(workspace)
            journal = wiring.journal(place)
            kept = {one.id for page in journal.read("iris") for one in page}
            journal.close()
            gone = load.answered.keys() - kept
            answered, lost = answered + len(load.answered), lost + len(gone)
            if gone:
                last = max(load.answered.values())
                longest = max(longest, last - min(load.answered[one] for one in gone))
        print(f"{mode:<9} {count:7d} {answered:10,d} {answered - lost:10,d} {lost:6,d}   {1000 * longest:.0f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rows", type=int, default=1, help="records of one request")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        for command in (["init", str(workspace), "--examples"], ["run", "iris", "--stand-in"]):
            cwd = folder if command[0] == "init" else workspace
            subprocess.run([sys.executable, "-m", "shipway", *command], cwd=cwd, check=True, capture_output=True)
        if arguments.rounds:
            throughput(workspace, arguments.rounds, arguments.seconds, arguments.clients, arguments.rows)
        if arguments.kills:
            kills(workspace, arguments.kills, arguments.clients, arguments.rows)


if __name__ == "__main__":
    main()
