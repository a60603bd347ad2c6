"""Ports: what a step may ask of the outside. The wiring injects an adapter for each; nobody inherits from these.

Three optional methods of an adapter speak to the pipeline and not to the step:

- `reading(keys) -> Self`: the same port, told the keys (name -> key) of the results that the step reads.
- `fingerprint() -> str`: what the step will read through the port, as a short text that changes when it does. Without the
  method the port plays no part in the step's key.
- `holds(result) -> bool`: whether the outside still has what a cached result names (a data version, a model version).
  Without the method a cached result always counts.

All run on the path of an unchanged run, so they import nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NewType, Protocol, Self, runtime_checkable

from shipway.core.artifacts import DataVersion, Received, Table
from shipway.core.journal import Feedback, Labelled, Prediction, Stats, Which
from shipway.core.models import Bundle, Model, ModelVersion, Verdict

Staging = NewType("Staging", Path)
"""An empty folder on the cache's file system that lives as long as the step."""


class Tick(Protocol):
    def __call__(self, advance: int = 1, note: str = "") -> None:
        """Count *advance* more units of work done; *note* is the figure that matters now."""


@runtime_checkable
class Progress(Protocol):
    """How a step says where it is."""

    def __call__(self, label: str, total: int | None = None) -> AbstractContextManager[Tick]:
        """Open a piece of work of *total* units (None: unknown)."""

    def note(self, text: str) -> None:
        """The one figure that matters of the whole step, such as "7,043 rows"; kept with the result."""

    def warn(self, text: str) -> None:
        """Something the user should look at; kept with the result and shown after the run."""


@runtime_checkable
class Clock(Protocol):
    def now(self) -> datetime:
        """The time, with its zone."""


@runtime_checkable
class Source(Protocol):
    """Where rows come from. Values are handed on as received; the contract reads them later."""

    def batches(self, progress: Progress) -> Iterator[tuple[str, int, Table]]:
        """Yield (name of the part of the source, number of its first row there counted from 1, rows as received)."""

    def describe(self) -> Mapping[str, Any]:
        """What was read, for the data version's record: `source`, `positions`, `stand_in`, JSON values only."""

    def fingerprint(self) -> str: ...


@runtime_checkable
class DataVersions(Protocol):
    """Keeps the full content of each data version and names it."""

    def keep(self, received: Received, *, period: str, now: datetime, commit: bool | None) -> DataVersion:
        """Keep *received* and name it; the same content again gives the version that has it already."""

    def open(self, version: DataVersion) -> Path:
        """A folder of Parquet parts with the content of *version*, not to be written to."""

    def holds(self, result: object) -> bool: ...


@runtime_checkable
class ModelRegistry(Protocol):
    """Model versions and aliases of one project."""

    def reading(self, keys: Mapping[str, str]) -> Self: ...

    def champion(self) -> tuple[str, Model] | None:
        """The version and the model that the step's own model has to be compared with; None where there is none.

        It is the one with alias `champion`, unless that is the step's own model: then the one that it was judged against.
        """

    def register(
        self,
        model: Model,
        verdict: Verdict,
        bundle: Bundle,
        data_version: DataVersion,
        *,
        title: str,
        description: str,
        alias: str,
        pickle: bool,
    ) -> ModelVersion:
        """Register *model* with its lineage and move the alias; the same content again gives the version that has it."""

    def fingerprint(self) -> str: ...

    def holds(self, result: object) -> bool: ...


@runtime_checkable
class Journal(Protocol):
    """Keeps every prediction and the true labels that come for them, of all projects.

    Every method raises OutsideError where the database is away, full or locked, and may be called again. One thread at a time;
    nothing is opened before the first call, so that a process can be forked before it.
    """

    @property
    def place(self) -> str:
        """Where it is, without user and password."""

    def write(self, predictions: Sequence[Prediction], feedback: Sequence[Feedback] = ()) -> None:
        """Commit all or none; what is there already stays as it is. With nothing to write it is seen whether it could.

        Raises:
            DataError: It will never take one of these, such as a text beyond a limit of the database.
        """

    def joined(self, feedback: Sequence[Feedback]) -> int:
        """How many of *feedback* have their prediction in the journal."""

    def read(
        self, project: str, since: int | None = None, until: int | None = None, which: Which = "answered"
    ) -> Iterator[list[Labelled]]:
        """Predictions from *since* to before *until*, by time, in batches; the label that counts is joined to each."""

    def stats(self, project: str) -> Stats: ...

    def prune(self, project: str, before: int, limit: int) -> int:
        """Delete about *limit* of the predictions made before *before*, oldest first, with their labels; gives how many.

        Shadows go with the ones that they shadow, and count. Once none is left, labels from before then that still wait for a
        prediction go too.
        """

    def close(self) -> None: ...


class StepRecord(Protocol):
    """What the pipeline says of one step to those who watch a run."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def note(self) -> str: ...


@runtime_checkable
class Tracker(Protocol):
    """Follows one lifecycle run. Opened only when at least one step has something to do."""

    def begin(self, parameters: Mapping[str, Any]) -> None:
        """Start a run; *parameters* are the settings of all steps, flat."""

    def step(self, record: StepRecord, results: Mapping[str, object]) -> None:
        """A step was done or found in the cache; *results* holds its documents and pages, not its tables."""

    def end(self, state: str) -> None:
        """The run is over: `done`, `failed` or `interrupted`."""

    @property
    def run_id(self) -> str | None: ...
