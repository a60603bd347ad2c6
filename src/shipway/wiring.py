"""The one place where adapters meet steps and services."""

from __future__ import annotations

import filecmp
import functools
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway import settings as settings_module
from shipway.core import disk, keeping, lineup, pipeline, plugins, project, wheel, workspace
from shipway.core.errors import OutsideError, UsageError
from shipway.core.lineup import Lineup
from shipway.core.models import Release
from shipway.core.pipeline import Run, Selection
from shipway.core.plan import Planned
from shipway.core.ports import Clock, DataVersions, Journal, ModelRegistry, Source
from shipway.core.project import ProjectFolder
from shipway.core.watching import Watcher
from shipway.core.workspace import Workspace
from shipway.settings import Settings
from shipway.steps import LIFECYCLE

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shipway.serving.entries import Journalling
    from shipway.serving.server import Manner

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


def look(adapters: Adapters) -> Lineup:
    """Ask the registry what a project's aliases point to, bring what may be served, and tell the workers by the lineup file.

    Where the registry does not answer, what was found before stays.
    """
    folder = adapters.place.bundles / adapters.folder.name
    before = lineup.read(folder)
    try:
        found: Lineup = adapters.registry.follow(folder, before)
    except OutsideError as error:
        found = msgspec.structs.replace(before, away=str(error))
    if found != before:
        lineup.write(folder, found)
    return found


def releases(place: Workspace, names: Sequence[str] = ()) -> list[tuple[Release, Path]]:
    """What the champion of each project (all of the workspace by default) is, with the folder of its bundle.

    Raises:
        UsageError: A project that was named has no champion, or none has one.
        OutsideError: The same, where a registry does not answer, or refuses what it points to.
    """
    found, without, told = [], [], []
    for name in names or place.names():
        folder, adapters = open_project(place, name)
        seen = look(adapters)
        version = seen.versions.get(lineup.CHAMPION)
        told += [f"{folder.name}: {problem}" for problem in seen.problems]
        if version is None:
            without.append(folder.name)
        else:
            found.append(lineup.released(place.bundles / folder.name, version))
    if without and (names or not found):
        if told:
            raise OutsideError("; ".join(told))
        raise UsageError(f"no champion to serve for {', '.join(without)}; `shipway run {' '.join(without)}` makes one")
    if not found:
        raise UsageError(f"there is no project in {place.projects}; `shipway init {place.root} --examples` adds three")
    return found


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


def journalling(place: Workspace, names: Iterable[str]) -> Journalling:
    """What a service of the projects *names* needs to keep its predictions, as each says in `[serve.journal]`."""
    from shipway.serving.entries import Journalling

    keepings = {name: keeping.of(project.load(place.folder(name))) for name in names}
    return Journalling(journal(place), keepings, disk.secret(place.salt))


def serve(
    place: Workspace, found: Sequence[tuple[Release, Path]], host: str, port: int, workers: int = 1, manner: Manner | None = None
) -> None:
    """Serve releases, and what follows them in the registry, until the process is told to stop.

    Beside the *workers* one watcher asks the registry; a single worker is this process itself.
    """
    from shipway.serving import processes, server

    manner = manner or server.Manner()
    names = [release.name for release, _ in found]
    ours = [sys.executable, "-m", "shipway"]
    beside = {"the watcher of the registry": [*ours, "follow", *names]}
    with server.listen(host, port, manner) as listener:
        if workers == 1:
            with processes.kept(beside, place.root):
                server.answer(_app(place, found), listener, manner)
            return
        command = [*ours, "work", "--socket", str(listener.fileno()), *manner.options, *names]
        beside |= {f"worker {number}": command for number in range(1, workers + 1)}
        with processes.kept(beside, place.root, listener=listener, drain=manner.drain):
            server.wait()


def manner(known: Settings, *, certificate: str | None = None, key: str | None = None, drain: float | None = None) -> Manner:
    """How a service listens and ends: by the options, else the settings. Raises UsageError for a certificate without its key."""
    from shipway.serving import tls
    from shipway.serving.connections import Limits
    from shipway.serving.server import Manner

    return Manner(
        tls=tls.files(certificate or known.tls_certificate, key or known.tls_key),
        drain=known.drain if drain is None else drain,
        limits=Limits(
            connections=known.connections,
            header_seconds=known.header_seconds,
            body_seconds=known.body_seconds,
            send_seconds=known.send_seconds,
            idle_seconds=known.idle_seconds,
        ),
    )


def work(place: Workspace, names: Sequence[str], descriptor: int, manner: Manner) -> None:
    """Be one of several workers: serve what the lineups say on a socket that is listening already."""
    from shipway.serving import processes, server

    processes.until_alone()
    champions = {name: lineup.read(place.bundles / name).versions[lineup.CHAMPION] for name in names}
    found = [lineup.released(place.bundles / name, version) for name, version in champions.items()]
    server.answer(_app(place, found, patient=True), socket.socket(fileno=descriptor), manner)


def _app(place: Workspace, found: Sequence[tuple[Release, Path]], *, patient: bool = False) -> FastAPI:
    from shipway.serving.app import create_app

    journal = journalling(place, [release.name for release, _ in found])
    return create_app(found, follow=place.bundles, journal=journal, patient=patient)


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
