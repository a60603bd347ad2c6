"""Versions of one project whose contracts differ, as the watcher brings them, and a service that follows their lineup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl
from tests.scoring import made
from tests.serving.kept import SALT
from tests.serving.served import serving

from shipway.adapters.journal import SqliteJournal
from shipway.core import lineup
from shipway.core.contract import Column, Contract
from shipway.core.journal.keeping import Keeping
from shipway.core.lineup import Lineup
from shipway.core.serve import Canary, Serve
from shipway.serving.app import create_app
from shipway.serving.entries import Journalling

if TYPE_CHECKING:
    import httpx

OLD = Contract(
    target="back",
    key=["id"],
    columns={
        "id": Column(type="integer"),
        "pages": Column(type="number"),
        "town": Column(type="category", levels=["Ulm", "Bonn"], closed=True),
        "back": Column(type="category", levels=["no", "yes"]),
    },
)
TIGHT = Contract(target="back", key=["id"], columns={**OLD.columns, "pages": Column(type="number", maximum=60)})
"""Of the same columns, with a bound."""
NEW = Contract(
    target="back",
    key=["id"],
    columns={
        "id": Column(type="integer"),
        "pages": Column(type="number"),
        "age": Column(type="number"),
        "town": Column(type="category", levels=["Ulm", "Bonn", "Oslo"], closed=True),
        "back": Column(type="category", levels=["no", "yes"]),
    },
)
"""A column and a level more."""

RECORD = {"id": 1, "pages": 30, "town": "Ulm"}
"""Fits the old contract."""
MORE = RECORD | {"age": 40}
"""Fits the new one."""


def rows(count: int = 60) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    pages = draw.uniform(0, 50, count)
    return pl.DataFrame(
        {
            "id": range(count),
            "pages": pages,
            "age": draw.uniform(18, 90, count),
            "town": [["Ulm", "Bonn"][row % 2] for row in range(count)],
            "back": ["yes" if page > 25 else "no" for page in pages],
        }
    )


def export(root: Path) -> None:
    """Versions 1 of the old contract, 2 of the tight one and 3 of the new one, which answer differently, to *root*/towns."""
    for version, contract, strength in (("1", OLD, 1.0), ("2", TIGHT, 0.001), ("3", NEW, 0.1)):
        made.bundle(root / "towns" / version / "bundle", contract, rows().select(list(contract.columns)), C=strength)
        release = msgspec.json.encode(made.release("towns", version=version))
        (root / "towns" / version / "release.json").write_bytes(release)


def lead(bundles: Path, canary: Canary | None = None, **versions: str) -> None:
    """Let the aliases *versions* point to these, with a share of the requests for a *canary*."""
    lineup.write(bundles / "towns", Lineup(versions=versions, serve=Serve(canary=canary)))


@contextmanager
def following(bundles: Path, journal: Path, **changed: Any) -> Iterator[httpx.Client]:
    """A client of a service of the project's champion that keeps its predictions in the file *journal*."""
    champion = lineup.released(bundles / "towns", lineup.read(bundles / "towns").versions["champion"])
    journalling = Journalling(SqliteJournal(journal), {"towns": Keeping(**changed)}, SALT)
    app = create_app([champion], follow=bundles, journal=journalling, record_limit=2000)
    with serving(app) as client:
        client.app = app  # type: ignore[attr-defined]
        yield client


def ready(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/health/ready").json()
    return found
