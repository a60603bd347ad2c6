"""The aliases of a model, and the log of how they came to point where they do.

The log is kept in the registry, so that all who share it read the same: each move is a tag of the registered model, named by its
time, and no tag is written twice. What moved by other means, such as MLflow's own page, is in no log; it shows where the last
move led elsewhere.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.adapters.mlflow import lineage, lookup
from shipway.adapters.mlflow.lookup import Entry
from shipway.adapters.mlflow.store import CONNECT_SECONDS, Store, speaking
from shipway.core.errors import OutsideError, UsageError
from shipway.core.lineup import CHALLENGER, CHAMPION, Move, Registered
from shipway.core.project import suggest

if TYPE_CHECKING:
    from mlflow import MlflowClient

MOVE = "shipway.move."
"""What the tags of moves begin with; their time and something random follow, so that two at once are both kept."""


class Aliases:
    """The aliases of the model *name*."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name

    def versions(self) -> list[Registered]:
        """All versions that are not deleted, the newest first."""
        aliases, _, entries = self._read()
        found = [_registered(entry, [alias for alias, one in aliases.items() if one == entry.version]) for entry in entries]
        return sorted(found, key=lambda one: int(one.version), reverse=True)

    def moves(self) -> list[Move]:
        """The log, the oldest move first."""
        return _moves(self._read()[1])

    def move(self, alias: str, version: str, *, why: str, by: str | None = None, override: str | None = None) -> Move | None:
        """Let *alias* point to *version*, with an entry in the log; None where it does already.

        The entry is written first: a move that is cut short is in the log, and none is that is not.

        Args:
            by: Who moves it; the user of this machine by default.
            override: Why the version may be served though its gates did not hold; kept with the version.

        Raises:
            UsageError: There is no such version, or its gates did not hold and nobody overrides that.
            OutsideError: The registry does not answer.
        """
        aliases, _, entries = self._read()
        known = {entry.version: entry for entry in entries}
        if version not in known:
            have = suggest(version, known) if known else f"`shipway run {self.name}` makes one"
            raise UsageError(f"model {self.name} has no version {version!r}; {have}")
        who = by or whoami()
        if override is None and alias == CHAMPION and not lineage.may_serve(known[version]):
            raise UsageError(
                f"the gates of version {version} of model {self.name} did not hold, so it may not be {alias}; look at "
                f'`shipway models show {self.name} {version}`, and override them with --override "the reason" if need be'
            )
        client = self.store.open()
        with speaking(self.store):
            move = Move(time.time(), who, why, alias, aliases.get(alias), version, override)
            if override is None or lineage.may_serve(known[version]):
                return self.point(client, aliases, move)
            self._enter(client, move)
            told = json.dumps({"at": move.at, "by": who, "why": override})
            client.set_model_version_tag(self.name, version, lineage.OVERRIDE, told)
            self.point(client, aliases, move, entered=True)
            return move

    def point(self, client: MlflowClient, aliases: Mapping[str, str], move: Move, *, entered: bool = False) -> Move | None:
        """Make *move*, where *aliases* are those of now; a version that rises to be champion is no challenger any more.

        Args:
            entered: Whether the log has it already.
        """
        if move.before != move.version:
            if not entered:
                self._enter(client, move)
            client.set_registered_model_alias(self.name, move.alias, move.version)
        if move.alias == CHAMPION and aliases.get(CHALLENGER) == move.version:
            client.delete_registered_model_alias(self.name, CHALLENGER)
        return move if move.before != move.version else None

    def _enter(self, client: MlflowClient, move: Move) -> None:
        """Write *move* into the log, before anything is moved."""
        key = f"{MOVE}{time.time_ns():020}.{uuid.uuid4().hex[:8]}"
        client.set_registered_model_tag(self.name, key, msgspec.json.encode(move).decode())

    def _read(self) -> tuple[dict[str, str], dict[str, str], list[Entry]]:
        """The aliases, the tags of the model, and its versions; without MLflow where the store is a database of this machine."""
        if self.store.database is None:
            return self._ask()
        if not self.store.database.exists():
            return {}, {}, []
        where = f"{self.store.database.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(where, uri=True, timeout=CONNECT_SECONDS)) as connection:
            try:
                pairs = connection.execute("SELECT alias, version FROM registered_model_aliases WHERE name = ?", (self.name,))
                aliases = {alias: str(version) for alias, version in pairs}
                tags = dict(connection.execute("SELECT key, value FROM registered_model_tags WHERE name = ?", (self.name,)))
                numbers = connection.execute("SELECT version FROM model_versions WHERE name = ?", (self.name,)).fetchall()
            except sqlite3.Error as error:
                if "no such table" in str(error):
                    return {}, {}, []
                raise OutsideError(f"MLflow's database {self.store.database} can't be read ({error})") from None
        entries = (lookup.with_version(self.store, self.name, str(number)) for (number,) in numbers)
        return aliases, tags, [entry for entry in entries if entry is not None]

    def _ask(self) -> tuple[dict[str, str], dict[str, str], list[Entry]]:
        from mlflow.exceptions import MlflowException

        client = self.store.open()
        with speaking(self.store):
            try:
                model = client.get_registered_model(self.name)
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return {}, {}, []
                raise
            found: Iterable[Any] = client.search_model_versions(f"name = '{self.name}'")
            aliases = {alias: str(version) for alias, version in model.aliases.items()}
            entries = [
                Entry(str(one.version), one.run_id or "", dict(one.tags), created=one.creation_timestamp / 1000) for one in found
            ]
            return aliases, dict(model.tags), entries


def whoami() -> str:
    """The user of this machine, as the log names them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user that has a number only
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _moves(tags: Mapping[str, str]) -> list[Move]:
    keys = sorted(key for key in tags if key.startswith(MOVE))
    return [msgspec.json.decode(tags[key], type=Move) for key in keys]


def _registered(entry: Entry, aliases: list[str]) -> Registered:
    tags = entry.tags
    override = json.loads(tags[lineage.OVERRIDE]) if tags.get(lineage.OVERRIDE) else None
    return Registered(
        version=entry.version,
        aliases=sorted(aliases),
        created=entry.created,
        passed=tags.get(lineage.PASSED) == "true",
        override=None if override is None else f"{override['why']} ({override['by']})",
        data_version=tags.get("shipway.data_version", ""),
        estimator=tags.get("shipway.estimator", ""),
        stand_in=tags.get("shipway.stand_in") == "true",
        metrics=lineage.metrics(entry),
        run_id=entry.run_id,
    )
