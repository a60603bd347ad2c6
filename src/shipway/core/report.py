"""What a run says of itself: the object that `shipway run --json` prints and the summary shows."""

from __future__ import annotations

from typing import Any

import msgspec

from shipway.core.artifacts import Checked, DataVersion
from shipway.core.models import Interval, ModelVersion, Verdict
from shipway.core.pipeline import Run


class StepReport(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    state: str
    seconds: float
    key: str
    note: str
    warnings: list[str]


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """A lifecycle run in plain values; what the run did not reach is None or empty."""

    project: str
    stand_in: bool = False
    steps: list[StepReport] = []
    data_version: str | None = None
    model_version: str | None = None
    alias: str | None = None
    run_id: str | None = None
    metrics: dict[str, Interval] = {}
    baseline: dict[str, float] = {}
    gates: dict[str, bool] = {}
    quarantined: int | None = None
    error: str | None = None

    @property
    def held(self) -> bool:
        """False when a model was judged and its gates did not hold."""
        return all(self.gates.values())


def report(project: str, run: Run, error: str | None = None) -> RunReport:
    """Describe *run*; reads small documents only, no table and no model."""
    found: dict[str, Any] = {}
    if "data_version" in run:
        data: DataVersion = run.result("data_version")
        found |= {"data_version": data.name, "stand_in": data.origin.stand_in}
    if "checked" in run:
        found["quarantined"] = Checked.load(run.folder("checked")).quarantined
    if "verdict" in run:
        verdict: Verdict = run.result("verdict")
        found |= {"metrics": verdict.metrics, "baseline": verdict.baseline, "gates": verdict.gates}
    if "version" in run:
        version: ModelVersion = run.result("version")
        found |= {"model_version": version.version, "alias": version.alias, "run_id": version.run_id}
    if run.run_id is not None:
        found["run_id"] = run.run_id
    steps = [
        StepReport(
            name=outcome.name,
            state=outcome.state,
            seconds=round(outcome.seconds, 3),
            key=outcome.key,
            note=outcome.note,
            warnings=list(outcome.warnings),
        )
        for outcome in run.outcomes
    ]
    return RunReport(project=project, steps=steps, error=error, **found)
