"""Where MLflow keeps things: the embedded store at the workspace's root, or the server that the user named."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.core import disk
from shipway.core.errors import OutsideError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
"""MLflow's own default names, so that plain `mlflow ui` at the workspace's root finds them."""

LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's tables hold paths of artifacts, all absolute."""

CONNECT_SECONDS = 5.0
SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Store:
    """An MLflow store.

    Attributes:
        root: The workspace.
        uri: MLflow's address as the user gave it; None is the embedded store. A relative SQLite path counts from the workspace.
        cache: A folder that workspaces share; holds the template of an embedded store.
    """

    root: Path
    uri: str | None
    cache: Path

    @property
    def database(self) -> Path | None:
        """The SQLite file, where the store is one."""
        if self.uri is None:
            return self.root / DATABASE
        if self.uri.startswith(SQLITE):
            return self.root / self.uri.removeprefix(SQLITE)
        return None

    @property
    def server(self) -> str | None:
        """The address of the server, where the store is one that speaks HTTP."""
        return self.uri.rstrip("/") if self.uri is not None and self.uri.startswith(("http://", "https://")) else None

    @property
    def address(self) -> str:
        """What MLflow is told."""
        return f"{SQLITE}{self.database}" if self.database is not None else str(self.uri)

    @property
    def shown(self) -> str:
        """The address as a message may show it: without a password."""
        parts = urllib.parse.urlsplit(self.address)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else self.address

    def open(self) -> MlflowClient:
        """A client of the store, which is made where it is the embedded one and not there yet.

        Raises:
            OutsideError: The server does not answer, or the database belongs to another version of MLflow.
        """
        if self.server is not None:
            self._knock(self.server)
        mlflow = load_library()
        if self.database is not None:
            self._make(self.database)
        if self.uri is None:
            _settle(self.root / DATABASE)
        with speaking(self):
            return mlflow.MlflowClient(self.address, self.address)

    def experiment(self, client: MlflowClient, name: str) -> str:
        """The id of the experiment *name*, made or taken out of the bin where needed."""
        with speaking(self):
            found = client.get_experiment_by_name(name)
            if found is None:
                where = None if self.database is None else str(self.database.parent / ARTIFACTS / name)
                return str(client.create_experiment(name, artifact_location=where))
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)

    def _knock(self, server: str) -> None:
        """Ask once, quickly: MLflow itself tries again for minutes."""
        try:
            urllib.request.urlopen(request(f"{server}/health"), timeout=CONNECT_SECONDS).close()
        except urllib.error.HTTPError:
            return
        except OSError as error:
            raise away(self, error) from None

    def _make(self, database: Path) -> None:
        """Copy the template, unless the database is there: its migrations cost seconds, a copy milliseconds."""
        if database.exists():
            return
        template = self._template()
        database.parent.mkdir(parents=True, exist_ok=True)
        aside = database.with_name(f".{database.name}.{os.getpid()}")
        try:
            aside.write_bytes(template.read_bytes())
            # SQLite syncs the file itself when it commits the new location.
            with contextlib.closing(sqlite3.connect(aside)) as connection, connection:
                place = str(database.parent / ARTIFACTS / "0")
                connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (place,))
            # A link, not a rename: a database that someone else made meanwhile stays as it is.
            with contextlib.suppress(FileExistsError):
                os.link(aside, database)
        finally:
            aside.unlink(missing_ok=True)

    def _template(self) -> Path:
        template = self.cache / "mlflow" / f"{importlib.metadata.version('mlflow')}.db"
        if template.exists():
            return template
        template.parent.mkdir(parents=True, exist_ok=True)
        with disk.alone(template.with_suffix(".lock")):
            if not template.exists():
                aside = template.with_suffix(".new")
                aside.unlink(missing_ok=True)
                _migrate(aside)
                aside.replace(template)
        return template


def load_library() -> Any:
    """Import MLflow, with its chatter and progress bars off: Shipway has its own."""
    import logging

    import mlflow
    from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR, MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT

    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return mlflow


@contextlib.contextmanager
def speaking(store: Store) -> Iterator[None]:
    """Turn MLflow's own errors within the block into ours."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise OutsideError(f"MLflow ({store.shown}) refused: {str(error).partition(chr(10))[0]}") from error


def request(url: str) -> urllib.request.Request:
    """A request to *url*; a name and password in it become a header, as urllib would take them for a part of the host."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is None:
        return urllib.request.Request(url)
    import base64

    secret = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib.request.Request(bare, headers={"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"})


def away(store: Store, error: Exception) -> OutsideError:
    """The server can't be asked, and what to do about it."""
    reason = getattr(error, "reason", error)
    advice = "start it, or unset MLFLOW_TRACKING_URI to keep runs in the workspace"
    return OutsideError(f"the MLflow server at {store.shown} does not answer ({reason}); {advice}")


def _settle(database: Path) -> None:
    """Lead the embedded store's locations to where the workspace is now, if it was moved or copied since it was made."""
    here = database.parent / ARTIFACTS
    with contextlib.closing(sqlite3.connect(database, timeout=CONNECT_SECONDS)) as connection, connection:
        found = connection.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 0").fetchone()
        there = Path(found[0]).parent if found is not None else here
        if there.name != ARTIFACTS or there.resolve() == here.resolve():
            return
        old = f"{there}/"
        for table, column in LOCATIONS:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                (f"{here}/", len(old) + 1, len(old), old),
            )


def _migrate(database: Path) -> None:
    """Let MLflow make its tables in a fresh SQLite file."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"{SQLITE}{database}", str(database.parent / ARTIFACTS))
    store._dispose_engine()
