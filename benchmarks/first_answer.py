"""Time from `shipway new TABLE.csv --serve` to the first answer, in an empty folder, for tables given as bare CSV files.

    python benchmarks/first_answer.py [--runs 3] [DATA_FOLDER]

DATA_FOLDER (or SHIPWAY_DATA_DIR) holds the three case studies' files; a generated table of 100,000 rows and 30 columns is timed
beside them (goal: under three minutes on two cores). Each run is a process of its own in a new folder; what is asked for is an
unmodified row of the file.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

TABLES = {
    "telco-customer-churn.csv": "Churn",
    "iris.csv": "Species",
    "invistico-airline.csv": "satisfaction",
}
ROWS, COLUMNS = 100_000, 30
PATIENCE = 600.0
LOADING = 503
"""What the service answers before its models are ready."""


def generate(path: Path) -> None:
    """A table of numbers, counts, categories, dates and gaps; the answer depends on some of them, with noise."""
    draw = np.random.default_rng(0)
    numbers = draw.normal(size=(ROWS, COLUMNS // 2))
    levels = draw.integers(0, 12, size=(ROWS, COLUMNS // 2 - 3))
    score = numbers[:, 0] * numbers[:, 1] + numbers[:, 2] + np.isin(levels[:, 0], (1, 4, 7)) + draw.normal(size=ROWS)
    label = np.where(score > 0.8, "yes", "no")
    days = draw.integers(0, 3000, ROWS)
    header = [f"n{place}" for place in range(numbers.shape[1])] + [f"c{place}" for place in range(levels.shape[1])]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *header, "since", "answer"])
        for row in range(ROWS):
            cells = [f"{value:.4f}" for value in numbers[row]]
            cells[3] = "NA" if row % 17 == 0 else cells[3]
            since = np.datetime64("2015-01-01") + int(days[row])
            writer.writerow([f"r{row:06d}", *cells, *(f"level {place}" for place in levels[row]), since, label[row]])


def ask(url: str, record: dict[str, Any], process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The first answer, asked for until there is one."""
    body = json.dumps(record).encode()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"the command ended with {process.returncode}")
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            if error.code == LOADING:
                time.sleep(0.05)
                continue
            raise SystemExit(f"{url} answered {error.code}: {error.read().decode()}") from None
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"no answer within {PATIENCE:.0f} s")


def once(table: Path, target: str) -> float:
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        folder = Path(name)
        shutil.copy(table, folder / table.name)
        with table.open(newline="") as file:
            record = next(csv.DictReader(file))
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [sys.executable, "-m", "shipway", "new", table.name, "--target", target, "--name", "table"]
        began = time.perf_counter()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*command, "--serve", "--port", str(port)], cwd=folder, stdout=log, stderr=log)
            try:
                ask(f"http://127.0.0.1:{port}/table/predict", record, process)
                return time.perf_counter() - began
            except SystemExit:
                print((folder / "log").read_text())
                raise
            finally:
                process.terminate()
                process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=os.environ.get("SHIPWAY_DATA_DIR"), help="holds the CSV files")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "generated.csv"
        generate(made)
        tables = [(Path(arguments.folder) / file, target) for file, target in TABLES.items()] if arguments.folder else []
        for table, target in [*tables, (made, "answer")]:
            times = [once(table, target) for _ in range(arguments.runs)]
            print(f"{table.name:<28} {statistics.median(times):6.1f} s   ({min(times):.1f} to {max(times):.1f})", flush=True)


if __name__ == "__main__":
    main()
