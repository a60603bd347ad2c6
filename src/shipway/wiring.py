"""The one place where adapters meet steps and services."""

from __future__ import annotations

import filecmp
import functools
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from shipway import settings as settings_module
from shipway.core import disk, pipeline, plugins, project, wheel, workspace
from shipway.core.errors import UsageError
from shipway.core.keys import KeyFile
from shipway.core.pipeline import Run, Selection
from shipway.core.plan import Planned
from shipway.core.ports import Clock, DataVersions, Journal, ModelRegistry, Source
from shipway.core.project import ProjectFolder
from shipway.core.watching import Watcher
from shipway.core.workspace import Workspace
from shipway.settings import Settings
from shipway.steps import LIFECYCLE

SOURCES = {
    "dataset": "shipway.adapters.datasets:DatasetSource",
    "files": "shipway.adapters.files:FilesSource",
}
SOURCE_CONTEXT = ("root", "state", "data_dir", "cache_dir", "stand_in")
"""What a source's adapter gets from here when it asks for it by name; its other keywords are keys of `[ingest.source]`."""

EXAMPLES = ("telco_churn", "iris", "airline_satisfaction")
MARK_TEXT = """\
# Settings of this workspace; the environment goes before them. Secrets never stand here.
commit = {commit}   # commit and tag data versions in git
"""
IGNORED = ("/.shipway/", "/mlflow.db*", "/mlartifacts/", "/projects/*/.wheels", "__pycache__/")


class SystemClock:
    def now(self) -> datetime:
        return datetime.now().astimezone()


class Adapters:
    """The adapter for each port, made when first asked for, for one project of a workspace."""

    def __init__(self, place: Workspace, settings: Settings, folder: ProjectFolder, *, stand_in: bool) -> None:
        self.place, self.settings, self.folder, self.stand_in = place, settings, folder, stand_in

    def __call__(self, port: Any) -> Any:
        makers: dict[Any, Callable[[], Any]] = {
            Source: lambda: self.source,
            DataVersions: lambda: self.versions,
            ModelRegistry: lambda: self.registry,
            Clock: SystemClock,
        }
        return makers[port]() if port in makers else None

    @functools.cached_property
    def source(self) -> Any:
        where = f"{self.folder.file}: [ingest.source]"
        section = self.folder.section("ingest").get("source", {})
        given = dict(section) if isinstance(section, dict) else {}
        kind = given.pop("kind", None)
        if not isinstance(kind, str):
            raise UsageError(f'{where} needs a kind, such as kind = "files"; known are: {", ".join(SOURCES)}')
        adapter = plugins.find("shipway.sources", kind, SOURCES)
        data_dir = Path(self.settings.data_dir) if self.settings.data_dir else None
        context = (self.folder.folder, self.place.state, data_dir, Path(self.settings.cache_dir), self.stand_in)
        return plugins.build(adapter, where, given, dict(zip(SOURCE_CONTEXT, context, strict=True)))

    @functools.cached_property
    def versions(self) -> Any:
        from shipway.adapters.dvc_versions import DvcVersions
        from shipway.adapters.git import Git

        return DvcVersions(
            self.place.root, self.folder.name, Git(self.place.root), commit=self.settings.commit, state=self.place.state
        )

    @functools.cached_property
    def tracker(self) -> Any:
        from shipway.adapters.mlflow.tracking import MlflowTracker

        return MlflowTracker(self.place.root, self.folder.name, self.settings.tracking_uri, Path(self.settings.cache_dir))

    @functools.cached_property
    def registry(self) -> Any:
        from shipway.adapters.mlflow.registry import MlflowRegistry

        return MlflowRegistry(
            self.place.root, self.folder.name, self.settings.tracking_uri, Path(self.settings.cache_dir), self.tracker
        )


def open_workspace(start: Path | None = None) -> Workspace:
    """The workspace around *start*, or around the current folder."""
    return workspace.find(start or Path.cwd())


def open_project(
    place: Workspace, name: str, *, variant: str | None = None, overrides: Iterable[str] = (), stand_in: bool = False
) -> tuple[ProjectFolder, Adapters]:
    """A project by name or path, checked, with its adapters."""
    folder = project.load(place.folder(name), variant=variant, overrides=overrides)
    return folder, Adapters(place, settings_module.load(place.root), folder, stand_in=stand_in)


def run(
    place: Workspace,
    name: str,
    *,
    selection: Selection,
    watcher: Watcher,
    variant: str | None = None,
    overrides: Iterable[str] = (),
    stand_in: bool = False,
    report: Run | None = None,
) -> Run:
    """Take one project through the lifecycle. Raises as `pipeline.run` does, and UsageError when it is being run already.

    *report* is filled as the run goes, so that the caller has it even where the run fails.
    """
    report = report or Run()
    folder, adapters = open_project(place, name, variant=variant, overrides=overrides, stand_in=stand_in)
    with disk.locked(place.lock(folder.name), f"a run of {folder.name}"):
        pipeline.run(
            LIFECYCLE,
            folder,
            place.cache(folder.name),
            adapters,
            selection=selection,
            watcher=watcher,
            tracker=adapters.tracker,
            report=report,
        )
    return report


def explain(
    place: Workspace,
    name: str,
    *,
    selection: Selection,
    variant: str | None = None,
    overrides: Iterable[str] = (),
    stand_in: bool = False,
) -> list[Planned]:
    """What a run with the same words would do and why."""
    folder, adapters = open_project(place, name, variant=variant, overrides=overrides, stand_in=stand_in)
    return pipeline.explain(LIFECYCLE, folder, place.cache(folder.name), adapters, selection=selection)


def example_row(place: Workspace, name: str) -> dict[str, Any]:
    """The first row that a project's last `ingest` received, as it was received: a valid request."""
    import polars

    from shipway.core.artifacts import ROW, SOURCE, Received

    ingest = LIFECYCLE[0]
    cache = place.cache(name)
    record = cache.latest(ingest)
    if record is None:
        raise UsageError(f"{name} has received no data yet; `shipway run {name}` brings it in")
    received = Received.load(cache.place(ingest, record.key, "received"))
    row = polars.scan_parquet(received.folder / "part-00000.parquet").drop(SOURCE, ROW).head(1).collect()
    return row.to_dicts()[0]


def data_report(place: Workspace, name: str) -> Path:
    """The page that a project's last `clean` drew of its data. Raises UsageError when there is none."""
    step = next(step for step in LIFECYCLE if "data_report" in step.writes)
    folder = place.folder(name)
    cache = place.cache(folder.name)
    record = cache.latest(step)
    page = None if record is None else cache.place(step, record.key, "data_report") / "page.html"
    if page is None or not page.stat().st_size:
        raise UsageError(f"{folder.name} has no data report yet; `shipway run {folder.name} --to clean` draws it")
    return page


def journal(place: Workspace) -> Journal:
    """The journal of a workspace; nothing is opened yet. Raises OutsideError where PostgreSQL's driver is not installed."""
    url = settings_module.load(place.root).journal
    if url is None:
        from shipway.adapters.journal import SqliteJournal

        return SqliteJournal(place.journal)
    from shipway.adapters.journal.postgres import PostgresJournal

    return PostgresJournal(url)


def keys(place: Workspace) -> KeyFile:
    """The file of the service's API keys; whether it is there is for who reads it."""
    named = settings_module.load(place.root).keys
    return KeyFile(place.keys if named is None else place.root / named, named=named is not None)


def is_repository(root: Path) -> bool:
    """Whether *root* lies in a git repository already."""
    from shipway.adapters.git import Git

    return root.is_dir() and Git(root).is_repository()


def create_workspace(root: Path, *, examples: bool, commit: bool | None = None) -> Workspace:
    """Make *root* a git and DVC workspace; what is there already stays as it is, and a call that was cut short is finished.

    Args:
        examples: Also copy the three case studies, with a first run still to do.
        commit: Whether data versions are committed and tagged; None means yes in a repository that this call makes, and no in
            one that was there before. A workspace that is there already keeps its answer.
    """
    from shipway.adapters.dvc_versions import DvcVersions
    from shipway.adapters.git import Git

    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    git, place, mark = Git(root), Workspace(root), root / workspace.MARK
    if not mark.exists():
        answer = str(commit if commit is not None else not git.is_repository()).lower()
        disk.write_file(mark, MARK_TEXT.format(commit=answer).encode())
    if not git.is_repository():
        git.init()
    changed = [mark, _ignore(root), *write_schemas(root), *DvcVersions.init(root)]
    place.projects.mkdir(exist_ok=True)
    for name in EXAMPLES if examples else ():
        example, folder = wheel.examples() / name, place.projects / name
        if not folder.exists():
            staged = place.state / "staging" / f"example-{name}"
            shutil.rmtree(staged, ignore_errors=True)
            shutil.copytree(example, staged, ignore=shutil.ignore_patterns("__pycache__", wheel.LINK))
            disk.publish_folder(staged, folder)
        files = [path.name for path in example.iterdir() if path.is_file()]
        if not any(filecmp.cmpfiles(example, folder, files, shallow=False)[1:]):
            changed.append(folder)
    wheel.provide(place.wheels, [place.projects / name for name in place.names()])
    if settings_module.load(root).commit:
        git.commit_paths([path for path in changed if path.exists()], "Make a Shipway workspace")
    return place


def write_schemas(root: Path) -> list[Path]:
    """Put the JSON Schemas of `project.toml` and `contract.toml` into *root*, where this version makes others than are there."""
    from shipway import schemas

    return schemas.write(root, schemas.generate(LIFECYCLE, SOURCES, SOURCE_CONTEXT))


def _ignore(root: Path) -> Path:
    file = root / ".gitignore"
    before = file.read_bytes() if file.exists() else b""
    end = b"" if not before or before.endswith(b"\n") else b"\n"
    if missing := [line for line in IGNORED if line.encode() not in before.splitlines()]:
        disk.write_file(file, before + end + "".join(f"{line}\n" for line in missing).encode())
    return file
