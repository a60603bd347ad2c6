"""What a file is, by its content and not by its name: a table to read, one that has to be unpacked first, or none at all."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shipway.core.errors import DataError

PARQUET = b"PAR1"
PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
"""What compressed files start with, and what opens them."""
KINDS = (
    (re.compile(rb"PK\x03\x04(?s:.)*?(xl/|\[Content_Types\])"), "an Excel workbook; save the sheet as CSV"),
    (re.compile(rb"PK\x03\x04"), "a zip archive; unpack it and name the table in it"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an old Excel workbook; save the sheet as CSV"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "compressed by zstd; unpack it"),
    (re.compile(rb"(?s:.){257}ustar"), "a tar archive; unpack it and name the table in it"),
    (re.compile(rb"%PDF-"), "a PDF document; export its table as CSV"),
    (re.compile(rb"\x89PNG|GIF8|\xff\xd8\xff"), "a picture; a table is wanted"),
    (re.compile(rb"SQLite format 3"), "an SQLite database; export the table as CSV"),
    (re.compile(rb"ARROW1|FEA1|Obj\x01|ORC|\x89HDF"), "a binary table; write it as Parquet or CSV"),
    (re.compile(rb"\x80[\x02-\x05][\x95c}\]]"), "a Python pickle, which is never loaded; write the table as Parquet or CSV"),
    (
        re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|!--|\?xml|html|head|body|table|svg)", re.IGNORECASE),
        "a web page or XML; a download that wants a login first often is: fetch the table itself, as CSV",
    ),
    (re.compile(rb'(\xef\xbb\xbf)?\s*(\[\s*)?\{\s*("[^"]*"\s*:|\}\s*\Z)'), "JSON; write it as CSV or Parquet"),
    (re.compile(rb'(\xef\xbb\xbf)?\s*\[\s*(\[|[-\d."][^\n]*\]\s*\Z|\]\s*\Z)'), "JSON; write it as CSV or Parquet"),
    (re.compile(rb"\s*(%[^\n]*\n\s*)*@relation\s", re.IGNORECASE), "ARFF; write it as CSV, with a line of names"),
    (
        re.compile(rb"\s*(--[^\n]*\n\s*)*(create\s+table|drop\s+table|insert\s+into)\s", re.IGNORECASE),
        "an SQL script; export the table as CSV",
    ),
    (re.compile(rb"[-+]?\d+(\.\d+)?( \d+:[-+.\deE]+)+ *\r?\n"), "libsvm's sparse lines; write them as CSV"),
    (re.compile(rb"\s*\|[^\n]*\|\s*\n\|[ :|-]*--[ :|-]*\|\s*\n"), "a table of Markdown; write it as CSV"),
)
"""What files that are no table start with, and what they are with the next thing to do."""
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b]")
LOOK = 1 << 14
"""Characters from the start among which control characters are counted."""
NOISE = 0.05
"""Share of control characters from which a content is no text; of random bytes about a tenth are."""


def is_parquet(file: Path) -> bool:
    """Whether *file* holds Parquet, whatever it is called."""
    with file.open("rb") as opened:
        return opened.read(len(PARQUET)) == PARQUET


def refuse(start: bytes, text: str, name: str) -> None:
    """See that a content can be a table of delimited text.

    Args:
        start: Its first bytes.
        text: The same as text.

    Raises:
        DataError: It is of another kind, is empty, or is no text.
    """
    for pattern, what in KINDS:
        if pattern.match(start):
            raise DataError(f"{name} is no table of delimited text but {what}")
    if not text.strip("\r\n\t \ufeff"):
        raise DataError(f"{name} is empty: expected a line with the columns' names and a line for each row")
    if len(CONTROL.findall(text, 0, LOOK)) > NOISE * len(text[:LOOK]):
        raise DataError(f"{name} is no text: too many of its bytes are control characters; a table as CSV or Parquet is wanted")


@contextlib.contextmanager
def scratch(state: Path | None) -> Iterator[Path]:
    """A folder for what is written while a file is being read; it goes with the block."""
    if state is not None:
        state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="reading-", dir=state) as folder:
        yield Path(folder)


@contextlib.contextmanager
def unpacked(file: Path, name: str, state: Path | None) -> Iterator[Path]:
    """*file*, or where it is compressed its content as a file of its own, which goes with the block.

    Raises:
        DataError: What is compressed is not whole.
    """
    with file.open("rb") as opened:
        start = opened.read(max(map(len, PACKED)))
    opener = next((opener for mark, opener in PACKED.items() if start.startswith(mark)), None)
    if opener is None:
        yield file
        return
    with scratch(state) as folder:
        plain = folder / "unpacked"
        try:
            with opener(file, "rb") as packed, plain.open("wb") as target:
                shutil.copyfileobj(packed, target)
        except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, ValueError) as error:
            raise DataError(f"{name} can't be unpacked: {error}; fetch it again") from None
        yield plain
