"""A project whose table has three rows that break its contract."""

from __future__ import annotations

from collections.abc import Mapping

from shipway import wiring
from shipway.core import pipeline
from shipway.core.pipeline import Run, Selection
from shipway.core.ports import StepRecord
from shipway.core.workspace import Workspace
from shipway.face import Silent
from shipway.steps import LIFECYCLE

PROJECT = '[ingest.source]\nkind = "files"\npath = "visits.csv"\n'
CONTRACT = """\
target = "back"
key = ["visit"]
[columns.visit]
type = "integer"
[columns.pages]
type = "integer"
minimum = 0
[columns.minutes]
type = "number"
nullable = true
missing = ["", "?"]
[columns.device]
type = "category"
levels = ["desk", "phone"]
[columns.back]
type = "category"
levels = ["no", "yes"]
"""
HEADER = "visit,pages,minutes,device,back"
LINES = [f"{n},{n % 7},{n / 2},{'phone' if n % 3 else 'desk'},{'yes' if n % 2 else 'no'}" for n in range(96)]
BAD = ["96,-1,3,desk,no", "97,many,4,desk,no", "98,-2,soon,phone,yes"]
TABLE = "\n".join([HEADER, *LINES, *BAD, ""])


class Untracked:
    """Nobody keeps these runs: no MLflow is needed for what stands before `split`."""

    run_id: str | None = None

    def begin(self, parameters: Mapping[str, object]) -> None: ...

    def step(self, record: StepRecord, results: Mapping[str, object]) -> None: ...

    def end(self, state: str) -> None: ...


def run_to_check(place: Workspace) -> None:
    folder, adapters = wiring.open_project(place, "visits")
    pipeline.run(
        LIFECYCLE,
        folder,
        place.cache(folder.name),
        adapters,
        selection=Selection(last="check"),
        watcher=Silent(),
        tracker=Untracked(),
        report=Run(),
    )
