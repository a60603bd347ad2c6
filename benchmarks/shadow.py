"""What a version in the shadow costs the answers beside which it labels.

    python benchmarks/shadow.py [--rounds 5] [--seconds 5] [--clients 2] [--pause 20]

`shipway serve iris` answers *clients* connections, each of which asks again *pause* milliseconds after an answer (0: at once), in
turns with a version in the shadow and without one, *rounds* times for *seconds*. Medians are printed, and how many answers were
labelled in the shadow, too.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path

from moves import NAME, RECORDS, aliases, expectations, prepare
from workspace import service

from shipway import wiring

DRAW = random.Random(0)


def ask(port: int, seconds: float, clients: int, pause: float) -> list[float]:
    """The latencies of all answers, in seconds."""
    found: list[float] = []
    end = time.monotonic() + seconds

    def one(offset: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        place = offset * 13
        while time.monotonic() < end:
            place += 1
            began = time.perf_counter()
            connection.request(
                "POST", f"/{NAME}/predict", json.dumps(RECORDS[place % len(RECORDS)]), {"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
            found.append(time.perf_counter() - began)
            time.sleep(DRAW.uniform(0, 2 * pause))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def shadow(workspace: Path, port: int, version: str | None) -> None:
    """Let the alias point to *version*, or to none, and wait until the service follows."""
    known = aliases(workspace)
    if version is None:
        known.store.open().delete_registered_model_alias(NAME, "shadow")
    else:
        known.move("shadow", version, why="a benchmark", override="a benchmark")
    wanted = {} if version is None else {NAME: version}
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/health/ready")
        if json.loads(connection.getresponse().read()).get("shadows", {}) == wanted:
            return
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--pause", type=float, default=20.0, help="mean milliseconds between an answer and the next request")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        versions = prepare(workspace)
        expectations(workspace, versions)
        latencies: dict[str, list[float]] = {"off": [], "on": []}
        with service(workspace, NAME) as (_, port):
            ask(port, arguments.seconds, arguments.clients, arguments.pause / 1000)  # warms up
            for _ in range(arguments.rounds):
                for mode, version in (("on", versions[0]), ("off", None)):
                    shadow(workspace, port, version)
                    latencies[mode] += ask(port, arguments.seconds, arguments.clients, arguments.pause / 1000)
        journal = wiring.journal(wiring.open_workspace(workspace))
        kept = sum(one.records for one in journal.stats(NAME).shadows)
        journal.close()
    print(f"shadow   answers   p50 ms   p99 ms   ({arguments.clients} clients, {arguments.pause:.0f} ms between requests)")
    for mode, found in latencies.items():
        cuts = statistics.quantiles(found, n=100)
        print(f"{mode:<6} {len(found):9,d} {1000 * cuts[49]:8.1f} {1000 * cuts[98]:8.1f}")
    print(f"{kept:,} of {len(latencies['on']):,} answers were labelled in the shadow, too")


if __name__ == "__main__":
    main()
