"""Shipway in Python: `shipway.Project("projects/iris").run()`."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway import wiring
from shipway.core import report as reports
from shipway.core.artifacts import Checked, DataVersion, Page
from shipway.core.models import Model, ModelVersion, Verdict
from shipway.core.pipeline import Run, Selection
from shipway.core.plan import Planned
from shipway.core.report import RunReport
from shipway.core.rows import Rows
from shipway.core.search import Search
from shipway.core.watching import Outcome

if TYPE_CHECKING:
    import polars

    from shipway.scoring.predictor import Predictor


class Silent:
    """Looks on and says nothing."""

    def started(self, step: str) -> None: ...

    def moved(self, step: str, label: str, done: int, total: int | None, note: str) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...


class Project:
    """A project folder inside a workspace.

    Args:
        folder: The folder that holds `project.toml`.
        variant: A `[variant.NAME]` table of the project file to lay over the rest.

    Raises:
        UsageError: The folder is no project, or lies in no workspace.
    """

    def __init__(self, folder: str | Path, *, variant: str | None = None) -> None:
        self.folder = Path(folder).resolve()
        self.variant = variant
        self._place = wiring.open_workspace(self.folder)
        wiring.open_project(self._place, str(self.folder), variant=variant)

    @property
    def name(self) -> str:
        return self.folder.name

    def __repr__(self) -> str:
        return f"Project({self.name!r}, workspace={str(self._place.root)!r})"

    def run(
        self,
        *,
        first: str | None = None,
        last: str | None = None,
        force: Sequence[str] = (),
        settings: Sequence[str] = (),
        stand_in: bool = False,
    ) -> ProjectRun:
        """Take the project through the lifecycle; what did not change is not run again.

        Args:
            first, last: Names of the steps to begin and end with.
            force: Steps to run in any case, with what follows from them.
            settings: Texts `section.key=value` laid over the project file.
            stand_in: Use generated data where a named dataset is not at hand.

        Raises:
            ShipwayError: As on the command line; what was finished is kept.
        """
        going = wiring.run(
            self._place,
            str(self.folder),
            selection=Selection(first=first, last=last, forced=tuple(force)),
            watcher=Silent(),
            variant=self.variant,
            overrides=settings,
            stand_in=stand_in,
        )
        return ProjectRun(self.name, going)

    def explain(self, *, settings: Sequence[str] = (), stand_in: bool = False) -> list[Planned]:
        """For each step, whether a run would run it, and what changed since last time."""
        return wiring.explain(
            self._place,
            str(self.folder),
            selection=Selection(),
            variant=self.variant,
            overrides=settings,
            stand_in=stand_in,
        )


class ProjectRun:
    """A finished run: its frames, model and verdict, loaded when first looked at, and `predict`."""

    def __init__(self, name: str, going: Run) -> None:
        self.name, self._run = name, going

    @cached_property
    def report(self) -> RunReport:
        """The object that `shipway run --json` prints."""
        return reports.report(self.name, self._run)

    @property
    def rows(self) -> polars.DataFrame:
        """The rows as received and combined, with where each stood."""
        return self._rows("rows").frame()

    @property
    def checked(self) -> Checked:
        """The rows that keep the contract, and the quarantine."""
        found: Checked = self._run.result("checked")
        return found

    @property
    def clean(self) -> polars.DataFrame:
        return self._rows("clean").frame()

    @property
    def data_report(self) -> Page:
        """One HTML page about the rows: `Path("data.html").write_text(run.data_report.text)`."""
        found: Page = self._run.result("data_report")
        return found

    @property
    def training(self) -> polars.DataFrame:
        return self._frame("training")

    @property
    def testing(self) -> polars.DataFrame:
        return self._frame("testing")

    @property
    def search(self) -> Search:
        found: Search = self._run.result("search")
        return found

    @property
    def model(self) -> Model:
        found: Model = self._run.result("model")
        return found

    @property
    def verdict(self) -> Verdict:
        found: Verdict = self._run.result("verdict")
        return found

    @property
    def data_version(self) -> DataVersion:
        found: DataVersion = self._run.result("data_version")
        return found

    @property
    def version(self) -> ModelVersion:
        """The version in the model registry."""
        found: ModelVersion = self._run.result("version")
        return found

    @cached_property
    def _predictor(self) -> Predictor:
        from shipway.scoring.predictor import Predictor

        return Predictor.load(self._run.folder("bundle"))

    def predict(self, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]] | polars.DataFrame) -> polars.DataFrame:
        """Label rows as the service would: columns `label` and `probability_CLASS` for each class.

        Raises:
            RecordError: Rows that break the contract, with the breaches.
        """
        import polars

        predictor = self._predictor
        answers = predictor.predict([rows] if isinstance(rows, Mapping) else rows)
        columns = {f"probability_{level}": answers.probabilities[:, index] for index, level in enumerate(predictor.card.classes)}
        return polars.DataFrame({"label": answers.labels, **columns})

    def _rows(self, name: str) -> Rows:
        found: Rows = self._run.result(name)
        return found

    def _frame(self, name: str) -> polars.DataFrame:
        found: polars.DataFrame = self._run.result(name)
        return found

    def __repr__(self) -> str:
        states = ", ".join(f"{step.name} {step.state}" for step in self.report.steps)
        figures = ", ".join(f"{name} {figure.value:.3f}" for name, figure in self.report.metrics.items())
        stand_in = " STAND-IN DATA" if self.report.stand_in else ""
        made = f", version {self.report.model_version} ({self.report.alias})" if self.report.model_version else ""
        return f"<run of {self.name}{stand_in}{made}: {figures or states}>"

    def _repr_html_(self) -> str:
        report = self.report
        stand_in = " <strong>STAND-IN DATA</strong>" if report.stand_in else ""
        steps = "".join(
            f"<tr><td>{html.escape(step.name)}</td><td>{step.state}</td><td>{step.seconds:.2f} s</td>"
            f"<td style='text-align:left'>{html.escape(step.note)}</td></tr>"
            for step in report.steps
        )
        metrics = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{figure.value:.3f}</td><td>{figure.low:.3f} to {figure.high:.3f}</td>"
            f"<td>{format(report.baseline[name], '.3f') if name in report.baseline else ''}</td></tr>"
            for name, figure in report.metrics.items()
        )
        made = f", version {report.model_version} ({report.alias})" if report.model_version else ""
        return (
            f"<h4>{html.escape(self.name)}{html.escape(made)}{stand_in}</h4>"
            f"<table><tr><th>step</th><th>state</th><th>time</th><th></th></tr>{steps}</table>"
            f"<table><tr><th>metric</th><th>value</th><th>95 % interval</th><th>baseline</th></tr>{metrics}</table>"
        )

    def to_dict(self) -> dict[str, Any]:
        """The report in plain values."""
        found: dict[str, Any] = msgspec.to_builtins(self.report)
        return found
