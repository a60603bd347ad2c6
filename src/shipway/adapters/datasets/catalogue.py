"""The catalogue: one small TOML file a table, with where to get it, what it must be, and what it may be used for."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

import msgspec

from shipway.core.errors import UsageError
from shipway.core.project import suggest

FOLDER = Path(__file__).with_name("tables")


class Dataset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named public table.

    Attributes:
        file: The name under which a copy is kept.
        other_names: Names under which other places hand the same table out.
        mirrors: Addresses of the file itself, the preferred one first; none where scikit-learn ships the values.
        page: Where a person can read about it and download it.
        sha256, bytes: Of the known-good file.
        digests: For each column one digest a block of rows, of its values and not of their spelling (see `comparison`).
    """

    name: str
    title: str
    file: str
    other_names: list[str] = []
    mirrors: list[str] = []
    page: str
    licence: str
    sha256: str
    bytes: int
    rows: int
    block: int
    digests: dict[str, list[str]]

    @property
    def columns(self) -> list[str]:
        return list(self.digests)

    @property
    def names(self) -> list[str]:
        """The names under which a copy may lie in a folder."""
        return [self.file, *self.other_names]

    @property
    def bundled(self) -> bool:
        """Whether the values come with scikit-learn, so that nothing has to be fetched."""
        return not self.mirrors


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@functools.cache
def load(name: str) -> Dataset:
    """The entry of the table *name*.

    Raises:
        UsageError: There is none of that name; the nearest is named.
    """
    if name not in names():
        raise UsageError(f"there is no data set named {name!r} in the catalogue; {suggest(name, names())}")
    return msgspec.convert(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")), Dataset)
