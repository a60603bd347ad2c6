"""A project begun from a bare table: what is guessed of it, written down where a person can read and overrule it."""

from __future__ import annotations

import difflib
import glob
import itertools
import math
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shipway import settings, wiring
from shipway.adapters.git import Git
from shipway.core import disk, file_schemas, wheel, workspace
from shipway.core.dialect import Dialect
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import Progress
from shipway.core.project import NAME
from shipway.core.workspace import Workspace

if TYPE_CHECKING:
    from shipway.adapters.files import FilesSource
    from shipway.core.artifacts import Table
    from shipway.core.contract import Contract
    from shipway.core.inference import Guess

SHOWN_COLUMNS = 20
LOOKED_AT = 200_000
"""Rows that the guesses are made from; of a higher table an even sample, with each class and each column's first empty cell."""

LINES_OF_NAMES = 5
"""First rows that may be the line of names, below one of groups of columns."""

USUAL_SHARE = 0.05
"""`[check] max_bad_share` as it is when nobody sets it."""

MARGIN = 1.2
"""How much more rows than now may break the contract where more than usual do, so that the next delivery is no surprise."""

PROJECT_TEXT = """\
{directive}
# Written by `shipway new` from {rows:,} rows of {file}. Each line that is a guess says why; change what is wrong.
[project]
title = {title}
# ignore = ["a column"]   # accepted, and of no part in the model: for a column that gives the target away

[ingest.source]
kind = "files"
path = {path}{why}
{dialect}
# The rest holds as it is; take away a # to change it. Every setting: docs/project-file.md, or let an editor complete it.
{check}
{equals}
# rare_classes = "keep"   # those too rare to split, in training; or "merge", "fail"
# [preprocess]
# imbalance = "report"    # or "class_weights", "over", "under", "smote"
# [tune]
# metric = "{metric}"
# [validate.gates]
# {metric} = {{ at_least = 0.8 }}   # without gates every model becomes the champion
"""

README_TEXT = """\
# {name}

Predicts `{target}` ({classes}) from {features} of `{file}`. Begun by `shipway new`; `contract.toml` says of each column what was
guessed and why.

```
shipway run {name}
shipway serve {name}
```
"""


@dataclass(frozen=True)
class Begun:
    """A project that was just written.

    Attributes:
        rows: How many the table has.
        remarks: What a person should look at.
    """

    place: Workspace
    name: str
    contract: Contract
    rows: int
    remarks: list[str]

    @property
    def folder(self) -> Path:
        return self.place.projects / self.name


def begin(table: Path, target: str, *, start: Path, name: str | None, progress: Progress) -> Begun:
    """Write a project for *table*: `project.toml` and `contract.toml` with each guess and its reason.

    The workspace is the one around *start*; where there is none, *start* becomes one. Nothing is written unless the table can be
    read and its target be learned.

    Args:
        target: The column to predict, by its name, or by its place: 0 is the first, -1 the last.
        name: The project's; the table's without what a name can't have when left out.

    Raises:
        UsageError: The file is not there, the target is none that can be learned, or there is such a project already.
        DataError: The file is no table, or one without rows.
    """
    from shipway.core.inference import document

    place = _place(start)
    chosen = _name(table, name, place)
    seen = guess(table, target, progress)
    files = {
        "project.toml": _project(chosen, table.absolute(), place, seen),
        "contract.toml": document.write(seen.guess, schema=file_schemas.address("contract")),
        "README.md": _readme(chosen, table, seen.guess.contract),
        **_mlflow_files(chosen),
    }
    wiring.create_workspace(place.root, examples=False)
    _write(place, chosen, files)
    return Begun(place, chosen, seen.guess.contract, seen.rows, seen.guess.remarks)


@dataclass(frozen=True)
class Guessed:
    """What is guessed of a table: its contract, its rows counted, and how its text is written and why (None for Parquet)."""

    guess: Guess
    rows: int
    written: tuple[Dialect, Mapping[str, str]] | None


def guess(table: Path, target: str, progress: Progress) -> Guessed:
    """Guess the contract of the file *table*, from all of its rows or, where there are very many, from an even sample.

    Raises as `begin` does.
    """
    from shipway.adapters.files import FilesSource
    from shipway.core.inference import infer

    table = table.absolute()
    if not table.is_file():
        if table.is_dir():
            raise UsageError(f"{table} is a folder; name one file in it")
        if table.exists():
            raise UsageError(f"{table} is a pipe or a device, which can be read only once; save what comes out of it as a file")
        raise UsageError(f"{table} is not there{_near(table)}")
    with tempfile.TemporaryDirectory() as state:
        source = FilesSource(table.parent, path=glob.escape(str(table)), state=Path(state))
        column, rows, height = look(source, target, progress)
        written = list(source.dialects().values())
    with progress("guessing types and roles"):
        return Guessed(infer(rows, target=column), height, written[0] if written else None)


def look(source: FilesSource, target: str, progress: Progress) -> tuple[str, Table, int]:
    """The name of the target, the rows to guess from, and how many rows there are."""
    from shipway.core import sampling

    batches: Iterator[Table] = (batch for _, _, batch in source.batches(progress))
    first = next(batches, None)
    if first is None:
        raise DataError("the table has no rows; name a file with a line of names and rows below it")
    column = _found(target, first)
    rows, height = sampling.thin(itertools.chain([first], batches), limit=LOOKED_AT, target=column)
    return column, rows, height


def _found(target: str, first: Table) -> str:
    """As `resolve`; where *target* names no column of the *first* rows, but is a cell of them, the line of names is another."""
    try:
        return resolve(target, first.columns)
    except UsageError:
        for number, row in enumerate(first.head(LINES_OF_NAMES).iter_rows(), 1):
            if target in row:
                raise UsageError(
                    f"the table has no column {target!r}, but its row {number} has such a cell: if that is the line of names, "
                    "take away what stands above it"
                ) from None
        raise


def resolve(target: str, columns: Sequence[str]) -> str:
    """The column that *target* names, or whose place it is: 0 is the first, -1 the last; a name goes before a place.

    Raises:
        UsageError: There is no such column, naming the nearest.
    """
    if target in columns:
        return target
    alike = [column for column in columns if column.strip().casefold() == target.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    if re.fullmatch(r"[+-]?\d+", target.strip()):
        place = int(target)
        if -len(columns) <= place < len(columns):
            return columns[place]
        raise UsageError(f"there is no column at place {place}: the table has {len(columns)}, from 0 to {len(columns) - 1} or -1")
    near = difflib.get_close_matches(target, columns, n=1) or [columns[-1]]
    shown = ", ".join(map(repr, columns[:SHOWN_COLUMNS])) + (", ..." if len(columns) > SHOWN_COLUMNS else "")
    raise UsageError(f"the table has no column {target!r}; did you mean {near[0]!r}? The columns are {shown}")


def _near(table: Path) -> str:
    if not table.parent.is_dir():
        return f", nor is the folder {table.parent}"
    near = difflib.get_close_matches(table.name, [path.name for path in table.parent.iterdir() if path.is_file()], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _place(start: Path) -> Workspace:
    try:
        return workspace.find(start)
    except UsageError:
        return Workspace(start.resolve())


def _name(table: Path, name: str | None, place: Workspace) -> str:
    """The project's name: as given, or made from the file's."""
    chosen = name
    if chosen is None:
        stem = table.name.partition(".")[0] if table.name.count(".") > 1 else table.stem
        chosen = re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_").lower() or "project"
    if not NAME.fullmatch(chosen):
        raise UsageError(
            f"--name {chosen!r}: a project's name is of letters, digits, - and _, and starts with none of the last two"
        )
    if (place.projects / chosen).exists():
        raise UsageError(
            f"there is a project {chosen!r} in {place.projects} already; choose another with --name, or mend its contract.toml"
        )
    return chosen


def _project(name: str, table: Path, place: Workspace, seen: Guessed) -> str:
    """The text of `project.toml`."""
    from shipway.core.inference.distinct import quoted

    inside = table.resolve().is_relative_to(place.root)
    path = table.resolve().relative_to(place.root).as_posix() if inside else str(table)
    dialect, reasons = seen.written or (Dialect(), {})
    given = {key: getattr(dialect, key) for key in reasons}
    lines = [f"{key} = {_toml(value)}   # {reasons[key]}\n" for key, value in given.items()]
    return PROJECT_TEXT.format(
        directive=file_schemas.directive("project"),
        file=table.name,
        rows=seen.rows,
        title=quoted(name.replace("_", " ").capitalize()),
        path=quoted(glob.escape(path)),
        why="" if inside else "   # outside of the workspace: elsewhere on another machine",
        dialect="".join(lines),
        check=_check(seen.guess),
        equals=_equals(seen.guess),
        metric="roc_auc" if len(seen.guess.contract.classes) == 2 else "accuracy",
    )


def _check(guess: Guess) -> str:
    """The section `[check]`, which bears the rows that the contract sets apart now."""
    share = guess.bad / max(guess.rows, 1)
    if share <= USUAL_SHARE:
        return f"# [check]\n# max_bad_share = {USUAL_SHARE}    # a larger share of rows that break contract.toml stops the run"
    allowed = min(1.0, math.ceil(100 * share * MARGIN) / 100)
    why = f"{guess.bad:,} of {guess.rows:,} rows have no class or can't be read, and are set apart"
    return f"[check]\nmax_bad_share = {allowed:g}    # {why}"


def _equals(guess: Guess) -> str:
    """The sections `[clean]` and `[split]`, as far as equal rows are different cases."""
    kept = f'[clean]\nduplicates = "keep"    # {guess.repeats}; as repeats: "drop"\n' if guess.repeats else ""
    return f'{kept}[split]\ntwins = "spread"    # {guess.twins}; on one side: "together"' if guess.twins else f"{kept}# [split]"


def _toml(value: str | bool | int | None) -> str:
    """A key of a dialect as TOML, where an empty text stands for none."""
    from shipway.core.inference.distinct import quoted

    return quoted(value or "") if isinstance(value, str | None) else str(value).lower()


def _readme(name: str, table: Path, contract: Contract) -> str:
    return README_TEXT.format(
        name=name,
        target=contract.target,
        classes=f"{len(contract.classes)} classes",
        features=f"{len(contract.features)} columns",
        file=table.name,
    )


def _mlflow_files(name: str) -> dict[str, str]:
    """What `mlflow run` reads: those of a case study, for this project."""
    example = wheel.examples() / "iris"
    return {file: (example / file).read_text().replace("iris", name) for file in ("MLproject", "python_env.yaml")}


def _write(place: Workspace, name: str, files: Mapping[str, str]) -> None:
    """Put the project folder into place in one step, and commit it in a workspace that commits."""
    staged = place.state / "staging" / f"new-{name}"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    for file, text in files.items():
        (staged / file).write_text(text, encoding="utf-8")
    disk.publish_folder(staged, place.projects / name)
    folder = place.projects / name
    wheel.provide(place.wheels, [folder])
    if settings.load(place.root).commit:
        Git(place.root).commit_paths([folder], f"Begin the project {name}")
