"""Requests a second by number of clients, against a tutorial's service of the same model.

    python benchmarks/serving.py [--rounds 5] [--seconds 4] [--clients 1 8 64] [--workspace DIR] [--journal]

Two services of the iris case study, each a process of its own: `shipway serve`, and the service that tutorials show, a FastAPI
route with a pydantic model that makes a data frame of one row and calls the pipeline's `predict_proba`. They are asked in turns,
*rounds* times for *seconds*, each request with another record; medians are printed, and the median of the ratios of one round.
Service and clients share one machine: compare the ratios. Without --journal predictions are not kept, as the peer keeps none.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import clients
from workspace import free_port, running, service, workspace

NAMES = ("SepalLengthCm", "SepalWidthCm", "PetalLengthCm", "PetalWidthCm")
RECORDS = [dict(zip(NAMES, (4 + n % 40 / 10, 2 + n % 23 / 10, 1 + n % 57 / 10, n % 25 / 10), strict=True)) for n in range(5000)]


def tutorial(folder: str, port: int) -> None:
    """The peer: a process of its own, in which the model of the bundle in *folder* answers."""
    import polars
    import uvicorn
    from fastapi import FastAPI
    from pydantic import create_model

    from shipway.core.models import Model

    model = Model.load(Path(folder))
    record: Any = create_model("Record", **dict.fromkeys(NAMES, (float, ...)))
    app = FastAPI()

    def predict(row: record) -> dict[str, Any]:  # type: ignore[valid-type]
        frame = polars.DataFrame([row.model_dump()])  # type: ignore[attr-defined]
        probabilities = model.pipeline.predict_proba(frame.select(model.card.contract.features))[0]
        return dict(zip(model.card.classes, probabilities.tolist(), strict=True))

    predict.__annotations__["row"] = record
    app.post("/iris/predict")(predict)
    uvicorn.run(app, port=port, log_level="critical")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--workspace", help="one in which iris has a champion; by default one is made")
    parser.add_argument("--journal", action="store_true", help="let ours keep its predictions")
    parser.add_argument("--tutorial", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tutorial:
        tutorial(arguments.tutorial[0], int(arguments.tutorial[1]))
        return
    os.environ["OMP_NUM_THREADS"] = "1"
    requests = [("/iris/predict", json.dumps(record).encode()) for record in RECORDS]
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    latencies: dict[tuple[str, int], list[float]] = defaultdict(list)
    failed = 0
    with workspace(["iris"], arguments.workspace) as root, contextlib.ExitStack() as stack:
        from shipway import offers, wiring

        project = root / "projects/iris/project.toml"
        before = project.read_text()
        stack.callback(project.write_text, before)
        if not arguments.journal:
            project.write_text(before.partition("\n[serve.journal]")[0] + "\n[serve.journal]\nenabled = false\n")
        _, ours = stack.enter_context(service(root, "iris"))
        ((_, bundle),) = offers.releases(wiring.open_workspace(root), ["iris"])
        peer = free_port()
        command = [sys.executable, str(Path(__file__).resolve()), "--tutorial", str(bundle), str(peer)]
        stack.enter_context(running(command, root, peer, "/openapi.json"))
        for turn in range(arguments.rounds + 1):
            for count in arguments.clients:
                for name, port in (("shipway", ours), ("tutorial", peer))[:: 1 if turn % 2 else -1]:
                    load = clients.ask(port, requests, count, seconds=arguments.seconds)
                    failed += sum(load.statuses.values()) - load.statuses[200]
                    if turn:  # the first warms up
                        rates[name, count].append(load.rate)
                        latencies[name, count] += load.latencies
    print(f"clients   shipway/s   tutorial/s   ratio   p50 ms and p99 ms of each   ({failed} failed)")
    for count in arguments.clients:
        pairs = zip(rates["shipway", count], rates["tutorial", count], strict=True)
        ratio = statistics.median(one / other for one, other in pairs)
        medians = [statistics.median(rates[name, count]) for name in ("shipway", "tutorial")]
        cuts = [statistics.quantiles(latencies[name, count], n=100) for name in ("shipway", "tutorial")]
        times = "   ".join(f"{1000 * cut[49]:6.1f} {1000 * cut[98]:6.1f}" for cut in cuts)
        print(f"{count:7d} {medians[0]:11.0f} {medians[1]:12.0f} {ratio:7.2f}   {times}")


if __name__ == "__main__":
    main()
