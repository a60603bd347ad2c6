"""What a project's contract makes of rows, and what came of its last run: looked at, never run and never changed."""

from __future__ import annotations

import glob
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway import wiring
from shipway.core import disk, quarantine, schema_changes, table_changes
from shipway.core.artifacts import ROW, SOURCE, Checked
from shipway.core.contract import Contract, read
from shipway.core.errors import UsageError
from shipway.core.plan import inputs_of, key_of, settings_of
from shipway.core.ports import Progress
from shipway.core.profile import Profile
from shipway.core.project import ProjectFolder
from shipway.core.quarantine import Reason
from shipway.core.rows import Rows, RowsWriter
from shipway.core.rows import keep as keep_rows
from shipway.core.schema_changes import SchemaChange
from shipway.core.step import Step
from shipway.core.workspace import Workspace
from shipway.steps import LIFECYCLE

if TYPE_CHECKING:
    from shipway.adapters.files import FilesSource
    from shipway.adapters.files.repeats import Unrepeated
    from shipway.core.artifacts import Table

CHECK = next(step for step in LIFECYCLE if step.name == "check")
CLEAN = next(step for step in LIFECYCLE if step.name == "clean")
TRAIN = next(step for step in LIFECYCLE if step.name == "train")
CARD = "card.json"
"""In a bundle and in a kept model: what the model says of itself, its contract included."""


LOOKED_AT = 200_000
"""Rows of a table that are compared with a contract; of a higher one an even sample, as `shipway new` takes for its guesses."""


class Trained(msgspec.Struct, frozen=True):
    """What a model says of the rows that it learned from, as its `card.json` has it."""

    contract: Contract
    profile: Profile


@dataclass
class FileCheck:
    """What a file has that the contract does not allow.

    Attributes:
        bad_rows: Rows that break a rule; `reasons` counts broken rules, of which a row may have several.
        quarantine: The bad rows, a line a broken rule; None where they were not asked for.
        clean_rows: Rows that were written as `clean` would keep them; None where none were.
    """

    rows: int = 0
    bad_rows: int = 0
    max_bad_share: float = 0.0
    reasons: Counter[Reason] = field(default_factory=Counter)
    changes: list[SchemaChange] = field(default_factory=list)
    quarantine: Rows | None = None
    clean_rows: int | None = None

    @property
    def held(self) -> bool:
        """Whether a run would go on with these rows."""
        return self.bad_rows <= self.max_bad_share * self.rows and self.bad_rows < self.rows


def check_file(
    folder: ProjectFolder, file: Path, progress: Progress, *, keep: Path | None = None, clean: Path | None = None, **how: Any
) -> FileCheck:
    """Read a table file by the project's contract as a run would, batch by batch, without running anything.

    Args:
        file: CSV or Parquet.
        keep: A folder to keep the bad rows in, as the parts of a quarantine.
        clean: Where to write the rows that the steps `check` and `clean` would keep, typed, as one Parquet file; it is there
            whole or not at all, and not where a run would stop.
        how: `separator` and `encoding` of the file; those of `[ingest.source]` where that reads files too.
    """
    if clean is None:
        return _check(folder, file, progress, None, keep=keep, how=how)
    if not clean.parent.is_dir():
        raise UsageError(f"there is no folder {clean.parent} to write {clean.name} into; make it first")
    with tempfile.TemporaryDirectory(dir=clean.parent, prefix=f".{clean.name}.") as scratch:
        found = _check(folder, file, progress, Path(scratch) / "checked", keep=keep, how=how)
        if found.held:
            settings = settings_of(CLEAN, folder)
            found.clean_rows = _tidy(Path(scratch), clean, folder.contract, progress, settings)
    return found


def _check(
    folder: ProjectFolder, file: Path, progress: Progress, checked: Path | None, *, keep: Path | None, how: dict[str, Any]
) -> FileCheck:
    """As `check_file`; the rows that keep the contract are written into *checked*, but for lines that repeat earlier ones."""
    import polars as pl

    found = FileCheck(max_bad_share=settings_of(CHECK, folder)["max_bad_share"])
    dropping = checked is None or settings_of(CLEAN, folder)["duplicates"] == "drop"
    columns: dict[str, None] = {}
    writer = RowsWriter(checked) if checked is not None else None
    aside = RowsWriter(keep) if keep is not None else None
    for batch in _batches(_source(folder, file, how), progress, unrepeated=dropping):
        rows = batch.rows
        if not rows.height and columns:  # all were left out
            found.rows += batch.left_out
            continue
        reading = read(folder.contract, rows, target=True)
        bad = quarantine.bad(reading.broken)
        good = pl.Series([True]).new_from_index(0, rows.height).scatter(bad, False)
        batch.settled = good
        columns.update(dict.fromkeys(rows.columns))
        found.rows += rows.height + batch.left_out
        found.bad_rows += len(bad)
        found.reasons += quarantine.reasons(reading.broken)
        if writer is not None:
            writer.write(reading.frame.filter(good) if len(bad) else reading.frame)
        if aside is not None:
            placed = rows.with_columns(pl.lit(batch.name).alias(SOURCE), batch.places.alias(ROW))
            for lines in (quarantine.empty(), *quarantine.lines(placed, reading.broken)):
                aside.write(lines)
    if not found.rows:
        raise UsageError(f"{file} has no rows, so there is nothing to check; name a table with rows")
    if writer is not None and found.held:
        writer.finish()
    evidence = schema_changes.evidence(found.reasons, found.rows)
    found.changes = schema_changes.changes(folder.contract, list(columns), evidence)
    if aside is not None and keep is not None:
        # lines that were told from repeated ones are read after the others
        sorted_lines = aside.finish().frame().sort("row", maintain_order=True)
        found.quarantine = keep_rows(sorted_lines, keep / "sorted")
    return found


def _tidy(scratch: Path, clean: Path, contract: Contract, progress: Progress, settings: dict[str, Any]) -> int:
    """Write what the step `clean` would keep of the rows in *scratch*, and count it."""
    import polars as pl

    from shipway.steps.clean import tidy

    how = {name: settings[name] for name in ("duplicates", "conflicts")}
    rows, tally, _ = tidy(Rows(scratch / "checked"), contract=contract, staging=scratch, progress=progress, **how)
    whole = rows.parts[0]
    if len(rows.parts) > 1:
        whole = scratch / "clean.parquet"
        pl.scan_parquet(rows.parts, glob=False).sink_parquet(whole)
    disk.publish_file(whole, clean)
    return tally.kept


def quarantined(place: Workspace, folder: ProjectFolder) -> Iterator[Table]:
    """The rows in quarantine as the contract is now, a line a broken rule; in parts, so that there may be any number of them.

    They are the result of `check` where that is there; where `check` failed, or the contract changed since, the rows of the last
    `combine` are read anew.

    Raises:
        UsageError: The project has received no rows yet.
    """
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
        yield from checked.quarantine_rows.batches()
        return
    combine = _writer("rows")
    rows = Rows.load(cache.place(combine, keys["rows"], "rows"))
    for batch in rows.batches():
        yield from quarantine.lines(batch, read(folder.contract, batch.drop(SOURCE, ROW), target=True).broken)


def compare_table(place: Workspace, folder: ProjectFolder, file: Path, progress: Progress) -> list[SchemaChange]:
    """What the table *file* has otherwise than the project's contract says: columns, types, levels, gaps, bounds and spelling.

    What the champion (or else the model trained last) learned from helps to tell renamed columns by their values.
    """
    from shipway.core import sampling

    batches = (rows for _, _, rows in _source(folder, file, {}).batches(progress))
    sample, height = sampling.thin(batches, limit=LOOKED_AT, target=None)
    if not height:
        raise UsageError(f"{file} has no rows, so there is nothing to compare; name a table with rows")
    trained = _trained(place, folder.name)
    observed = table_changes.observe(folder.contract, sample)
    return table_changes.changes(folder.contract, observed, trained[1].profile if trained else None)


def frozen_contract(place: Workspace, name: str) -> tuple[str, Contract]:
    """The contract that a model of the project was trained by, and which model that is: the champion, else the last trained one.

    Raises:
        UsageError: No model was trained yet.
    """
    trained = _trained(place, name)
    if trained is None:
        raise UsageError(
            f"{name} has no model yet to compare with; name a contract or a table file, or train one: shipway run {name}"
        )
    return trained[0], trained[1].contract


def _trained(place: Workspace, name: str) -> tuple[str, Trained] | None:
    """The champion, else the model trained last, with what it says of its rows; None where there is none."""
    folder, adapters = wiring.open_project(place, name)
    release = adapters.registry.export(place.bundles / folder.name)
    if release is not None:
        kept = place.bundles / folder.name / release.version / "bundle"
        return f"the champion, version {release.version}", _card(kept)
    cache = place.cache(folder.name)
    record = cache.latest(TRAIN)
    return None if record is None else ("the model trained last", _card(cache.place(TRAIN, record.key, "model")))


def _card(folder: Path) -> Trained:
    return msgspec.json.decode((folder / CARD).read_bytes(), type=Trained)


def _writer(name: str) -> Step[..., Any]:
    return next(step for step in LIFECYCLE if name in step.writes)


def _batches(source: FilesSource, progress: Progress, *, unrepeated: bool) -> Iterator[Unrepeated]:
    """The rows of *source*; lines that repeat settled ones are left out if they may be."""
    from shipway.adapters.files import repeats

    if unrepeated:
        yield from source.unrepeated(progress)
    else:
        for name, first, rows in source.batches(progress):
            yield from repeats.unrepeated(name, iter([(first, rows)]))


def _source(folder: ProjectFolder, file: Path, how: dict[str, Any]) -> FilesSource:
    from shipway.adapters.files import FilesSource

    if not file.is_file():
        raise UsageError(f"there is no file {file}; name a CSV or Parquet file")
    section = folder.section("ingest").get("source", {})
    same = section if isinstance(section, dict) and section.get("kind") == "files" else {}
    given = {name: value if value is not None else same.get(name) for name, value in how.items()}
    words = {name: value for name, value in given.items() if value is not None}
    return FilesSource(Path.cwd(), path=glob.escape(str(file.resolve())), **words)
