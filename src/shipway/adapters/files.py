"""CSV and Parquet files as a source: CSV cells as the texts that they are, Parquet columns in their types."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.core.disk import sha256_of, write_file
from shipway.core.errors import DataError, OutsideError, UsageError
from shipway.core.project import suggest

if TYPE_CHECKING:
    import polars

    from shipway.core.artifacts import Table
    from shipway.core.ports import Progress, Source

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
SEPARATORS = (",", ";", "\t", "|")
BATCH_ROWS = 200_000
HEADER_BYTES = 1 << 16
MEMO = "file-hashes.json"


class FilesSource:
    """Files by name or by glob, each glob's files in sorted order.

    Args:
        root: The project folder. A relative path is looked for there, then in the workspace two folders above it.
        path: One path or glob, or several.
        separator: Between the cells of a CSV file; by default that of comma, semicolon, tab and bar which line 1 has most of.
        encoding: Of CSV files, by its Python name.
        state: A folder where hashes of unchanged files are remembered; without it each file is hashed each time.
    """

    def __init__(
        self,
        root: Path,
        *,
        path: str | list[str],
        separator: str | None = None,
        encoding: str = "utf-8",
        state: Path | None = None,
    ) -> None:
        self.patterns = [path] if isinstance(path, str) else list(path) if isinstance(path, list) else []
        if not self.patterns or not all(isinstance(pattern, str) and pattern for pattern in self.patterns):
            raise UsageError('[ingest.source] path must be a path or a list of paths, such as "data/*.csv"')
        if separator is not None and (len(separator) != 1 or not separator.isascii()):
            raise UsageError(f"separator must be one ASCII character, not {separator!r}")
        try:
            "".encode(encoding)
        except LookupError:
            raise UsageError(f"there is no encoding {encoding!r}; usual ones are utf-8, latin-1, cp1252, utf-16") from None
        self.bases = (root, *root.parents[1:2])
        self.separator = separator
        self.encoding = encoding
        self.memo = state / MEMO if state is not None else None

    def batches(self, progress: Progress) -> Iterator[tuple[str, int, Table]]:
        """Each file in batches, so that a large one is never in memory as a whole.

        Raises:
            UsageError: A pattern matches no file, or one of another kind.
            DataError: A file can't be read; names it and what is wrong.
        """
        import polars

        files = self.files()
        with progress("reading files", total=len(files)) as tick:
            for name, file in files:
                first = 1
                try:
                    for batch in self._scan(file, name).collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
                        if len(batch):
                            yield name, first, batch
                            first += len(batch)
                except polars.exceptions.PolarsError as error:
                    reason = str(error).splitlines()[0]
                    raise DataError(f"{name} can't be read after row {first - 1:,}: {reason}{_next_step(reason)}") from None
                except OSError as error:
                    raise OutsideError(f"{name} can't be opened: {error.strerror or error}") from None
                tick(1, name)

    def describe(self) -> Mapping[str, Any]:
        positions = {name: {"sha256": digest} for name, digest in self._digests()}
        return {"source": f"files {', '.join(self.patterns)}", "positions": positions, "stand_in": False}

    def fingerprint(self) -> str:
        """Changes with the files' names and contents, and with how they are read."""
        read = json.dumps([self._digests(), self.separator, self.encoding])
        return hashlib.sha256(read.encode()).hexdigest()

    def files(self) -> list[tuple[str, Path]]:
        """The files that the patterns match, each once, with the name that is shown for it."""
        found: dict[Path, str] = {}
        for pattern in self.patterns:
            for base, file in self._matches(pattern):
                if file.suffix.lower() not in SUFFIXES:
                    raise UsageError(f"{file.name} is no file that can be read here; known are {', '.join(SUFFIXES)}")
                found.setdefault(file.resolve(), file.relative_to(base).as_posix())
        return [(name, file) for file, name in found.items()]

    def _matches(self, pattern: str) -> list[tuple[Path, Path]]:
        absolute = Path(pattern).is_absolute()
        bases = (Path(Path(pattern).anchor),) if absolute else self.bases
        within = str(Path(pattern).relative_to(Path(pattern).anchor)) if absolute else pattern
        for base in bases:
            if files := sorted(file for file in base.glob(within) if file.is_file() and not _hidden(file, base, within)):
                # A name must not tell where on this machine the file lies.
                return [(file.parent if absolute else base, file) for file in files]
        folders = [(base / within).parent for base in bases]
        near = {file.name for folder in folders if folder.is_dir() for file in folder.iterdir() if file.suffix in SUFFIXES}
        places = " or ".join(map(str, folders))
        if any((base / within).is_dir() for base in bases):
            raise UsageError(f"[ingest.source] path {pattern!r} is a folder; name its files, such as {f'{pattern}/*.csv'!r}")
        hint = suggest(Path(pattern).name, sorted(near))
        raise UsageError(f"[ingest.source] path {pattern!r} matches no file in {places}; {hint}")

    def _digests(self) -> list[tuple[str, str]]:
        known = self._remembered()
        seen = {}
        digests = []
        for name, file in self.files():
            entry = known.get(str(file))
            before = _stamp(file)
            if entry is None or entry[:2] != before:
                try:
                    entry = [*before, sha256_of(file)]
                except OSError as error:
                    raise OutsideError(f"{name} can't be opened: {error.strerror}") from None
            digests.append((name, entry[2]))
            if _stamp(file) == before:
                seen[str(file)] = entry
        if self.memo is not None and any(known.get(file) != entry for file, entry in seen.items()):
            write_file(self.memo, json.dumps({**known, **seen}).encode())
        return digests

    def _remembered(self) -> dict[str, list[Any]]:
        if self.memo is None or not self.memo.is_file():
            return {}
        known: dict[str, list[Any]] = json.loads(self.memo.read_bytes())
        return known

    def _scan(self, file: Path, name: str) -> polars.LazyFrame:
        import polars

        if file.suffix.lower() == ".parquet":
            return polars.scan_parquet(file, glob=False)
        with file.open("rb") as opened:
            start = opened.read(HEADER_BYTES)
        separator = self._separator(start, name)
        unread = b"\r" in start and b"\n" not in start  # lines of old Macs, which Polars does not know
        if unread or self.encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig", "ascii"):
            content: Any = self._decoded(file, name).encode()
        else:
            content = file
        return polars.scan_csv(content, infer_schema=False, separator=separator, glob=False, with_column_names=_unescaped)

    def _separator(self, start: bytes, name: str) -> str:
        """Find the separator, and see that the header names each column once: Polars would rename the second one."""
        encoding = "utf-8-sig" if self.encoding.lower() in ("utf-8", "utf8") else self.encoding
        text = start.decode(encoding, errors="replace")
        header = text.replace("\r", "\n").partition("\n")[0]
        if not header.strip():
            raise DataError(f"{name} is empty, or its first line is: expected a line with the columns' names")
        separator = self.separator or max(SEPARATORS, key=header.count)
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        twice = sorted({column for column in names if names.count(column) > 1})
        if twice:
            raise DataError(f"{name} has more than one column named {', '.join(map(repr, twice))}; each needs a name of its own")
        return separator

    def _decoded(self, file: Path, name: str) -> str:
        try:
            return file.read_text(encoding=self.encoding)
        except UnicodeError as error:
            raise DataError(f"{name} is not in {self.encoding}: {error}; set encoding in [ingest.source]") from None


def _unescaped(names: list[str]) -> list[str]:
    """Names of a CSV file's columns; Polars leaves quotes in them doubled, as the file spells them."""
    return [name.replace('""', '"') for name in names]


def _next_step(reason: str) -> str:
    if "utf-8" in reason:
        return '; set encoding in [ingest.source], such as encoding = "latin-1"'
    if "more fields" in reason:
        return "; a row has more cells than line 1 has names: mend the file, or set separator in [ingest.source]"
    return "; mend the file, or leave it out of [ingest.source] path"


def _hidden(file: Path, base: Path, within: str) -> bool:
    """Whether *file* lies in a hidden folder, such as the workspace's state, which only a pattern that names it should reach."""
    names = [name for name in file.relative_to(base).parts if name.startswith(".") and name != ".."]
    return any(name not in Path(within).parts for name in names)


def _stamp(file: Path) -> list[int]:
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns]


if TYPE_CHECKING:
    _: type[Source] = FilesSource
