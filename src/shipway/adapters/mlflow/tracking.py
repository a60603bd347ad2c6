"""Tracking: one MLflow run a lifecycle run, with what each step took, the search's trials and how the model did."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.adapters.mlflow.lineage import STAND_IN, git_commit
from shipway.adapters.mlflow.store import Store, speaking
from shipway.core.artifacts import DataVersion, Page
from shipway.core.models import ModelVersion, Verdict
from shipway.core.search import Search, Trial, named

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from shipway.core.ports import StepRecord, Tracker

STATES = {"done": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}

KEY_LENGTH, PARAM_LENGTH, BATCH_LENGTH, DIGEST_LENGTH = 250, 6000, 100, 36
"""What MLflow takes: characters of a name and of a parameter, parameters of a batch, characters of a data set's digest
(`mlflow.utils.validation`)."""


class MlflowTracker:
    """Follows one run after the other of a project. The caller holds the project's lock while a run goes on."""

    def __init__(self, root: Path, project: str, uri: str | None, cache: Path) -> None:
        self.store = Store(root, uri, cache)
        self.root, self.project = root, project
        self._client: MlflowClient | None = None
        self._experiment = ""
        self._run_id: str | None = None
        # Says whose a run is: on a server several workspaces, each with its own lock, may share an experiment.
        self._owner = hashlib.sha256(f"{platform.node()}:{root.resolve()}".encode()).hexdigest()[:16]

    @property
    def run_id(self) -> str | None:
        return self._run_id

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """The id of the run that goes on, or of one that lasts as long as the block."""
        if self._run_id is not None:
            yield self._run_id
            return
        self.begin({})
        state = "failed"
        try:
            yield str(self._run_id)
            state = "done"
        finally:
            self.end(state)
            self._run_id = None

    def begin(self, parameters: Mapping[str, Any]) -> None:
        self._client = client = self.store.open()
        self._experiment = self.store.experiment(client, self.project)
        self._close_killed(client)
        tags = {"shipway.owner": self._owner, "mlflow.source.name": self.project, "mlflow.source.type": "PROJECT"}
        tags["mlflow.source.git.commit"] = git_commit(self.root)
        with speaking(self.store):
            self._run_id = client.create_run(self._experiment, tags=tags).info.run_id
        self._log(params=parameters)

    def step(self, record: StepRecord, results: Mapping[str, object]) -> None:
        tags = {f"step.{record.name}": f"{record.state}: {record.note}" if record.note else record.state}
        metrics = {f"seconds/{record.name}": record.seconds} if record.state == "done" else {}
        params: dict[str, Any] = {}
        for name, result in results.items():
            if isinstance(result, DataVersion):
                tags |= self._data(result)
            elif isinstance(result, Search):
                params |= _chosen(result)
                metrics[f"cv/{result.metric}"] = result.winner.mean
                if record.state == "done":
                    self._trials(result)
            elif isinstance(result, Verdict):
                metrics |= _figures(result)
                tags["shipway.passed"] = str(result.passed).lower()
                self._plots(result)
            elif isinstance(result, Page):
                self._page(name, result)
            elif isinstance(result, ModelVersion):
                tags |= {"shipway.model_version": result.version, "shipway.alias": result.alias}
        self._log(metrics, params, tags)

    def end(self, state: str) -> None:
        if self._client is not None and self._run_id is not None:
            with speaking(self.store):
                self._client.set_terminated(self._run_id, STATES[state])

    @property
    def _open(self) -> tuple[MlflowClient, str]:
        assert self._client is not None and self._run_id is not None, "begin() comes first"
        return self._client, self._run_id

    def _close_killed(self, client: MlflowClient) -> None:
        """Close the runs of this workspace that are still open: whoever opened them was killed, as we hold the lock."""
        with speaking(self.store):
            query = f"attributes.status = 'RUNNING' AND tags.`shipway.owner` = '{self._owner}'"
            for run in client.search_runs([self._experiment], query):
                client.set_terminated(run.info.run_id, "KILLED")

    def _log(
        self, metrics: Mapping[str, float] = {}, params: Mapping[str, Any] = {}, tags: Mapping[str, str] = {}, run_id: str = ""
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        client, current = self._open
        now = int(time.time() * 1000)
        texts = [Param(key, text) for key, text in {_key(key): _shorten(value) for key, value in params.items()}.items()]
        with speaking(self.store):
            for start in range(0, max(len(texts), 1), BATCH_LENGTH):
                first = start == 0
                client.log_batch(
                    run_id or current,
                    [Metric(key, value, now, 0) for key, value in metrics.items()] if first else (),
                    texts[start : start + BATCH_LENGTH],
                    [RunTag(key, value) for key, value in tags.items()] if first else (),
                )

    def _data(self, version: DataVersion) -> dict[str, str]:
        """Name the data as the run's input; the tags say the same where the run is listed."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        origin = version.origin
        source = json.dumps({"source": origin.source, "path": version.path, "hash": version.hash})
        profile = json.dumps({"num_rows": origin.rows, "stand_in": origin.stand_in})
        data = Dataset(version.name, version.hash[:DIGEST_LENGTH], "dvc", source, profile=profile)
        client, run_id = self._open
        with speaking(self.store):
            client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
        tags = {
            "shipway.data_version": version.name,
            "shipway.data_hash": version.hash,
            "shipway.stand_in": str(origin.stand_in).lower(),
        }
        return {**tags, "mlflow.note.content": STAND_IN} if origin.stand_in else tags

    def _trials(self, search: Search) -> None:
        """One nested run a trial."""
        client, parent = self._open
        for number, trial in enumerate(search.trials):
            tags = {
                "mlflow.parentRunId": parent,
                "shipway.owner": self._owner,
                "shipway.best": str(number == search.best).lower(),
                "shipway.candidate": trial.candidate,
            }
            with speaking(self.store):
                name = f"{trial.candidate} {number + 1}"
                run_id = client.create_run(self._experiment, tags=tags, run_name=name).info.run_id
                self._log(
                    _scores(search.metric, trial),
                    {"estimator": trial.estimator, **named(trial.estimator, trial.params)},
                    run_id=run_id,
                )
                client.set_terminated(run_id)

    def _page(self, name: str, page: Page) -> None:
        client, run_id = self._open
        with speaking(self.store):
            client.log_text(run_id, page.text, f"{name}.html")

    def _plots(self, verdict: Verdict) -> None:
        from shipway.modelling import plots

        client, run_id = self._open
        with speaking(self.store):
            stand_in = client.get_run(run_id).data.tags.get("shipway.stand_in") == "true"
        with tempfile.TemporaryDirectory() as folder:
            for name, picture in plots.draw(verdict, title=self.project, stand_in=stand_in).items():
                (Path(folder) / name).write_bytes(picture)
            with speaking(self.store):
                client.log_artifacts(run_id, folder, "plots")


def _chosen(search: Search) -> dict[str, Any]:
    winner = search.winner
    chosen = {f"model.{name}": value for name, value in named(winner.estimator, winner.params).items()}
    return {"model.candidate": winner.candidate, "model.estimator": winner.estimator, **chosen}


def _scores(metric: str, trial: Trial) -> dict[str, float]:
    folds = {f"{metric}/fold_{number}": score for number, score in enumerate(trial.scores, start=1)}
    return {metric: trial.mean, "seconds": trial.seconds, **folds}


def _figures(verdict: Verdict) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, interval in verdict.metrics.items():
        figures |= {f"test/{name}": interval.value, f"test/{name}/low": interval.low, f"test/{name}/high": interval.high}
    figures |= {f"baseline/{name}": value for name, value in verdict.baseline.items()}
    for name, interval in verdict.difference.items():
        figures |= {f"difference/{name}": interval.value, f"difference/{name}/low": interval.low}
        figures[f"difference/{name}/high"] = interval.high
    return figures


def _key(name: str) -> str:
    """*name* in the letters that MLflow allows: a setting may carry a column's name, which can be anything."""
    return re.sub(r"[^\w.\- :]", "_", name)[:KEY_LENGTH]


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= PARAM_LENGTH else f"{text[: PARAM_LENGTH - 1]}…"


if TYPE_CHECKING:
    _: type[Tracker] = MlflowTracker
