"""Settings of a workspace: the environment goes before `shipway.toml`, which goes before the default.

The only module that reads the environment. Secrets come from the environment only.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import platformdirs

from shipway.core.errors import UsageError
from shipway.core.project import suggest
from shipway.core.workspace import MARK

VARIABLES = {
    "data_dir": "SHIPWAY_DATA_DIR",
    "cache_dir": "SHIPWAY_CACHE_DIR",
    "tracking_uri": "MLFLOW_TRACKING_URI",
    "commit": "SHIPWAY_COMMIT",
    "journal": "SHIPWAY_JOURNAL",
    "keys": "SHIPWAY_KEYS",
    "host": "SHIPWAY_HOST",
    "port": "SHIPWAY_PORT",
    "access_log": "SHIPWAY_ACCESS_LOG",
    "tls_certificate": "SHIPWAY_TLS_CERTIFICATE",
    "tls_key": "SHIPWAY_TLS_KEY",
    "drain": "SHIPWAY_DRAIN",
    "connections": "SHIPWAY_CONNECTIONS",
    "header_seconds": "SHIPWAY_HEADER_SECONDS",
    "body_seconds": "SHIPWAY_BODY_SECONDS",
    "send_seconds": "SHIPWAY_SEND_SECONDS",
    "idle_seconds": "SHIPWAY_IDLE_SECONDS",
}

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]

POSTGRESQL = ("postgresql://", "postgres://")
PASSWORD = re.compile(r"//[^/@]*:[^/]*@|[?&](ssl)?password=")
"""Where PostgreSQL's addresses hold a secret (https://www.postgresql.org/docs/current/libpq-connect.html, connection URIs)."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may differ from one workspace or machine to the next.

    Attributes:
        data_dir: A folder that has the files of named datasets; looked at before the user cache and the mirrors.
        cache_dir: Downloads and templates that workspaces share.
        tracking_uri: An MLflow server; None is the embedded store in the workspace.
        commit: Whether data versions are committed and tagged in git.
        journal: The PostgreSQL database that predictions are kept in, `postgresql://...`; None is a SQLite file of the workspace.
        keys: The file of the service's API keys, such as a secret that is mounted; None is `.shipway/keys.json`.
        host, port: Where the service listens.
        access_log: What the service writes of each request on standard output: a line of JSON, or of text for people; `auto` is
            text on a terminal and JSON elsewhere.
        tls_certificate, tls_key: PEM files; with them it speaks HTTPS.
        drain: Seconds from SIGTERM to the end of the service.
        connections: That one worker has open at a time.
        header_seconds, body_seconds, send_seconds: That a client has for the header, and for the body and for taking the answer
            before it must keep to a rate (`serving.connections.Limits`).
        idle_seconds: After which a connection without a request is closed; a proxy before the service should be quicker.
    """

    data_dir: str | None = None
    cache_dir: str = platformdirs.user_cache_dir("shipway")
    tracking_uri: str | None = None
    commit: bool = False
    journal: str | None = None
    keys: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    access_log: Literal["auto", "json", "text", "off"] = "auto"
    tls_certificate: str | None = None
    tls_key: str | None = None
    drain: Seconds = 10.0
    connections: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    header_seconds: Seconds = 10.0
    body_seconds: Seconds = 30.0
    send_seconds: Seconds = 30.0
    idle_seconds: Seconds = 5.0


def load(root: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of the workspace at *root*. Raises UsageError naming the key, what was expected and found."""
    file = root / MARK
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
    for name in given:
        if name not in VARIABLES:
            raise UsageError(f"{file} has no setting {name!r}; {suggest(name, VARIABLES)}")
    try:
        settings = msgspec.convert(given, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file}: {error}") from None
    if settings.journal and PASSWORD.search(settings.journal):
        raise UsageError(f"{file}: journal has a password, and no secret stands in a file; give it by {VARIABLES['journal']}")
    overlay = {name: environment[variable] for name, variable in VARIABLES.items() if environment.get(variable)}
    try:
        found = msgspec.convert({**msgspec.to_builtins(settings), **overlay}, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"a variable of the environment does not fit: {error}") from None
    if found.journal is not None and not found.journal.startswith(POSTGRESQL):
        place = VARIABLES["journal"] if "journal" in overlay else f"{file}: journal"
        kind = found.journal.partition(":")[0]
        raise UsageError(f"{place}: expected an address such as postgresql://user@host/database, found one of the kind {kind!r}")
    return found
