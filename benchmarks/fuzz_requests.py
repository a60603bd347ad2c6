"""A coverage-guided fuzzer (Atheris) on all that reads a request: body, contract, model, answer, and the journal's entry.

    python benchmarks/fuzz_requests.py [--runs 100000] [--seed 1] [--workspace DIR] [--projects iris telco_churn]

For each run one body goes to the predict or the feedback door of a project, in process. It fails where anything but a Problem or
a RecordError is raised, a Problem has a status of a server's fault, an answer does not encode or has a probability outside of
0 to 1, or an error's text holds a mark that stands in the values sent. Half of the mutations are libFuzzer's, on bytes; half
change a JSON value, so that most of the code behind the decoder is reached too. What fails is kept as crash-* in the current
folder.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from workspace import workspace

MARK, NUMBER_MARK = "s3cr3tM4rk", 918273645
ODD: list[Any] = [
    None, True, False, 0, -1, 5, 1.5, NUMBER_MARK, -NUMBER_MARK, 2**63, -(2**63) - 1, 10**30, 10**400, 1e308, 5e-324, -0.0,
    "", " ", "?", "nan", "NaN", "inf", "-Infinity", "1e999", "5.0", " 5", "1,000", "0x10", "true", "\x00", "\ud83d\ude00", MARK,
    f"{MARK} 1", f"2026-05-01 {MARK}", "2026-05-01T10:00:00Z", "9" * 400, [], {}, [MARK], {"a": MARK}, [[[[MARK]]]],
    "00000000-0000-7000-8000-000000000000",
]  # fmt: skip
"""Cells that readers stumble over."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workspace", help="one with champions; by default one is made")
    parser.add_argument("--projects", nargs="+", default=["iris", "telco_churn"])
    parser.add_argument("--within", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.within:
        fuzz(Path(arguments.within), arguments.projects, arguments.runs, arguments.seed)
        return
    with workspace(arguments.projects, arguments.workspace) as root:
        words = ["--within", str(root), "--runs", str(arguments.runs), "--seed", str(arguments.seed)]
        done = subprocess.run([sys.executable, __file__, *words, "--projects", *arguments.projects], check=False)
    print(f"{arguments.runs:,} runs: {'no failure' if done.returncode == 0 else 'a failure, told above'}")
    sys.exit(done.returncode)


def fuzz(root: Path, projects: list[str], runs: int, seed: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["shipway.serving", "shipway.core.contract", "shipway.core.reading"]):
        from shipway.core.reading import cells, reader, texts  # noqa: F401 - to be instrumented
        from shipway.serving import answers, entries, feedback, joining, problems, requests, structure  # noqa: F401

    doors = Doors(root, projects)
    draw = random.Random(seed)

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        draw.seed(seed)
        try:
            document = json.loads(data[1:]) if draw.random() < 0.5 else None
        except ValueError:
            document = None
        if document is None:
            return bytes(atheris.Mutate(data, size))
        document = changed(document, draw)
        return (data[:1] + json.dumps(document).encode(errors="replace"))[:size]

    with tempfile.TemporaryDirectory() as corpus:
        for number, one in enumerate(doors.seeds()):
            (Path(corpus) / f"{number}").write_bytes(one)
        words = [sys.argv[0], f"-runs={runs}", f"-seed={seed}", "-max_len=4096", "-timeout=30", "-print_final_stats=1", corpus]
        atheris.Setup(words, doors.ask, custom_mutator=mutate)
        atheris.Fuzz()


def changed(value: Any, draw: random.Random) -> Any:
    """*value* with one of its values, or of its names, another."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        name = draw.choice(list(value))
        if draw.random() < 0.1:
            return {(f"{one} " if one == name else one): cell for one, cell in value.items()}
        return value | {name: changed(value[name], draw)}
    if isinstance(value, list) and value and draw.random() < 0.9:
        place = draw.randrange(len(value))
        if draw.random() < 0.2:
            return [*value, changed(value[place], draw)]
        return [*value[:place], changed(value[place], draw), *value[place + 1 :]]
    return draw.choice(ODD)


class Doors:
    """The doors of the projects' champions, without HTTP."""

    def __init__(self, root: Path, projects: list[str]) -> None:
        from shipway import offers, wiring
        from shipway.core.journal.keeping import Keeping
        from shipway.serving import live
        from shipway.serving.entries import Journalling

        releases = offers.releases(wiring.open_workspace(root), projects)
        self.lives = [live.bring(release, folder) for release, folder in releases]
        keepings = {one.release.name: Keeping(hash=list(one.card.contract.features[:1])) for one in self.lives}
        self.journalling = Journalling(None, keepings, b"salt")  # type: ignore[arg-type]  # what is kept is made, not written

    def seeds(self) -> list[bytes]:
        """Bodies of the usual shapes, for each door; the first byte says which door."""
        found = []
        for place, live in enumerate(self.lives):
            record = live.example
            marked = {name: f"{MARK} {cell}" if isinstance(cell, str) else NUMBER_MARK for name, cell in record.items()}
            columns = {name: [cell, cell] for name, cell in record.items()}
            bodies = (record, marked, {"records": [record, marked, record]}, {"columns": columns}, {"records": []})
            found += [bytes([2 * place]) + json.dumps(body).encode() for body in bodies]
            label = {"id": ODD[-1], "label": live.card.classes[0]}
            keyed = {"key": dict.fromkeys(live.card.contract.key, MARK), "label": MARK}
            labels = (label, keyed, {"feedback": [label, keyed]})
            found += [bytes([2 * place + 1]) + json.dumps(body).encode() for body in labels]
        return found

    def ask(self, data: bytes) -> None:
        from shipway.scoring.predictor import RecordError
        from shipway.serving import feedback
        from shipway.serving.problems import Problem

        door, body = data[0] if data else 0, data[1:]
        live = self.lives[door // 2 % len(self.lives)]
        try:
            if door % 2:
                feedback.read(body, live, self.journalling, 50)
            else:
                self.predict(live, body)
        except Problem as error:
            assert 400 <= error.status < 500, error.status
            told = error.detail
        except RecordError as error:
            told = "".join(breach.message for breach in error.breaches) + str(error).replace(error.breaches[0].column, "")
        else:
            return
        assert MARK not in told, told
        assert str(NUMBER_MARK) not in told, told

    def predict(self, live: Any, body: bytes) -> None:
        import msgspec

        from shipway.serving import answers, entries, requests

        requests.size(body, live.card.contract)
        records = requests.records(body, live.card.contract, 50)
        found = live.predictor.predict(records)
        answer = answers.predictions(live, found)
        assert ((found.probabilities >= 0) & (found.probabilities <= 1)).all()
        kept = entries.predictions(live, self.journalling, records, answer["predictions"], came=0)
        assert len(kept) == len(records)
        msgspec.json.decode(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
