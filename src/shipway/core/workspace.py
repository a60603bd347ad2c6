"""A workspace: a git and DVC repository with `shipway.toml`, `projects/` and `.shipway/`, and where things are in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from shipway.core import project
from shipway.core.cache import Cache
from shipway.core.errors import UsageError

MARK = "shipway.toml"


@dataclass(frozen=True)
class Workspace:
    """The folders of a workspace."""

    root: Path

    @property
    def projects(self) -> Path:
        return self.root / "projects"

    @property
    def state(self) -> Path:
        """State of this machine, ignored by git."""
        return self.root / ".shipway"

    @property
    def bundles(self) -> Path:
        """Exported model versions: `NAME/VERSION/`."""
        return self.state / "bundles"

    @property
    def wheels(self) -> Path:
        """Shipway's own wheel, for MLflow's environments."""
        return self.state / "wheels"

    @property
    def journal(self) -> Path:
        """The predictions and labels of all projects, where no server keeps them."""
        return self.state / "journal.db"

    @property
    def salt(self) -> Path:
        """Of the journal's hashes."""
        return self.state / "journal.salt"

    @property
    def keys(self) -> Path:
        """The API keys of the service, unless a setting names another file."""
        return self.state / "keys.json"

    @property
    def rates(self) -> Path:
        """How much of its rate each key has used up, for all workers of this machine."""
        return self.state / "keys.rates"

    @property
    def traffic(self) -> Path:
        """Where the workers of services tell each other of the last hour's requests."""
        return self.state / "traffic"

    @property
    def metrics(self) -> Path:
        """Where the workers of a service share the figures of its metrics: `PROCESS/`."""
        return self.state / "metrics"

    def lock(self, name: str) -> Path:
        return self.state / f"{name}.lock"

    def cache(self, name: str) -> Cache:
        return Cache(self.state / "cache" / name, self.state / "staging" / name)

    def names(self) -> list[str]:
        """The projects that are there, in alphabetical order."""
        return sorted(path.parent.name for path in self.projects.glob("*/project.toml"))

    def folder(self, name: str) -> Path:
        """The folder of a project by its name, or by a path to it.

        Raises:
            UsageError: There is none, naming the nearest; or it is another workspace's, whose state lies there.
        """
        for candidate in (self.projects / name, Path(name)):
            if (candidate / "project.toml").is_file():
                # A project that is a link into the workspace counts as inside.
                seen = (candidate.resolve(), Path(os.path.normpath(candidate.absolute())))
                if not any(path.is_relative_to(self.root) for path in seen):
                    raise UsageError(f"{seen[0]} is not in the workspace {self.root}: go to the workspace that it belongs to")
                return candidate.resolve()
        raise UsageError(f"there is no project {name!r} in {self.projects}; {project.suggest(Path(name).name, self.names())}")


def find(start: Path) -> Workspace:
    """The workspace that *start* lies in. Raises UsageError when there is none above it."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / MARK).is_file():
            return Workspace(folder)
    raise UsageError(f"{start} is not inside a workspace; `shipway init DIR --examples` makes one")
