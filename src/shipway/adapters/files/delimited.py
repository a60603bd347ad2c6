"""Files of delimited text in batches: by Polars where it reads them right, by Python's csv where only that does."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.adapters.files import content
from shipway.core.dialect import SAMPLE_BYTES, Dialect, columns, encodings, sniff
from shipway.core.errors import DataError

if TYPE_CHECKING:
    import polars

    from shipway.adapters.files.repeats import Unrepeated

BATCH_ROWS = 200_000
BATCH_CELLS = 2_000_000
"""Cells of a batch that is made of Python texts, which cost some 60 bytes each."""
LONGEST_CELL = 1 << 24
"""Characters of a cell from which a quote was surely never closed."""
UTF_8 = frozenset({"utf-8", "utf-8-sig", "ascii"})


@dataclass(frozen=True)
class Delimited:
    """A file of delimited text as it will be read.

    Attributes:
        file: Its bytes, unpacked.
        name: What it is called in messages.
        reasons: For each key of the dialect that was guessed and is not the default, why.
        names: Of its columns.
        lines: Lines before the first row.
        modern: Its lines end in line feeds, and not in carriage returns alone as on old Macs.
    """

    file: Path
    name: str
    dialect: Dialect
    reasons: Mapping[str, str]
    names: list[str]
    lines: int
    modern: bool

    def batches(self, state: Path | None) -> Iterator[tuple[int, polars.DataFrame]]:
        """Yield (number of the first row, from 1, rows as texts): never more than a batch is in memory.

        A cell with nothing in it is null; an empty one in quotes is an empty text where Polars reads, and null elsewhere. A row
        with too few cells misses its last ones.

        Args:
            state: Where a copy in UTF-8 is put while a file in another encoding is read.

        Raises:
            DataError: A row has too many cells, or quotes or bytes that do not fit; names the row or the place.
        """
        with self._as_utf_8(state) as file:
            yield from self._batches_of(file, self._survey(file))

    def unrepeated(self, state: Path | None) -> Iterator[Unrepeated]:
        """As `batches`, without rows whose line equals that of a row that was settled; not all of them are found."""
        from shipway.adapters.files import repeats, survey

        with self._as_utf_8(state) as file:
            done: int | None = 0
            # a first line may begin with a byte order mark, which is none of its cell's
            if self.modern and self.lines and len(self.names) > 1 and not survey.taken_for_packed(file):
                done = yield from self._by_lines(file)
            if done is not None:
                yield from repeats.unrepeated(self.name, self._batches_of(file, self._survey(file), done))

    def _by_lines(self, file: Path) -> Generator[Unrepeated, None, int | None]:
        """As far as each line is a row that Polars reads right; gives the number of these rows, or None where they are all."""
        import polars

        from shipway.adapters.files import repeats

        done, known, surveyed = 0, repeats.Lines(), False
        with contextlib.suppress(polars.exceptions.PolarsError):  # of bytes that are no UTF-8, which csv names
            for lines in repeats.batches(file, self.lines):
                new = known.others(lines)
                first = new[repeats.HASH].is_first_distinct()
                once, more = new.filter(first), new.filter(~first)
                content = repeats.joined(once[repeats.LINE])
                if not surveyed and self.dialect.quote and 2 * self.dialect.quote.encode() in content:
                    # Polars and csv read an empty cell in quotes differently, so one of them has to read all of the file
                    surveyed = True
                    if self._survey(file) is None:
                        return done
                if (frame := self._of_lines(content, once.height)) is None:
                    return done
                batch = repeats.Unrepeated(self.name, once[repeats.PLACE], frame, lines.height - new.height)
                yield batch
                if batch.settled is not None:
                    known.hold(once.filter(batch.settled))
                if more.height:
                    again = known.others(more)
                    frame = self._of_lines(repeats.joined(again[repeats.LINE]), again.height)
                    assert frame is not None  # as equal lines were read above
                    yield repeats.Unrepeated(self.name, again[repeats.PLACE], frame, more.height - again.height)
                done += lines.height
            return None
        return done

    def _survey(self, file: Path) -> int | None:
        from shipway.adapters.files.survey import rows_of

        return rows_of(file, self.dialect, lines=self.lines, width=len(self.names)) if self.modern else None

    def _batches_of(self, file: Path, rows: int | None, done: int = 0) -> Iterator[tuple[int, polars.DataFrame]]:
        """The rows after the first *done* ones; *rows* is what `_survey` gives."""
        if rows is not None:
            for batch in self._by_polars(file, done):
                if kept := min(len(batch), rows - done):
                    yield done + 1, batch.head(kept)
                    done += kept
        if rows is None or done < rows:
            yield from self._by_csv(file, done)

    def _of_lines(self, content: bytes, height: int) -> polars.DataFrame | None:
        """The rows of *content*, lines as `repeats.joined` gives them; None where one of them is none that Polars reads right."""
        import polars

        from shipway.adapters.files.survey import rows_in

        if not height:
            return polars.DataFrame(schema=dict.fromkeys(self.names, polars.String))
        if rows_in([content[len(codecs.BOM_UTF8) :]], self.dialect, width=len(self.names)) != height:
            return None
        try:
            frame = self._scan(io.BytesIO(content), 0).collect()
        except polars.exceptions.PolarsError:
            return None
        return frame if frame.height == height else None

    @contextlib.contextmanager
    def _as_utf_8(self, state: Path | None) -> Iterator[Path]:
        if codecs.lookup(self.dialect.encoding).name in UTF_8:
            yield self.file
            return
        with content.scratch(state) as folder:
            copy = folder / "utf-8"
            with self.file.open(encoding=self.dialect.encoding, newline="") as source, copy.open("wb") as target:
                try:
                    while text := source.read(encodings.CHUNK_BYTES):
                        target.write(text.encode())
                except UnicodeError as error:
                    raise DataError(
                        f"{self.name} is not in {self.dialect.encoding}: {error}; set encoding in [ingest.source]"
                    ) from None
            yield copy

    def _by_polars(self, file: Path, done: int = 0) -> Iterator[polars.DataFrame]:
        """What Polars can read of the rows after the first *done* ones; where it stops early, csv goes on or names the fault."""
        import polars

        with contextlib.suppress(polars.exceptions.PolarsError):
            yield from self._scan(file, self.lines).slice(done).collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)

    def _scan(self, source: Path | io.BytesIO, lines: int) -> polars.LazyFrame:
        import polars

        return polars.scan_csv(
            source,
            has_header=False,
            skip_lines=lines,
            schema=dict.fromkeys(self.names, polars.String),
            separator=self.dialect.separator,
            quote_char=self.dialect.quote,
            missing_columns="insert",
            raise_if_empty=False,
            glob=False,
        )

    def _by_csv(self, file: Path, done: int) -> Iterator[tuple[int, polars.DataFrame]]:
        """The rows after the first *done* ones."""
        csv.field_size_limit(LONGEST_CELL)
        size = min(BATCH_ROWS, max(1, BATCH_CELLS // len(self.names)))
        rows = itertools.islice(self._rows(file), done, None)
        for first in itertools.count(done + 1, size):
            if not (part := list(itertools.islice(rows, size))):
                return
            yield first, self._frame(part)

    def _frame(self, rows: list[list[str]]) -> polars.DataFrame:
        import polars

        columns = zip(self.names, zip(*rows, strict=True), strict=True)
        frame = polars.DataFrame([polars.Series(name, cells, dtype=polars.String) for name, cells in columns])
        return frame.with_columns(polars.when(polars.all() != "").then(polars.all()))

    def _rows(self, file: Path) -> Iterator[list[str]]:
        """Each row's cells, as many as there are columns."""
        width, number = len(self.names), 0
        with file.open(encoding="utf-8-sig", newline="") as opened:
            try:
                for _ in range(self.lines):
                    opened.readline()
                for cells in csv.reader(opened, **_parameters(self.dialect)):
                    if cells or width == 1:
                        number += 1
                        yield self._fitted(cells, number)
            except csv.Error as error:
                reason = f"row {number + 1} has a cell whose quotes do not fit ({error})"
                raise self._unreadable(
                    number, f'{reason}; mend it, or set quote = "" where quotes are part of the texts'
                ) from None
            except UnicodeDecodeError as error:
                raise self._undecodable(file) from error

    def _undecodable(self, file: Path) -> DataError:
        with file.open("rb") as opened:
            for line, text in enumerate(opened, 1):
                try:
                    text.decode()
                except UnicodeDecodeError as error:
                    byte = f"line {line:,} has the byte 0x{text[error.start]:02x}, which is not {self.dialect.encoding}"
                    break
        return DataError(f'{self.name} can\'t be read: {byte}; mend it, or set encoding in [ingest.source], such as "cp1252"')

    def _fitted(self, cells: list[str], number: int) -> list[str]:
        width = len(self.names)
        if any(cells[width:]):
            reason = f"row {number} has {len(cells)} cells, and there are {width} columns"
            raise self._unreadable(number - 1, f"{reason}; mend the file, or set separator")
        return cells[:width] + [""] * (width - len(cells))

    def _unreadable(self, done: int, reason: str) -> DataError:
        return DataError(f"{self.name} can't be read after row {done:,}: {reason} in [ingest.source]")


def look(file: Path, name: str, given: Mapping[str, Any]) -> Delimited:
    """How *file* is written, guessed but for what is *given*, which are keys of `sniff`.

    Raises:
        DataError: It is no table of delimited text, or has two columns of one name.
    """
    with file.open("rb") as opened:
        start = opened.read(SAMPLE_BYTES)
        cut = bool(opened.read(1))
    reasons = {}
    encoding = given.get("encoding")
    if encoding is None:
        encoding, reason = encodings.encoding_of(encodings.chunks(file))
        reasons = {"encoding": reason} if reason else {}
    text = encodings.decode(start, encoding)
    content.refuse(start, text, name)
    dialect, others = sniff(start, cut=cut, **{**given, "encoding": encoding})
    names, lines = columns(start, dialect, cut=cut)
    if twice := sorted({column for column in names if names.count(column) > 1}):
        raise DataError(f"{name} has more than one column named {', '.join(map(repr, twice))}; each needs a name of its own")
    modern = "\n" in text or "\r" not in text
    return Delimited(file, name, dialect, {**reasons, **others}, names, lines, modern)


def _parameters(dialect: Dialect) -> dict[str, Any]:
    return {
        "delimiter": dialect.separator[0],
        "quotechar": dialect.quote,
        "quoting": csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        "escapechar": dialect.escape,
        "skipinitialspace": len(dialect.separator) > 1,
        "strict": True,
    }
