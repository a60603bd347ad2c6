"""What a JSON text is made of, judged without the memory of its values: how deep, how many values, members named twice.

Each check first counts bytes, which takes microseconds for a record and milliseconds for a body of 16 MB. What stands inside of
texts can only add to such a count, so a count that is low enough proves the matter. Only where it is not are the texts cut out.
"""

from __future__ import annotations

import json
import re
from typing import Any

from shipway.serving.problems import Problem

NESTING_LIMIT = 16
"""Levels of lists and objects in a body. A batch has three; a cell is never nested, and is told so by its place up to here."""

PIECE = 2**16
"""Bytes that are looked at together: what a piece falls into takes forty times its size."""

_SPACED_MEMBER = re.compile(rb'"[ \t\r\n]+:')
_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NO_MARKS = bytes(set(range(256)) - set(b"[]{},"))


def check(body: bytes, most: int) -> None:
    """Raise Problem 400 for a text that is nested too deeply, and 413 for one of more than *most* values."""
    opened = _opened(body)
    if opened <= NESTING_LIMIT and max(opened, body.count(b",")) <= most:
        return
    marks = _marks(body)
    if _too_deep(marks):
        raise Problem(400, f"The body can't be read as JSON: it is nested more than {NESTING_LIMIT} levels deep.")
    if max(_opened(marks), marks.count(b",")) > most:
        raise Problem(413, f"The body has more than {most:,} values; send fewer records at a time.")


def check_names(body: bytes, document: dict[str, Any]) -> None:
    """Raise Problem 400 where an object of *body* names a member twice; *document* is what was read of it."""
    members = len(document)
    for value in document.values():
        if isinstance(value, list):
            members += sum(len(one) for one in value if isinstance(one, dict))
        elif isinstance(value, dict):
            members += len(value)
    if body.count(b":") == members or body.count(b'":') + len(_SPACED_MEMBER.findall(body)) == members:
        return
    try:
        json.loads(body, object_pairs_hook=_unique, parse_int=bool, parse_float=bool)
    except (RecursionError, ValueError):  # should this reader be stricter than the one before it
        raise Problem(400, "The body can't be read as JSON.") from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise Problem(400, "The body can't be read as JSON: an object has two members of one name.")


def _opened(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def _too_deep(text: bytes) -> bool:
    """Whether brackets are left after taking away the innermost as often as they may be nested."""
    left = text.translate(_ALIKE, _NO_BRACKETS)
    for _ in range(NESTING_LIMIT):
        if not left:
            return False
        left = left.replace(b"[]", b"")
    return bool(left)


def _marks(body: bytes) -> bytes:
    """The brackets and commas of *body* that do not stand in a text."""
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    found, within = bytearray(), 0
    for place in range(0, len(plain), PIECE):
        parts = plain[place : place + PIECE].split(b'"')
        found += b"".join(parts[within::2]).translate(None, _NO_MARKS)
        within = (within + len(parts) - 1) % 2
    return bytes(found)
