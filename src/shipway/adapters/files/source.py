"""Files by name or pattern, and what is told of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shipway.adapters.files import content, delimited
from shipway.core.dialect import Dialect
from shipway.core.disk import sha256_of, write_file
from shipway.core.errors import DataError, OutsideError, UsageError
from shipway.core.project import suggest

if TYPE_CHECKING:
    import polars

    from shipway.adapters.files.repeats import Unrepeated
    from shipway.core.artifacts import Table
    from shipway.core.ports import Progress, Source

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ".data")
PACKED_SUFFIXES = (".gz", ".bz2", ".xz")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
WORKBOOKS = (".xls", ".xlsx", ".xlsm", ".ods")
MEMO = "file-hashes.json"

Batch = TypeVar("Batch")


class FilesSource:
    """Files by name or by glob, each glob's files in sorted order.

    Args:
        root: The project folder. A relative path is looked for there, then in the workspace two folders above it.
        path: One path or glob, or several.
        separator, encoding, quote, escape, header, skip: How files of text are written, as in `Dialect`, where an empty quote or
            escape says that there is none. What is not given is guessed from each file.
        state: A folder where hashes of unchanged files are remembered; without it each file is hashed each time.
            Copies in UTF-8 lie there too while a packed file, or one in another encoding, is being read.
    """

    def __init__(
        self,
        root: Path,
        *,
        path: str | list[str],
        separator: str | None = None,
        encoding: str | None = None,
        quote: str | None = None,
        escape: str | None = None,
        header: bool | None = None,
        skip: int | None = None,
        state: Path | None = None,
    ) -> None:
        self.patterns = [path] if isinstance(path, str) else list(path) if isinstance(path, list) else []
        if not self.patterns or not all(isinstance(pattern, str) and pattern for pattern in self.patterns):
            raise UsageError('[ingest.source] path must be a path or a list of paths, such as "data/*.csv"')
        keys = {"separator": separator, "encoding": encoding, "quote": quote, "escape": escape, "header": header, "skip": skip}
        self.given = {key: value for key, value in keys.items() if value is not None}
        _check(self.given)
        self.bases = (root, *root.parents[1:2])
        self.state = state
        self.memo = state / MEMO if state is not None else None

    def batches(self, progress: Progress) -> Iterator[tuple[str, int, Table]]:
        """Each file in batches, so that a large one is never in memory as a whole.

        Raises:
            UsageError: A pattern matches no file, or one of another kind.
            DataError: A file can't be read; names it and what is wrong.
        """
        for name, (first, batch) in self._each(progress, self._batches_of):
            yield name, first, batch

    def unrepeated(self, progress: Progress) -> Iterator[Unrepeated]:
        """As `batches`, without rows of a text file whose line equals that of a row that the reader of a batch settled."""
        for _, batch in self._each(progress, self._unrepeated_of):
            yield batch

    def _each(self, progress: Progress, read: Callable[[Path, str], Iterator[Batch]]) -> Iterator[tuple[str, Batch]]:
        """What *read* makes of each file, unpacked, and the file's name."""
        files = self.files()
        with progress("reading files", total=len(files)) as tick:
            for name, file in files:
                try:
                    with content.unpacked(file, name, self.state) as plain:
                        for batch in read(plain, name):
                            yield name, batch
                except OSError as error:
                    raise OutsideError(f"{name} can't be opened: {error.strerror or error}") from None
                tick(1, name)

    def dialects(self) -> dict[str, tuple[Dialect, Mapping[str, str]]]:
        """How each file of text is written, and for each key that was guessed and is not the default, why.

        Raises as `batches` does.
        """
        found = {}
        for name, file in self.files():
            with content.unpacked(file, name, self.state) as plain:
                if not content.is_parquet(plain):
                    looked = delimited.look(plain, name, self.given)
                    found[name] = looked.dialect, looked.reasons
        return found

    def describe(self) -> Mapping[str, Any]:
        positions = {name: {"sha256": digest} for name, digest in self._digests()}
        return {"source": f"files {', '.join(self.patterns)}", "positions": positions, "stand_in": False}

    def fingerprint(self) -> str:
        """Changes with the files' names and contents, and with how they are read."""
        read = json.dumps([self._digests(), self.given])
        return hashlib.sha256(read.encode()).hexdigest()

    def files(self) -> list[tuple[str, Path]]:
        """The files that the patterns match, each once, with the name that is shown for it.

        One that is named in full may be called anything: what is in it is looked at.
        """
        found: dict[Path, str] = {}
        for pattern in self.patterns:
            named = not set("*?") & set(pattern)
            for base, file in self._matches(pattern):
                if not _known(file) and (not named or file.suffix.lower() in WORKBOOKS):
                    step = "; save its sheet as CSV" if file.suffix.lower() in WORKBOOKS else ""
                    raise UsageError(f"{file.name} is no file that can be read here; known are {', '.join(SUFFIXES)}{step}")
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
        near = {file.name for folder in folders if folder.is_dir() for file in folder.iterdir() if _known(file)}
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

    def _batches_of(self, file: Path, name: str) -> Iterator[tuple[int, polars.DataFrame]]:
        if content.is_parquet(file):
            yield from _parquet(file, name)
        elif Path(name).suffix.lower() == ".parquet":
            raise DataError(f"{name} is no Parquet file, whatever its name says; write it again, or name it .csv if it is one")
        else:
            yield from delimited.look(file, name, self.given).batches(self.state)

    def _unrepeated_of(self, file: Path, name: str) -> Iterator[Unrepeated]:
        from shipway.adapters.files.repeats import unrepeated

        if content.is_parquet(file) or Path(name).suffix.lower() == ".parquet":
            return unrepeated(name, self._batches_of(file, name))
        return delimited.look(file, name, self.given).unrepeated(self.state)


def _parquet(file: Path, name: str) -> Iterator[tuple[int, polars.DataFrame]]:
    import polars

    first = 1
    try:
        for batch in polars.scan_parquet(file, glob=False).collect_batches(chunk_size=delimited.BATCH_ROWS, maintain_order=True):
            if len(batch):
                yield first, batch
                first += len(batch)
    except polars.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{name} can't be read after row {first - 1:,}: {reason}; write it again, or leave it out of [ingest.source] path"
        ) from None


def _check(given: Mapping[str, Any]) -> None:
    """See that the keys that say how files are written can be right."""
    separator = given.get("separator", ",")
    if not isinstance(separator, str) or not separator.isascii() or not (len(separator) == 1 or separator[1:] == " "):
        raise UsageError(f"separator must be one ASCII character, or one and a blank, not {separator!r}")
    for key in ("quote", "escape"):
        sign = given.get(key, "")
        if not isinstance(sign, str) or len(sign) > 1 or not sign.isascii():
            raise UsageError(f"{key} must be one ASCII character, or empty where there is none, not {sign!r}")
    encoding = given.get("encoding", "utf-8")
    try:
        "".encode(encoding)
    except (LookupError, TypeError):
        raise UsageError(f"there is no encoding {encoding!r}; usual ones are utf-8, latin-1, cp1252, utf-16") from None
    if not isinstance(given.get("header", True), bool):
        raise UsageError(f"header must be true or false, not {given['header']!r}")
    skip = given.get("skip", 0)
    if not isinstance(skip, int) or isinstance(skip, bool) or skip < 0:
        raise UsageError(f"skip must be a number of lines from 0, not {skip!r}")


def _known(file: Path) -> bool:
    """Whether *file* is called like one that can be read; what is in it is looked at later."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in PACKED_SUFFIXES:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in SUFFIXES


def _hidden(file: Path, base: Path, within: str) -> bool:
    """Whether *file* lies in a hidden folder, such as the workspace's state, which only a pattern that names it should reach."""
    names = [name for name in file.relative_to(base).parts if name.startswith(".") and name != ".."]
    return any(name not in Path(within).parts for name in names)


def _stamp(file: Path) -> list[int]:
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns]


if TYPE_CHECKING:
    _: type[Source] = FilesSource
