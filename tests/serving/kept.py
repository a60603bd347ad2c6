"""A service of two small models that keeps its predictions, and what it kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.serving.served import serving

from shipway.adapters.journal import SqliteJournal
from shipway.core.journal import Labelled
from shipway.core.journal.keeping import Keeping
from shipway.serving.app import create_app
from shipway.serving.entries import Journalling

if TYPE_CHECKING:
    import httpx
    from tests.serving.conftest import Releases

SALT = b"salt"


@contextmanager
def keeping(releases: Releases, file: Path, **changed: Any) -> Iterator[httpx.Client]:
    """A client of a service whose journal is *file*; *changed* are settings of `[serve.journal]`."""
    keepings = {release.name: Keeping(**changed) for release, _ in releases}
    with serving(create_app(releases, journal=Journalling(SqliteJournal(file), keepings, SALT), record_limit=50)) as client:
        yield client


def kept(file: Path, project: str) -> list[Labelled]:
    """What the journal *file* has of a project."""
    journal = SqliteJournal(file)
    try:
        return [one for page in journal.read(project) for one in page]
    finally:
        journal.close()
