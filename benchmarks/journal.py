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
import json
import random
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import clients
from workspace import IRIS, requests, service, workspace

from shipway import wiring

MODES = {"off": "enabled = false", "on": "", "durable": "durable = true"}
DRAW = random.Random(0)


@contextlib.contextmanager
def kept(root: Path, mode: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`shipway serve iris` with the journal in that mode, once it is ready."""
    project = root / "projects/iris/project.toml"
    text = project.read_text().partition("\n[serve.journal]")[0]
    project.write_text(f"{text}\n[serve.journal]\n{MODES[mode]}\n")
    with service(root, "iris") as found:
        yield found


def throughput(root: Path, rounds: int, seconds: float, count: int, rows: int) -> None:
    asked = requests(IRIS, rows)
    rates: dict[str, list[float]] = {mode: [] for mode in MODES}
    latencies: dict[str, list[float]] = {mode: [] for mode in MODES}
    failed = 0
    with contextlib.ExitStack() as stack:
        ports = {mode: stack.enter_context(kept(root, mode))[1] for mode in MODES}
        for turn in range(rounds + 1):
            for mode in DRAW.sample(list(MODES), len(MODES)):
                load = clients.ask(ports[mode], asked, count, seconds=seconds)
                if turn:  # the first warms up
                    rates[mode].append(load.rate)
                    latencies[mode] += load.latencies
                    failed += sum(load.statuses.values()) - load.statuses[200]
    print(f"journal   requests/s   of off   p50 ms   p99 ms   ({count} clients, {rows} records a request, {failed} failed)")
    for mode in MODES:
        share = statistics.median(one / off for one, off in zip(rates[mode], rates["off"], strict=True))
        cuts = statistics.quantiles(latencies[mode], n=100)
        print(f"{mode:<9} {statistics.median(rates[mode]):10.0f} {share:8.2f} {1000 * cuts[49]:8.1f} {1000 * cuts[98]:8.1f}")


def kills(root: Path, times: int, count: int, rows: int) -> None:
    asked = requests(IRIS, rows)
    print("journal     kills   answered       kept   lost   longest span of lost answers")
    for mode in ("on", "durable"):
        answered, lost, longest = 0, 0, 0.0
        for _ in range(times):
            had: dict[str, float] = {}

            def look(answer: clients.Answer, had: dict[str, float] = had) -> None:
                if answer.status == 200:
                    had.update((one["id"], answer.ended) for one in json.loads(answer.body)["predictions"])

            with kept(root, mode) as (process, port), clients.asking(port, asked, count, look):
                time.sleep(DRAW.uniform(0.5, 2.0))
                process.kill()
            with contextlib.closing(wiring.journal(wiring.open_workspace(root))) as journal:
                gone = had.keys() - {one.id for page in journal.read("iris") for one in page}
            answered, lost = answered + len(had), lost + len(gone)
            if gone:
                longest = max(longest, max(had.values()) - min(had[one] for one in gone))
        print(f"{mode:<9} {times:7d} {answered:10,d} {answered - lost:10,d} {lost:6,d}   {1000 * longest:.0f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rows", type=int, default=1, help="records of one request")
    arguments = parser.parse_args()
    with workspace(["iris"]) as root:
        if arguments.rounds:
            throughput(root, arguments.rounds, arguments.seconds, arguments.clients, arguments.rows)
        if arguments.kills:
            kills(root, arguments.kills, arguments.clients, arguments.rows)


if __name__ == "__main__":
    main()
