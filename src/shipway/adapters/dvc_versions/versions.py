"""The data versions of a project: content in DVC's cache, names in a ledger and, where commits are wanted, in git."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway.adapters.dvc_versions import repository
from shipway.adapters.dvc_versions.cache import Cache, Parts, parts_of
from shipway.core.artifacts import DataVersion, Origin, Received
from shipway.core.disk import link_or_copy, locked, publish_folder, write_file
from shipway.core.errors import DataError, OutsideError, UsageError

if TYPE_CHECKING:
    from shipway.core.ports import DataVersions

PERIODS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
PART = re.compile(r"part-\d{5,}\.parquet")


class Commits(Protocol):
    """What is asked of git."""

    def is_repository(self) -> bool: ...
    def in_progress(self) -> str | None: ...
    def commit_paths(self, paths: Iterable[Path], message: str) -> str | None: ...
    def tag(self, name: str, commit: str = ...) -> None: ...
    def tags(self, prefix: str) -> list[str]: ...
    def read(self, revisions: Sequence[str], path: Path) -> list[bytes | None]: ...


class DvcVersions:
    """The data versions of one project.

    `data/PROJECT` is Shipway's own folder: it holds the parts of the version kept last, or whatever `dvc checkout` brings.
    The steps of `keep` stand in an order that lets it be killed between any two: names come last, and are found again in git.

    Args:
        root: The workspace.
        project: Its name is that of the folder and the pointer, and begins each version's name.
        commit: Whether pointers are committed and tagged where `keep` is not told.
        state: A folder on the workspace's file system, ignored by git; the ledger and earlier versions go to `versions` there.
        patience: Seconds to wait for another DVC process that holds the repository's lock.
    """

    def __init__(self, root: Path, project: str, git: Commits, *, commit: bool, state: Path, patience: float = 10.0) -> None:
        self.root = root.resolve()
        self.project = project
        self.git = git
        self.commit = commit
        self.patience = patience
        self.cache = Cache(self.root)
        self.folder = self.root / "data" / project
        self.pointer = self.root / "data" / f"{project}.dvc"
        self.ledger = state / "versions" / f"{project}.json"
        self.opened = state / "versions" / project

    @staticmethod
    def init(root: Path) -> list[Path]:
        """Make *root* a DVC repository, or finish one that was begun. Returns the files that git should have."""
        return repository.init(root)

    def keep(self, received: Received, *, period: str, now: datetime, commit: bool | None = None) -> DataVersion:
        """Keep *received* and name it after *now*; the same content again gives the version that has it already.

        Args:
            period: What a version is named after: the `year`, `month` or `day` of *now*; the next in it gets `.2`, and so on.
            commit: Commit and tag the pointer; None does as the workspace is set.

        Raises:
            UsageError: The workspace, or what is in the data folder, is not as it has to be.
            OutsideError: A merge or the like is going on, or git or DVC could not do their part.
            DataError: There are no parts.
        """
        if period not in PERIODS:
            raise UsageError(f"snapshot.period: expected one of {', '.join(PERIODS)}, found {period!r}")
        commit = self.commit if commit is None else commit
        in_git = self.git.is_repository()
        self._refuse(commit, in_git)
        parts = {name: md5 for name, md5 in parts_of(received.folder).items() if PART.fullmatch(name)}
        if not parts:
            raise DataError(f"{self.project}: no part was received from {received.origin.source}, so there is nothing to keep")
        with locked(self.ledger.with_suffix(".lock"), f"keeping a data version of {self.project}"):
            listed = self._listed()
            tags = self.git.tags(f"{self.project}/") if in_git else []
            versions = [*listed, *self._tagged(set(tags) - {version.name for version in listed})]
            version = next((version for version in versions if self._is_current(version, parts)), None)
            if version is None:
                self._place(received, parts)
                name = self._next_name(now.strftime(PERIODS[period]), {*tags, *(version.name for version in versions)})
                version = self._add(parts, versions, name, received.origin)
            if commit and version.name not in tags:
                paths = [path for path in (self.pointer, self.pointer.with_name(".gitignore")) if path.exists()]
                made = self.git.commit_paths(paths, f"Data version {version.name}")
                self.git.tag(version.name, made or "HEAD")
            if version not in versions:
                versions.append(version)
            if versions != listed:
                write_file(self.ledger, msgspec.json.format(msgspec.json.encode(versions), indent=1) + b"\n")
        return version

    def open(self, version: DataVersion) -> Path:
        """A folder with exactly the parts of *version*: `data/PROJECT` where it is on it, else one made from DVC's cache.

        Raises:
            OutsideError: DVC's cache lacks a part, or has it damaged.
        """
        parts = self.cache.content(version.hash)
        if parts is None:
            raise self._lost(version, "the list of its parts")
        folder = self.root / version.path
        earlier = self.opened / version.hash.removesuffix(".dir")
        for there in (folder, earlier):
            if parts_of(there) == parts:
                return there
        if damaged := [name for name, md5 in parts.items() if not self.cache.intact(md5)]:
            self.cache.drop_damaged(parts[name] for name in damaged)
            raise self._lost(version, damaged[0])
        staged = self._staging()
        for name, md5 in parts.items():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(self.cache.path(md5), staged / name)
        publish_folder(staged, earlier)
        return earlier

    def holds(self, result: object) -> bool:
        """False for a data version whose content DVC's cache no longer has; looks at plain files only, in milliseconds."""
        if not isinstance(result, DataVersion):
            return True
        parts = self.cache.content(result.hash)
        return parts is not None and self.cache.has(parts)

    def _refuse(self, commit: bool, in_git: bool) -> None:
        """Raise what stands in the way, before anything is changed."""
        if not (self.root / ".dvc").is_dir():
            raise UsageError(f"{self.root} is no DVC repository: make it a workspace with `shipway init {self.root}`")
        strangers = [
            path.name for path in _listing(self.folder) if not PART.fullmatch(path.name) and not path.name.startswith(".")
        ]
        if strangers:
            raise UsageError(
                f"{self.folder} is where Shipway keeps data as received, but {strangers[0]} is there: move it elsewhere"
            )
        if commit and not in_git:
            raise UsageError(
                f"data versions are to be committed, but {self.root} is in no git repository: `git init` it, or unset commit"
            )
        if commit and (operation := self.git.in_progress()):
            raise OutsideError(f"a {operation} is going on in {self.root}: finish or abort it, then run again")

    def _is_current(self, version: DataVersion, parts: Parts) -> bool:
        """Whether cache, folder and pointer all are on *version* and hold *parts*: then DVC has nothing to do."""
        if self.cache.content(version.hash) != parts or not self.cache.has(parts) or parts_of(self.folder) != parts:
            return False
        return self.pointer.is_file() and f"- md5: {version.hash}\n" in self.pointer.read_text()

    def _place(self, received: Received, parts: Parts) -> None:
        """Bring the folder onto *parts* in one step. Links will do: DVC puts files of the folder's own in their place."""
        if parts_of(self.folder) != parts:
            staged = self._staging()
            for name in parts:
                link_or_copy(received.folder / name, staged / name)
            publish_folder(staged, self.folder)

    def _add(self, parts: Parts, versions: Collection[DataVersion], name: str, origin: Origin) -> DataVersion:
        """Cache the folder and write its pointer; the version is one of *versions* where its content is, else a new one."""
        self.cache.drop_damaged([*parts.values(), *(version.hash for version in versions)])
        with repository.opened(self.root, self.patience) as repo:
            stage = repository.add(repo, self.folder)
            hash = stage.outs[0].hash_info.value
            new = DataVersion(name=name, hash=hash, path=self.folder.relative_to(self.root).as_posix(), origin=origin)
            version = next((version for version in versions if version.hash == hash), new)
            if self.cache.content(hash) != parts or not self.cache.has(parts):
                raise OutsideError(
                    f"DVC kept other files than were received, or not in {self.cache.folder}: "
                    f"check cache.dir in {self.root / '.dvc/config'} and the patterns of .dvcignore, then run again"
                )
            stage.meta = (stage.meta or {}) | msgspec.to_builtins(version.origin)
            write_file(self.pointer, repository.dump(stage))
        return version

    def _listed(self) -> list[DataVersion]:
        try:
            return msgspec.json.decode(self.ledger.read_bytes(), type=list[DataVersion])
        except FileNotFoundError:
            return []
        except msgspec.DecodeError as error:
            raise UsageError(
                f"{self.ledger} is damaged ({error}): delete it, names of tagged versions are found again in git"
            ) from None

    def _tagged(self, names: Collection[str]) -> list[DataVersion]:
        """The versions that tags of those names hold: made in another clone, or just before a crash."""
        ordered = sorted(
            name for name in names if re.fullmatch(r"\d{4}(-\d\d){0,2}(\.\d+)?", name.removeprefix(f"{self.project}/"))
        )
        pointers = self.git.read([f"refs/tags/{name}" for name in ordered], self.pointer) if ordered else []
        versions = []
        for name, pointer in zip(ordered, pointers, strict=True):
            said = repository.parse(pointer) if pointer else None
            try:
                kept = msgspec.convert(said, _Pointer)
            except msgspec.ValidationError:
                continue
            path = self.folder.relative_to(self.root).as_posix()
            versions.append(DataVersion(name=name, hash=kept.outs[0].md5, path=path, origin=kept.meta))
        return versions

    def _next_name(self, period: str, taken: Collection[str]) -> str:
        """PROJECT/PERIOD, or with the number after the highest that is taken."""
        pattern = re.compile(re.escape(f"{self.project}/{period}") + r"(?:\.(\d+))?")
        numbers = [int(found[1] or 1) for found in map(pattern.fullmatch, taken) if found]
        return f"{self.project}/{period}" + (f".{max(numbers) + 1}" if numbers else "")

    def _staging(self) -> Path:
        """An empty folder; what a killed process left there is removed."""
        staged = self.opened / "incoming"
        for left in (staged, staged.with_name("incoming.old")):  # the second is `publish_folder`'s
            shutil.rmtree(left, ignore_errors=True)
        staged.mkdir(parents=True)
        return staged

    def _lost(self, version: DataVersion, what: str) -> OutsideError:
        fetch = f"`dvc fetch --all-tags {self.pointer.relative_to(self.root).as_posix()}`"
        return OutsideError(
            f"{version.name}: {what} is missing or damaged in DVC's cache ({self.cache.folder}): get it back from a DVC remote "
            f"with `dvc pull` or, for an earlier version, {fetch}; or run from ingest again"
        )


class _Output(msgspec.Struct):
    md5: str


class _Pointer(msgspec.Struct):
    outs: list[_Output]
    meta: Origin


def _listing(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


if TYPE_CHECKING:

    def _conforms(versions: DvcVersions) -> DataVersions:
        return versions
