"""Where the results of steps are kept, each whole or not at all, with a record of what they were made from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from shipway.core import disk
from shipway.core.step import Step

KEPT = 3
"""Results of a step that stay in the cache, so that going back and forth between two settings runs nothing."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept beside a step's results. `inputs` is all that went into the key, by name; `files` the size of each file."""

    step: str
    key: str
    inputs: dict[str, str]
    seconds: float
    note: str
    warnings: list[str]
    files: dict[str, int] = {}


@dataclass(frozen=True)
class Cache:
    """Where a project's results are kept: `FOLDER/STEP/KEY/` with `step.json` and a folder a result."""

    folder: Path
    staging: Path

    def find(self, step: Step[..., Any], key: str) -> Record | None:
        return self._record(self.folder / step.name / key)

    def latest(self, step: Step[..., Any]) -> Record | None:
        """The record of the step's last run."""
        try:
            key = (self.folder / step.name / "latest").read_text()
        except FileNotFoundError:
            return None
        return self._record(self.folder / step.name / key)

    def kept(self, step: Step[..., Any]) -> list[Record]:
        """The records of all its runs whose results are still there."""
        records = (self._record(path.parent) for path in (self.folder / step.name).glob("*/step.json"))
        return [record for record in records if record is not None]

    def place(self, step: Step[..., Any], key: str, name: str) -> Path:
        """The folder of one result."""
        return self.folder / step.name / key / name

    def keep(self, step: Step[..., Any], record: Record, results: Mapping[str, Any]) -> None:
        """Save results and record aside and move them into place in one step."""
        staged = self.staging / record.key
        shutil.rmtree(staged, ignore_errors=True)
        for name, value in results.items():
            (staged / name).mkdir(parents=True)
            step.kinds[name].save(value, staged / name)
        files = {path.relative_to(staged).as_posix(): path.stat().st_size for path in staged.rglob("*") if path.is_file()}
        (staged / "step.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(record, files=files)))
        disk.publish_folder(staged, self.folder / step.name / record.key)
        self.mark(step, record.key)
        self._prune(step)

    def mark(self, step: Step[..., Any], key: str) -> None:
        """Make *key* the step's latest."""
        latest = self.folder / step.name / "latest"
        if not latest.exists() or latest.read_text() != key:
            disk.write_file(latest, key.encode())

    def _prune(self, step: Step[..., Any]) -> None:
        kept = sorted((self.folder / step.name).glob("*/step.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-KEPT]:
            shutil.rmtree(path.parent)

    @staticmethod
    def _record(folder: Path) -> Record | None:
        """The record in *folder*; None where there is none, or a file beside it is gone or cut short."""
        try:
            record = msgspec.json.decode((folder / "step.json").read_bytes(), type=Record)
            return record if all((folder / name).stat().st_size == size for name, size in record.files.items()) else None
        except (FileNotFoundError, msgspec.DecodeError):
            return None
