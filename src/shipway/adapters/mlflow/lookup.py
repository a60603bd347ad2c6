"""Reading the registry in milliseconds: an unchanged run asks what the champion is without importing MLflow."""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipway.adapters.mlflow.store import CONNECT_SECONDS, Store, away, request, speaking
from shipway.core.errors import OutsideError

NOT_ALLOWED = (401, 403)


@dataclass(frozen=True)
class Entry:
    """A model version as the registry tells it.

    Attributes:
        location: Where its files are, where that is a folder of this machine.
        created: Seconds since 1970, UTC.
    """

    version: str
    run_id: str
    tags: Mapping[str, str]
    location: Path | None = None
    created: float = 0.0


def with_alias(store: Store, name: str, alias: str) -> Entry | None:
    """The version of the model *name* that has *alias*."""
    if store.database is not None:
        return _row(store.database, name, alias=alias)
    return _ask(store, name, "registered-models/alias", alias=alias)


def with_version(store: Store, name: str, version: str) -> Entry | None:
    """The version *version* of the model *name*, unless it was deleted."""
    if store.database is not None:
        return _row(store.database, name, version=version)
    return _ask(store, name, "model-versions/get", version=version)


def _row(database: Path, name: str, *, version: str | None = None, alias: str | None = None) -> Entry | None:
    """Read MLflow's own tables; a deleted version stays there without its tags, in a stage of that name."""
    if not database.exists():
        return None
    where = f"{database.absolute().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(where, uri=True, timeout=CONNECT_SECONDS)) as connection:
        try:
            if alias is not None:
                found = connection.execute(
                    "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?", (name, alias)
                ).fetchone()
                if found is None:
                    return None
                version = str(found[0])
            row = connection.execute(
                "SELECT run_id, coalesce(storage_location, source), creation_time FROM model_versions"
                " WHERE name = ? AND version = ? AND current_stage != 'Deleted_Internal'",
                (name, version),
            ).fetchone()
            if row is None:
                return None
            tags = dict(
                connection.execute("SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?", (name, version))
            )
        except sqlite3.Error as error:
            # A database without MLflow's tables: `mlflow ui` was stopped while it made them.
            if "no such table" in str(error):
                return None
            raise OutsideError(
                f"MLflow's database {database} can't be read ({error}); end what holds it, or restore the file"
            ) from None
    return Entry(str(version), row[0] or "", tags, folder(row[1]), (row[2] or 0) / 1000)


def _ask(store: Store, name: str, path: str, **query: str) -> Entry | None:
    """One REST call; where the server wants to know who asks, or does not speak HTTP, MLflow's client asks."""
    if store.server is None:
        return _through_client(store, name, query)
    url = f"{store.server}/api/2.0/mlflow/{path}?{urllib.parse.urlencode({'name': name, **query})}"
    try:
        with urllib.request.urlopen(request(url), timeout=CONNECT_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)["model_version"]
    except urllib.error.HTTPError as error:
        if error.code in NOT_ALLOWED:
            return _through_client(store, name, query)
        if _absent(error):
            return None
        raise away(store, error) from None
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        # Not there, or something else answers in its place: a proxy's page, a body that was cut.
        raise away(store, error) from None
    tags = {tag["key"]: tag.get("value", "") for tag in found.get("tags", [])}
    return Entry(str(found["version"]), found.get("run_id", ""), tags)


def _absent(error: urllib.error.HTTPError) -> bool:
    """Whether the server says that there is no such thing; for an alias it does so with 400."""
    try:
        answer = json.load(error)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    if not isinstance(answer, dict):
        return False
    return answer.get("error_code") == "RESOURCE_DOES_NOT_EXIST" or "not found" in str(answer.get("message"))


def _through_client(store: Store, name: str, query: Mapping[str, str]) -> Entry | None:
    from mlflow.exceptions import MlflowException

    client = store.open()
    with speaking(store):
        try:
            if "alias" in query:
                found = client.get_model_version_by_alias(name, query["alias"])
            else:
                found = client.get_model_version(name, query["version"])
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST" or "not found" in str(error):
                return None
            raise
    return Entry(str(found.version), found.run_id or "", dict(found.tags))


def folder(location: str | None) -> Path | None:
    """A folder of this machine that an artifact location names, plainly or as a `file:` address."""
    if not location:
        return None
    parts = urllib.parse.urlsplit(location)
    if parts.scheme == "file":
        return Path(urllib.parse.unquote(parts.path))
    return Path(location) if location.startswith("/") else None
