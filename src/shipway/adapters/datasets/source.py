"""A named table of the catalogue as a source: from a folder, the user's cache, a mirror, or a stand-in for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.adapters.datasets import bundled, catalogue, facts, stand_in
from shipway.adapters.datasets.catalogue import Dataset
from shipway.adapters.datasets.comparison import compare, read_texts
from shipway.adapters.datasets.download import download
from shipway.core.disk import write_file
from shipway.core.errors import DataAwayError, DataError, OutsideError

if TYPE_CHECKING:
    from shipway.core.artifacts import Table
    from shipway.core.ports import Progress, Source

STAND_IN = "STAND-IN DATA"


class DatasetSource:
    """A table of the catalogue, every column as text.

    Args:
        name: The table's name in the catalogue.
        data_dir: A folder of the user's that may have the file; looked at first.
        cache_dir: Where downloads are kept.
        stand_in: Whether generated rows may stand in for a table that is not at hand; then nothing is downloaded.
    """

    def __init__(self, name: str, *, data_dir: Path | None, cache_dir: Path, stand_in: bool) -> None:
        self.dataset = catalogue.load(name)
        self.data_dir = data_dir
        self.cache_dir = cache_dir
        self.may_stand_in = stand_in

    def batches(self, progress: Progress) -> Iterator[tuple[str, int, Table]]:
        """The whole table, as one batch.

        Raises:
            DataError: The copy at hand has other values than the known-good file; says which.
            OutsideError: The table is not at hand and could not be fetched; names the ways to get it.
        """
        dataset = self.dataset
        path = self.path
        if self.data_dir is not None and not dataset.bundled and (path is None or path.parent != self.data_dir):
            progress.warn(f"{self.data_dir} (SHIPWAY_DATA_DIR) has no {' or '.join(dataset.names)}")
        if self.stands_in:
            table = stand_in.generate(facts.load(dataset.name))
            progress.warn(f"{STAND_IN}: {len(table):,} generated rows stand in for {dataset.title}")
            yield f"{STAND_IN} for {dataset.file}", 1, table
            return
        if path is not None:
            table = _own_copy(dataset, path)
        else:
            content = bundled.iris() if dataset.bundled else self._fetched(progress)
            table = verified(dataset, content, dataset.file)
        yield dataset.file, 1, table

    def describe(self) -> Mapping[str, Any]:
        dataset = self.dataset
        title = f"{dataset.name}: {dataset.title}"
        if self.stands_in:
            positions = {"dataset": dataset.name, "rows": dataset.rows, "generator": stand_in.fingerprint(dataset.name)}
            return {"source": f"{STAND_IN} for {title}", "positions": positions, "stand_in": True}
        positions = {"dataset": dataset.name, "rows": dataset.rows, "sha256": dataset.sha256}
        return {"source": title, "positions": positions, "stand_in": False}

    def fingerprint(self) -> str:
        if self.stands_in:
            return f"stand-in {stand_in.fingerprint(self.dataset.name)}"
        return f"sha256 {self.dataset.sha256}"

    @property
    def path(self) -> Path | None:
        """The copy at hand: in the user's folder under any of its names, else in the cache."""
        places = [self.cache_dir / self.dataset.file]
        if self.data_dir is not None:
            places = [*(self.data_dir / name for name in self.dataset.names), *places]
        return next((place for place in places if place.is_file()), None)

    @property
    def stands_in(self) -> bool:
        return self.may_stand_in and not self.dataset.bundled and self.path is None

    def _fetched(self, progress: Progress) -> bytes:
        dataset = self.dataset
        try:
            content = download(
                dataset.mirrors,
                size=dataset.bytes,
                accept=lambda content: verified(dataset, content, "what it gave"),
                progress=progress,
            )
        except OutsideError as error:
            raise DataAwayError(
                f"{dataset.title} is not at hand and could not be downloaded:\n{error}\n"
                f"Ways to get it: download it by hand from {dataset.page} or from a mirror above, put it into a folder as "
                f"{' or '.join(dataset.names)}, and set SHIPWAY_DATA_DIR to that folder; "
                f"or run with --stand-in to go on with generated rows of the same shape."
            ) from None
        try:
            write_file(self.cache_dir / dataset.file, content)
        except OSError as error:
            progress.warn(f"the download could not be kept in {self.cache_dir}: {error.strerror}")
        return content


def verified(dataset: Dataset, content: bytes, what: str) -> Table:
    """The table in *content*, its columns in the known order.

    Raises:
        DataError: The values are not those of the catalogue; *what* names the copy.
    """
    table = read_texts(content, what)
    if hashlib.sha256(content).hexdigest() == dataset.sha256:
        return table
    difference = compare(dataset, table)
    if difference is not None:
        raise DataError(f"{what} is not {dataset.name} ({dataset.title}): {difference}")
    return table.select(dataset.columns)


def _own_copy(dataset: Dataset, path: Path) -> Table:
    try:
        return verified(dataset, path.read_bytes(), str(path))
    except OSError as error:
        raise OutsideError(f"{path} can't be read: {error.strerror}; mend its permissions or take it away") from None
    except DataError as error:
        advice = 'Remove it to have the known-good file fetched, or read it as your own table with kind = "files".'
        raise DataError(f"{error}. {advice}") from None


if TYPE_CHECKING:
    _: type[Source] = DatasetSource
