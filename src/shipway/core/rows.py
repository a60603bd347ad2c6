"""Rows kept as Parquet parts, so that a step can go through a table of any height without holding it whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from shipway.core import disk

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

BATCH_ROWS = 200_000
"""Rows that a step holds at once. With 23 columns of text such a batch takes about 150 MB; smaller ones cost time, larger ones
brought none on the airline table (measured from 50,000 to 400,000)."""

COMPRESSION: Literal["lz4"] = "lz4"
"""Of results that live in the cache only, which are written and read more often than they are stored for long."""


@dataclass(frozen=True)
class Rows:
    """A table as `part-00000.parquet`, ... in *folder*: all parts with the same columns and types, in the order of the rows."""

    folder: Path

    @cached_property
    def parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.parquet"))

    @cached_property
    def schema(self) -> polars.Schema:
        import polars

        return polars.Schema(polars.read_parquet_schema(self.parts[0]))

    @property
    def columns(self) -> list[str]:
        return self.schema.names()

    @property
    def height(self) -> int:
        return sum(self._heights)

    @cached_property
    def _heights(self) -> list[int]:
        return [height_of(part) for part in self.parts]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[polars.DataFrame]:
        """Yield the rows in order, about `BATCH_ROWS` at a time, however the parts are cut; *columns* of them, or all."""
        names = list(self.columns if columns is None else columns)
        for parts, start, height in self._cuts():
            yield self._read(parts, names, start, height)

    def chosen(self, wanted: NDArray[Any]) -> Iterator[polars.DataFrame]:
        """Yield the rows that are *wanted*, booleans of shape (rows,), in order and in batches; the rest is hardly read."""
        import polars

        first = 0
        for parts, start, height in self._cuts():
            of_batch = wanted[first : first + height]
            if of_batch.any():
                yield self._read(parts, self.columns, start, height).filter(polars.Series(of_batch))
            first += height

    def _cuts(self) -> Iterator[tuple[list[Path], int, int]]:
        """The parts that make each batch, where it starts in them, and its height."""
        waiting: list[Path] = []
        held = 0
        for part, height in zip(self.parts, self._heights, strict=True):
            if waiting and held + height > BATCH_ROWS:
                yield waiting, 0, held
                waiting, held = [], 0
            if height > 2 * BATCH_ROWS:
                yield from (([part], start, min(BATCH_ROWS, height - start)) for start in range(0, height, BATCH_ROWS))
            elif height:
                waiting.append(part)
                held += height
        if waiting:
            yield waiting, 0, held

    def frame(self) -> polars.DataFrame:
        """All rows at once."""
        return self._read(self.parts, self.columns, 0, self.height)

    def sample(self, at_most: int) -> tuple[polars.DataFrame, polars.Series]:
        """At most *at_most* rows, evenly spread over the table, and the place of each in it, from 0."""
        import polars

        wanted = min(at_most, self.height)
        places = polars.int_range(wanted, dtype=polars.Int64, eager=True) * self.height // max(wanted, 1)
        taken = [self.frame().clear()] if not wanted else []
        start = 0
        for batch in self.batches() if wanted else ():
            taken.append(batch[places.filter(places.is_between(start, start + batch.height, closed="left")) - start])
            start += batch.height
        return polars.concat(taken), places.alias("place")

    def save(self, folder: Path) -> None:
        for part in self.parts:
            disk.link_or_copy(part, folder / part.name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(folder)

    @staticmethod
    def _read(parts: Sequence[Path], names: Sequence[str], start: int, height: int) -> polars.DataFrame:
        import polars

        if len(parts) == 1:
            return polars.scan_parquet(parts[0], glob=False).select(names).slice(start, height).collect()
        return polars.concat([polars.scan_parquet(part, glob=False).select(names) for part in parts]).collect()


class RowsWriter:
    """Writes frames of one schema as parts of *folder*; small frames are put together, so that there are few parts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._waiting: list[polars.DataFrame] = []
        self._height = self._parts = 0

    def write(self, frame: polars.DataFrame) -> None:
        if not frame.is_empty() or not (self._waiting or self._parts):  # one empty frame keeps the schema of an empty table
            self._waiting.append(frame)
            self._height += frame.height
        if self._height >= BATCH_ROWS:
            self._flush()

    def finish(self) -> Rows:
        """Write what is left. At least one frame was written, if an empty one."""
        if self._waiting and (self._height or not self._parts):
            self._flush()
        return Rows(self._folder)

    def _flush(self) -> None:
        import polars

        frame = polars.concat(self._waiting, rechunk=False)
        frame.write_parquet(self._folder / part_name(self._parts), compression=COMPRESSION)
        self._waiting, self._height, self._parts = [], 0, self._parts + 1


def keep(frame: polars.DataFrame, folder: Path) -> Rows:
    """A frame as rows in *folder*."""
    writer = RowsWriter(folder)
    writer.write(frame)
    return writer.finish()


def part_name(place: int) -> str:
    """The name of the part at *place*, from 0: names sort as places do, up to 100,000 parts."""
    return f"part-{place:05}.parquet"


def height_of(part: Path) -> int:
    """How many rows a Parquet file has, by its footer."""
    import polars

    counted: int = polars.scan_parquet(part, glob=False).select(polars.len()).collect().item()
    return counted
