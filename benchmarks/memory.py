"""Resident memory of a worker after 10,000 requests and after a million.

    python benchmarks/memory.py [--requests 1000000] [--first 10000] [--clients 64] [--workspace DIR]

A service of the iris case study, journal on, is asked by keep-alive connections: of a hundred requests 85 are records that all
differ, five are batches of 100, five are labels for predictions that may be there, and five are bad (broken JSON, a broken
contract, a member twice, a nested cell). The memory is the process's VmRSS; beside it stands the highest it had (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import random
import uuid
from collections import Counter
from pathlib import Path

import clients
from workspace import service, workspace

DIFFERENT = 20_000
"""Requests that are asked in turn."""
STEP = 50_000
"""Requests between two looks."""

BAD = [b'{"SepalLengthCm":', b'{"SepalLengthCm":"long"}', b'{"a":1,"a":2}', b'{"SepalLengthCm":[[5]]}', b'{"unknown":"column"}']


def requests(draw: random.Random) -> list[clients.Asked]:
    def record() -> dict[str, float]:
        names = ("SepalLengthCm", "SepalWidthCm", "PetalLengthCm", "PetalWidthCm")
        return {name: round(draw.uniform(0.1, 8), 3) for name in names}

    found: list[clients.Asked] = []
    for place in range(DIFFERENT):
        match place % 20:
            case 0:
                found.append(("/iris/predict", json.dumps({"records": [record() for _ in range(100)]}).encode()))
            case 1:
                label = {"id": str(uuid.UUID(int=draw.getrandbits(128))), "label": "Iris-setosa"}
                found.append(("/iris/feedback", json.dumps(label).encode()))
            case 2:
                found.append(("/iris/predict", BAD[place // 20 % len(BAD)]))
            case _:
                found.append(("/iris/predict", json.dumps(record()).encode()))
    return found


def memory(process: int) -> tuple[float, float]:
    """Megabytes that a process has, and the most it had."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    now, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--workspace", help="one in which iris has a champion; by default one is made")
    arguments = parser.parse_args()
    statuses: Counter[int] = Counter()
    asked = requests(random.Random(0))
    with workspace(["iris"], arguments.workspace) as root, service(root, "iris") as (process, port):
        print(f" requests   MB   most MB   requests/s\n{0:9,d} {memory(process.pid)[0]:4.0f}", flush=True)
        done, first = 0, 0.0
        while done < arguments.requests:
            count = arguments.first if not done else min(STEP, arguments.requests - done)
            load = clients.ask(port, asked, arguments.clients, count=count)
            statuses += load.statuses
            done += count
            now, most = memory(process.pid)
            first = first or now
            print(f"{done:9,d} {now:4.0f} {most:9.0f} {load.rate:12.0f}", flush=True)
        print(f"after {done:,} requests {now:.0f} MB, {now - first:+.0f} MB against after {arguments.first:,}; {dict(statuses)}")


if __name__ == "__main__":
    main()
