"""What a project's contract makes of rows, and what came of its last run: looked at, never run and never changed."""

from __future__ import annotations

import glob
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway import wiring
from shipway.core import quarantine, schema_changes
from shipway.core.artifacts import ROW, SOURCE, Checked
from shipway.core.contract import Contract, read
from shipway.core.errors import UsageError
from shipway.core.plan import inputs_of, key_of, settings_of
from shipway.core.ports import Progress
from shipway.core.project import ProjectFolder
from shipway.core.quarantine import Reason
from shipway.core.rows import Rows
from shipway.core.schema_changes import SchemaChange
from shipway.core.step import Step
from shipway.core.workspace import Workspace
from shipway.steps import LIFECYCLE

if TYPE_CHECKING:
    from shipway.core.artifacts import Table

CHECK = next(step for step in LIFECYCLE if step.name == "check")
TRAIN = next(step for step in LIFECYCLE if step.name == "train")
CARD = "card.json"
"""In a bundle and in a kept model: what the model says of itself, its contract included."""


class _Card(msgspec.Struct, frozen=True):
    contract: Contract


@dataclass
class FileCheck:
    """What a file has that the contract does not allow.

    Attributes:
        bad_rows: Rows that break a rule; `reasons` counts broken rules, of which a row may have several.
        quarantine: The bad rows, a line a broken rule; None where they were not asked for.
    """

    rows: int = 0
    bad_rows: int = 0
    max_bad_share: float = 0.0
    reasons: Counter[Reason] = field(default_factory=Counter)
    changes: list[SchemaChange] = field(default_factory=list)
    quarantine: Table | None = None

    @property
    def held(self) -> bool:
        """Whether a run would go on with these rows."""
        return self.bad_rows <= self.max_bad_share * self.rows and self.bad_rows < self.rows


def check_file(folder: ProjectFolder, file: Path, progress: Progress, *, keep: bool, **how: Any) -> FileCheck:
    """Read a table file by the project's contract as a run would, batch by batch, without running anything.

    Args:
        file: CSV or Parquet.
        keep: Also keep the bad rows.
        how: `separator` and `encoding` of the file; those of `[ingest.source]` where that reads files too.
    """
    import polars as pl

    found = FileCheck(max_bad_share=settings_of(CHECK, folder)["max_bad_share"])
    columns: dict[str, None] = {}
    kept = []
    for name, first, batch in _source(folder, file, how).batches(progress):
        reading = read(folder.contract, batch, target=True)
        columns.update(dict.fromkeys(batch.columns))
        found.rows += batch.height
        found.bad_rows += len(quarantine.bad(reading.broken))
        found.reasons += quarantine.reasons(reading.broken)
        if keep:
            place = [pl.lit(name).alias(SOURCE), pl.int_range(first, first + batch.height, dtype=pl.Int64).alias(ROW)]
            kept.append(quarantine.of(batch.with_columns(place), reading.broken))
    if not found.rows:
        raise UsageError(f"{file} has no rows, so there is nothing to check; name a table with rows")
    evidence = schema_changes.evidence(found.reasons, found.rows)
    found.changes = schema_changes.changes(folder.contract, list(columns), evidence)
    if keep:
        found.quarantine = pl.concat(kept)
    return found


def quarantined(place: Workspace, folder: ProjectFolder) -> Table:
    """The rows in quarantine as the contract is now, a line a broken rule.

    They are the result of `check` where that is there; where `check` failed, or the contract changed since, the rows of the last
    `combine` are read anew.

    Raises:
        UsageError: The project has received no rows yet.
    """
    import polars as pl

    cache = place.cache(folder.name)
    keys = {}
    for name in CHECK.reads:
        writer = _writer(name)
        record = cache.latest(writer)
        if record is None:
            raise UsageError(
                f"{folder.name} has no rows yet, so none is in quarantine; `shipway run {folder.name} --to check` brings them in"
            )
        keys[name] = record.key
    key = key_of(inputs_of(CHECK, folder, settings_of(CHECK, folder), keys, {}))
    if cache.find(CHECK, key) is not None:
        checked: Checked = CHECK.kinds["checked"].load(cache.place(CHECK, key, "checked"))
        return checked.quarantine
    combine = _writer("rows")
    rows = Rows.load(cache.place(combine, keys["rows"], "rows"))
    parts = (quarantine.of(batch, read(folder.contract, batch.drop(SOURCE, ROW), target=True).broken) for batch in rows.batches())
    return pl.concat(parts)


def frozen_contract(place: Workspace, name: str) -> tuple[str, Contract]:
    """The contract that a model of the project was trained by, and which model that is: the champion, else the last trained one.

    Raises:
        UsageError: No model was trained yet.
    """
    folder, adapters = wiring.open_project(place, name)
    release = adapters.registry.export(place.bundles / folder.name)
    if release is not None:
        return f"the champion, version {release.version}", _frozen(place.bundles / folder.name / release.version / "bundle")
    cache = place.cache(folder.name)
    record = cache.latest(TRAIN)
    if record is None:
        raise UsageError(
            f"{folder.name} has no model yet to compare with; name a contract or a table file, or train one: "
            f"shipway run {folder.name}"
        )
    return "the model trained last", _frozen(cache.place(TRAIN, record.key, "model"))


def _frozen(folder: Path) -> Contract:
    return msgspec.json.decode((folder / CARD).read_bytes(), type=_Card).contract


def _writer(name: str) -> Step[..., Any]:
    return next(step for step in LIFECYCLE if name in step.writes)


def _source(folder: ProjectFolder, file: Path, how: dict[str, Any]) -> Any:
    from shipway.adapters.files import FilesSource

    if not file.is_file():
        raise UsageError(f"there is no file {file}; name a CSV or Parquet file")
    section = folder.section("ingest").get("source", {})
    same = section if isinstance(section, dict) and section.get("kind") == "files" else {}
    given = {name: value if value is not None else same.get(name) for name, value in how.items()}
    words = {name: value for name, value in given.items() if value is not None}
    return FilesSource(Path.cwd(), path=glob.escape(str(file.resolve())), **words)
