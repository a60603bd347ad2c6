"""The results of steps, and how a value of each kind is kept on disk.

A result is saved into an empty folder on its own; the pipeline renames the folder into the cache when the step is done, so a
result is there whole or not at all.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import msgspec

from shipway.core import disk
from shipway.core.findings import Change, Examined, Finding
from shipway.core.rows import Rows

if TYPE_CHECKING:
    import polars

    Table = polars.DataFrame
else:

    class Table:
        """Marks a parameter or result as a Polars frame without importing Polars; kept as one Parquet file."""

        @staticmethod
        def save(table, folder: Path) -> None:
            table.write_parquet(folder / "table.parquet", compression="zstd", statistics=True)

        @staticmethod
        def load(folder: Path):
            import polars

            return polars.read_parquet(folder / "table.parquet")


@runtime_checkable
class Artifact(Protocol):
    """A kind of result: knows how to save itself into an empty folder and how to come back."""

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A small result that is one JSON file."""

    def save(self, folder: Path) -> None:
        text = msgspec.json.format(msgspec.json.encode(self), indent=2)
        (folder / "document.json").write_bytes(text + b"\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        return msgspec.json.decode((folder / "document.json").read_bytes(), type=cls)


@dataclass(frozen=True)
class Page:
    """A result for people: one self-contained HTML page."""

    text: str

    @property
    def title(self) -> str:
        """The title that the page itself has."""
        found = re.search(r"<title>(.*?)</title>", self.text, re.DOTALL)
        return html.unescape(found[1]) if found else ""

    def save(self, folder: Path) -> None:
        (folder / "page.html").write_bytes(self.text.encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls((folder / "page.html").read_bytes().decode())


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where received rows came from. `positions` is the source's own business: files, watermark, offsets."""

    source: str
    rows: int
    positions: dict[str, Any] = {}
    stand_in: bool = False


@dataclass(frozen=True)
class Received:
    """Rows as received, staged as Parquet parts `part-00000.parquet`, ... in *folder*.

    Each part has the columns of the source as they came, then `SOURCE` and `ROW`: where each row stood.
    """

    folder: Path
    origin: Origin

    def save(self, folder: Path) -> None:
        for part in sorted(self.folder.glob("part-*.parquet")):
            disk.link_or_copy(part, folder / part.name)
        (folder / "origin.json").write_bytes(msgspec.json.encode(self.origin))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(folder, msgspec.json.decode((folder / "origin.json").read_bytes(), type=Origin))


SOURCE = "_shipway_source"
ROW = "_shipway_row"


class DataVersion(Document, frozen=True, kw_only=True):
    """A named, immutable state of a project's data.

    Attributes:
        name: The tag, such as `telco_churn/2026-11`.
        hash: DVC's hash of the content (`md5` of the folder, with its `.dir` ending).
        path: The folder relative to the workspace, such as `data/telco_churn`.
    """

    name: str
    hash: str
    path: str
    origin: Origin


@dataclass(frozen=True)
class Checked:
    """Rows that keep the contract, typed, and the quarantine: the rows that do not. *folder* holds both as Parquet parts."""

    folder: Path
    examined: Examined

    @property
    def rows(self) -> Rows:
        """The contract's columns in the contract's types."""
        return Rows(self.folder / "rows")

    @property
    def quarantine_rows(self) -> Rows:
        """One line a broken rule: `source`, `row` (from 1), `column`, `rule`, `message`, and `record`, the row as received, as
        JSON text."""
        return Rows(self.folder / "quarantine")

    @property
    def quarantine(self) -> Table:
        """The quarantine as one frame."""
        return self.quarantine_rows.frame()

    @property
    def quarantined(self) -> int:
        """How many rows are in quarantine."""
        return self.examined.quarantined

    @property
    def changes(self) -> list[Change]:
        """What was done to cells of the rows that keep the contract, on the way to their types."""
        return self.examined.changes

    @property
    def findings(self) -> list[Finding]:
        return self.examined.findings

    def save(self, folder: Path) -> None:
        for rows in (self.rows, self.quarantine_rows):
            (folder / rows.folder.name).mkdir()
            rows.save(folder / rows.folder.name)
        (folder / "examined.json").write_bytes(msgspec.json.encode(self.examined))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(folder, msgspec.json.decode((folder / "examined.json").read_bytes(), type=Examined))
