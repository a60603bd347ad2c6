"""How a file of delimited text is written, guessed from its first bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from shipway.core.dialect import encodings
from shipway.core.dialect.heading import has_header
from shipway.core.dialect.trial import NUMBER, SEPARATORS, TRIAL_RECORDS, Record, Trial, Way, attempt, records, short_by_one

SAMPLE_BYTES = 1 << 18
"""Bytes from a file's start that a guess looks at: hundreds of rows even where there are hundreds of columns."""
RARE_SEPARATORS = ("^", "~", ":", " ", "  ")
"""Separators that texts are full of (all but the first two), so that they are tried last and have to be sure."""
LEAST_RARE_SCORE = 0.9
LEAST_RARE_RECORDS = 3
"""Records that have to be cut evenly by a rare separator."""
NAMED_RECORDS = 30
"""Records by which the number of columns is told where no header says it."""
NEVER = "\x1f"
"""What separates the cells of a table with one column whose texts have every usual separator in them (ASCII's unit separator)."""
EXCEL_HINT = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
"""The line by which Excel is told the separator."""
DOUBLED_END = "\r\r\n"
QUOTED_RECORDS = 500
"""Records in which signs of the way of quoting are looked for."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of a file are written; the defaults are those of RFC 4180 in UTF-8.

    Attributes:
        separator: Between cells: one character. A blank after it says that blanks after it play no part, so that two blanks are
            any run of blanks.
        encoding: By its Python name; a byte order mark is no part of the text.
        quote: Around cells that hold a separator or a line end; twice inside them it means itself. None: quotes are plain texts.
        escape: Before a character that means itself, for writers that do not double quotes; None where there is none.
        header: Whether the first record names the columns.
        skip: Lines before the first record: titles, comments, blank ones.
    """

    separator: str = ","
    encoding: str = "utf-8"
    quote: str | None = '"'
    escape: str | None = None
    header: bool = True
    skip: int = 0


def sniff(
    start: bytes,
    *,
    cut: bool = False,
    separator: str | None = None,
    encoding: str | None = None,
    quote: str | None = None,
    escape: str | None = None,
    header: bool | None = None,
    skip: int | None = None,
) -> tuple[Dialect, dict[str, str]]:
    """Guess how a file is written, but for what is given; an empty *quote* or *escape* says that there is none.

    Ways of writing are tried one after another, as in van den Burg et al., "Wrangling messy CSV files by detecting row and type
    patterns" (2019): the one that cuts the text into the most even records with the cleanest cells is taken.

    Args:
        start: The file's first bytes, `SAMPLE_BYTES` of them or the whole file.
        cut: The file goes on after *start*.

    Returns:
        The dialect; and for each key of it that was guessed and is not the default, a sentence that says why.
    """
    reasons = {}
    if encoding is None:
        encoding, reasons["encoding"] = encodings.encoding_of([start], cut=cut)
    text = line_feeds(encodings.decode(start, encoding))
    hint = EXCEL_HINT.match(text) if not skip else None
    hinted = 1 if hint and skip is None else 0
    text = _after(text, hinted + (skip or 0))
    if hint and separator is None:
        ways = [Way(hint[1], one, two) for one in _quotes(text, quote) for two in _escapes(text, escape)]
    else:
        ways = list(_ways(text, separator, quote, escape))
    trial = _best(text, ways, cut=cut)
    if separator is None and not hint and trial.width == 1:
        trial = _rare(text, _quotes(text, quote), cut=cut) or trial
    way, rows = trial.way, trial.records[trial.first :] if skip is None else trial.records
    even = f"cut at it, lines have {trial.width} cells each" if trial.width > 1 else "lines are one cell, so that nothing is cut"
    reasons["separator"] = "the first line names it" if hint else even
    reasons["quote"] = "cells start and end with it" if way.quote else "quotes in this file do not stand around whole cells"
    reasons["escape"] = "it stands before quotes, separators or line ends that are part of a cell"
    if skip is None:
        skip = hinted + (rows[0].line if rows else 0)
        reasons["skip"] = f"the table starts at line {skip + 1}; what stands before is a title, a comment or blank"
    if header is None:
        header, reasons["header"] = _header(rows)
    dialect = Dialect(separator=way.separator, encoding=encoding, quote=way.quote, escape=way.escape, header=header, skip=skip)
    guessed = {"separator": separator, "encoding": None, "quote": quote, "escape": escape, "header": None, "skip": None}
    default = Dialect()
    return dialect, {
        key: reasons[key]
        for key, given in guessed.items()
        if key in reasons and given is None and getattr(dialect, key) != getattr(default, key)
    }


def line_feeds(text: str) -> str:
    """*text* with line feeds where its lines end as on old Macs, in carriage returns alone.

    Two returns before a line feed, which Windows writes where a program ends lines in one itself, end a line and a blank one.
    """
    return text.replace(DOUBLED_END, "\n\n") if "\n" in text else text.replace("\r", "\n")


def columns(start: bytes, dialect: Dialect, *, cut: bool = False) -> tuple[list[str], int]:
    """The names of a file's columns, and the number of lines before its first row.

    A column without a name is called by its place, `column_1` being the first: all of them where there is no header, the index
    that pandas writes without a name, and the row names that R writes without so much as an empty cell above them.
    """
    text = _after(line_feeds(encodings.decode(start, dialect.encoding)), dialect.skip)
    found, _ = records(text, Way(dialect.separator, dialect.quote, dialect.escape), cut=cut, limit=NAMED_RECORDS)
    if not found:
        return [], dialect.skip
    if not dialect.header:
        return _named([""] * max(len(record.cells) for record in found)), dialect.skip
    head, below = found[0], [record for record in found[1:] if not record.blank]
    cells = head.cells
    if short_by_one(head, below):
        cells = ["", *cells] if any(record.cells[-1] for record in below) else [*cells, ""]
    return _named(cells), dialect.skip + max(1, "".join(head.raw).count("\n"))


def _named(cells: list[str]) -> list[str]:
    names = []
    for place, cell in enumerate(cells, 1):
        name = cell or f"column_{place}"
        while not cell and name in cells:
            name += "_"
        names.append(name)
    return names


def _after(text: str, lines: int) -> str:
    start = 0
    for _ in range(lines):
        start = text.find("\n", start) + 1 or len(text)
    return text[start:]


def _quotes(text: str, given: str | None) -> list[str | None]:
    if given is not None:
        return [given or None]
    return ['"', *("'" for _ in range("'" in text)), *(None for _ in range('"' in text))]


def _escapes(text: str, given: str | None) -> list[str | None]:
    if given is not None:
        return [given or None]
    return [None, *("\\" for _ in range(bool(re.search(r"\\[\"',;\t|\r\n]", text))))]


def _ways(text: str, separator: str | None, quote: str | None, escape: str | None) -> Iterator[Way]:
    """The ways to try, likelier ones first."""
    if separator is not None:
        separators = [separator]
    else:
        separators = [sign for sign in SEPARATORS if sign in text]
        separators.append(next((sign for sign in SEPARATORS if sign not in text), NEVER))
        separators += [f"{sign} " for sign in separators if re.search(re.escape(sign) + " +[\"']", text)]
    for one in _quotes(text, quote):
        for two in _escapes(text, escape):
            yield from (Way(sign, one, two) for sign in separators)


def _best(text: str, ways: list[Way], *, cut: bool) -> Trial:
    """The trial with the best score, of equal ones the first; quotes and escapes may be few, so more records are cut for them."""
    best = _first_best(text, ways, cut=cut, limit=TRIAL_RECORDS)
    alike = [way for way in ways if way.separator == best.way.separator]
    return _first_best(text, alike, cut=cut, limit=QUOTED_RECORDS) if len(alike) > 1 else best


def _first_best(text: str, ways: list[Way], *, cut: bool, limit: int) -> Trial:
    best = attempt(text, ways[0], cut=cut, limit=limit)
    for way in ways[1:]:
        if best.score == 1:
            break
        trial = attempt(text, way, cut=cut, limit=limit)
        if trial.score > best.score:
            best = trial
    return best


def _rare(text: str, quotes: list[str | None], *, cut: bool) -> Trial | None:
    """A trial with a separator that is rare, where it is beyond doubt."""
    for way in (Way(sign, quote, None) for sign in RARE_SEPARATORS if sign[0] in text for quote in quotes):
        trial = attempt(text, way, cut=cut)
        rows = [record for record in trial.records if not record.blank]
        if len(rows) < LEAST_RARE_RECORDS or trial.score <= LEAST_RARE_SCORE:
            continue
        body = rows[1:] if short_by_one(rows[0], rows[1:]) else rows
        if any(len(record.cells) != trial.width for record in body):
            continue
        if way.separator in "^~" if trial.width == 2 else trial.width > 2 and (way.separator in "^~" or _has_numbers(body)):
            return trial
    return None


def _has_numbers(rows: list[Record]) -> bool:
    """Whether a column below the first record is all numbers."""
    below = [record.cells for record in rows[1:]]
    return any(all(map(NUMBER.fullmatch, column)) for column in zip(*below, strict=True))


def _header(rows: list[Record]) -> tuple[bool, str]:
    if not rows or short_by_one(rows[0], [row for row in rows[1:] if not row.blank]):
        return True, ""
    return has_header(rows[0].cells, [row.cells for row in rows[1:] if not row.blank])
