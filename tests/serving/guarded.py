"""A service that asks for API keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.serving.served import serving

from shipway.adapters.journal import SqliteJournal
from shipway.core.journal.keeping import Keeping
from shipway.core.keys import KeyFile
from shipway.serving.app import create_app
from shipway.serving.doors import Guard
from shipway.serving.entries import Journalling
from shipway.serving.keyring import Keyring
from shipway.serving.rates import Rates

if TYPE_CHECKING:
    import httpx
    from tests.serving.conftest import Releases


@contextmanager
def guarding(releases: Releases, folder: Path, *, ready: bool = True) -> Iterator[httpx.Client]:
    """A client, which shows no key, of a service whose keys, rates and journal are in *folder*."""
    guard = Guard(Keyring(KeyFile(folder / "keys.json")), Rates(folder / "rates"))
    keepings = {release.name: Keeping() for release, _ in releases}
    journal = Journalling(SqliteJournal(folder / "journal.db"), keepings, b"salt")
    with serving(create_app(releases, journal=journal, guard=guard), ready=ready) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
