"""Which encoding a text is in, told from its bytes."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

CHUNK_BYTES = 1 << 20
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The marks at a text's start (Unicode standard, 23.8), the longer ones before those that they begin with."""
LOOK_BYTES = 1 << 14
"""Bytes from the start in which zeros are counted."""
ZEROS = 0.3
"""Share of zero bytes at every second place from which a text is UTF-16: most letters of a table's frame are ASCII."""
RARER = 8
"""How much rarer zero bytes have to be at the other places, where emoji have some too."""
UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""Bytes that cp1252 does not define."""


def chunks(file: Path) -> Iterator[bytes]:
    """The bytes of *file*, a mebibyte at a time."""
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            yield chunk


def encoding_of(parts: Iterable[bytes], *, cut: bool = False) -> tuple[str, str]:
    """The encoding of a text given in *parts*, by its Python name, and why it is that one; the reason is empty for UTF-8.

    UTF-8 is what decodes as UTF-8, but for a last character that is not whole where the text is *cut*. A text that has whole
    UTF-8 characters beyond ASCII stays UTF-8 where a later byte is not: it is a text with a fault, and another encoding would
    spoil all that came before. Any other text is cp1252, as browsers read it (WHATWG Encoding, 4.2), or Latin-1 where it has
    bytes that cp1252 does not define: no byte tells which one of the many 8-bit encodings it is.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    beyond_ascii = first = False
    name = "utf-8"
    for part in parts:
        if not first:
            first = True
            if marked := next((encoding for mark, encoding in MARKS.items() if part.startswith(mark)), None):
                return marked, "" if marked == "utf-8" else f"the file starts with the mark of {marked.upper()}"
            if unmarked := _utf_16(part):
                return unmarked, "every second byte is zero, as in UTF-16"
        if name == "utf-8" and not (part.isascii() and not decoder.getstate()[0]):
            try:
                beyond_ascii = not decoder.decode(part).isascii() or beyond_ascii
            except UnicodeDecodeError as error:
                # The decoder puts what it kept of the part before in front of this one.
                if beyond_ascii or not error.object[: error.start].isascii():
                    return "utf-8", ""
                name = "cp1252"
        if name == "cp1252" and UNDEFINED & set(part):
            name = "latin-1"
            break
    if name == "utf-8":
        if cut or beyond_ascii or not (rest := decoder.getstate()[0]):
            return name, ""
        name = "latin-1" if UNDEFINED & set(rest) else "cp1252"
    return name, "it has bytes that are not UTF-8; where letters look wrong, name another, such as cp1250 or shift_jis"


def decode(start: bytes, encoding: str) -> str:
    """The text that *start*, the first bytes of a file, begins with; without the mark, and without a character that is cut."""
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    return codecs.getincrementaldecoder(name)(errors="replace").decode(start)


def _utf_16(start: bytes) -> str | None:
    even, odd = start[:LOOK_BYTES:2], start[1:LOOK_BYTES:2]
    few, many = sorted((even.count(0), odd.count(0)))
    if many <= ZEROS * len(odd) or few * RARER > many:
        return None
    return "utf-16-le" if odd.count(0) == many else "utf-16-be"
