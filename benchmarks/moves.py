"""What callers notice when the alias `champion` moves under load.

    python benchmarks/moves.py [--moves 50] [--clients 32] [--workers 2] [--rows 5]

Two versions of the iris case study are registered, and `shipway serve` with *workers* processes answers *clients* connections,
which ask without a pause, each request with *rows* other records. The alias goes from one version to the other *moves* times; the
next move comes once no old answer was seen for a while. Each answer's probabilities are compared with what the version that it
names gives for the same records, loaded on its own: an answer is mixed where they differ. An answer that is no 200, or none at
all, is failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import clients
from workspace import IRIS, requests, service

from shipway import offers, wiring
from shipway.scoring.predictor import Predictor

NAME = "iris"
TOLERANCE = 1e-9
"""Between an answer's probability and the version's own: the service scores the same code on the same machine."""
QUIET_SECONDS = 2.0
"""Without an answer of the old version, after which a move is over."""
LIMIT_SECONDS = 60.0
"""For a move to be over; a version is to be live within 10."""
RECORDS = IRIS[:400]

Expected = dict[str, list[list[float]]]
"""Version -> the probabilities of each of RECORDS."""


@dataclass
class Load:
    """What clients got: of each answer its version, its beginning and end by the monotonic clock, and whether it was mixed."""

    rows: int
    expected: Expected
    answers: list[tuple[str, float, float]] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    mixed: int = 0

    def look(self, got: clients.Answer) -> None:
        if got.status != 200:
            self.failed.append(f"{got.status} {got.body[:200]!r}")
            return
        answer = json.loads(got.body)
        version = answer["model"]["version"]
        found = [list(one["probabilities"].values()) for one in answer["predictions"]]
        wanted = [self.expected[version][(got.place + number) % len(RECORDS)] for number in range(self.rows)]
        pairs = zip(itertools.chain(*found), itertools.chain(*wanted), strict=True)
        fits = len(found) == len(wanted) and all(abs(one - other) <= TOLERANCE for one, other in pairs)
        self.mixed += not fits
        self.seen[version] = got.ended
        self.answers.append((version, got.began, got.ended))


def shipway(*words: str, cwd: Path) -> None:
    subprocess.run([sys.executable, "-m", "shipway", *words], cwd=cwd, check=True, capture_output=True)


def prepare(workspace: Path) -> tuple[str, str]:
    """Two versions of the project."""
    shipway("init", str(workspace), "--examples", cwd=workspace.parent)
    shipway("run", NAME, "--stand-in", cwd=workspace)
    shipway("run", NAME, "--stand-in", "--set", "split.seed=1", cwd=workspace)
    second, first = (one.version for one in aliases(workspace).versions())
    return first, second


def aliases(workspace: Path) -> Any:
    return wiring.open_project(wiring.open_workspace(workspace), NAME)[1].registry.aliases


def expectations(workspace: Path, versions: tuple[str, str]) -> Expected:
    """What each version answers on its own; brings the bundles that are not there yet, and makes the last one the champion."""
    place = wiring.open_workspace(workspace)
    adapters = wiring.open_project(place, NAME)[1]
    found = {}
    for version in versions:
        adapters.registry.aliases.move("champion", version, why="to see what it answers", override="a benchmark")
        offers.look(adapters)
        found[version] = Predictor.load(place.bundles / NAME / version / "bundle").predict(RECORDS).probabilities.tolist()
    assert found[versions[0]] != found[versions[1]], "both versions answer the same"
    return found


def move(workspace: Path, load: Load, old: str, new: str) -> tuple[float, float]:
    """Move the alias, and wait until nothing of the old version comes any more; gives the times of the move and of its end."""
    aliases(workspace).move("champion", new, why="a benchmark", override="a benchmark")
    moved = time.monotonic()
    while load.seen.get(new, 0.0) < moved or time.monotonic() < max(moved, load.seen.get(old, 0.0)) + QUIET_SECONDS:
        assert time.monotonic() < moved + LIMIT_SECONDS, f"version {new} did not take over: {load.failed[-3:]}"
        time.sleep(0.05)
    return moved, time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=50)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=5, help="records of one request")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        versions = prepare(workspace)
        expected = expectations(workspace, versions)
        spans = []
        load, asked = Load(arguments.rows, expected), requests(RECORDS, arguments.rows)
        with (
            service(workspace, NAME, workers=arguments.workers) as (_, port),
            clients.asking(port, asked, arguments.clients, load.look) as all_in_all,
        ):
            while not load.answers:
                assert not load.failed, load.failed
                time.sleep(0.05)
            for number in range(arguments.moves):
                old, new = versions[(number + 1) % 2], versions[number % 2]
                spans.append((old, *move(workspace, load, old, new)))
        load.failed += all_in_all.broken
    lasted = []
    for old, moved, over in spans:
        ends = [end for version, _, end in load.answers if version == old and moved < end < over]
        lasted.append(max(ends, default=moved) - moved)
    latencies = sorted(end - began for _, began, end in load.answers)
    under = f"{arguments.clients} clients, {arguments.workers} workers, {arguments.rows} records a request"
    print(f"{arguments.moves} moves under load: {under}")
    print(f"answers            {len(latencies):10,d}")
    print(f"failed requests    {len(load.failed):10,d}   {' | '.join(sorted(set(load.failed))[:3])}")
    print(f"mixed answers      {load.mixed:10,d}")
    print(f"slowest answer     {1000 * latencies[-1]:10.0f} ms   (median {1000 * statistics.median(latencies):.0f} ms)")
    print(f"last old answer    {max(lasted):10.1f} s after the move at the latest   (median {statistics.median(lasted):.1f} s)")


if __name__ == "__main__":
    main()
