"""How texts of numbers and dates are written, as a column of the contract says it: patterns that the reader, the checks of the
contract file and the service's documentation share."""

from __future__ import annotations

import functools
import re
from datetime import datetime
from typing import NamedTuple

from shipway.core.contract import Column
from shipway.core.reading import clock

DIRECTIVES = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "m": "[0-9]{1,2}",
    "d": "[0-9]{1,2}",
    "e": "[0-9]{1,2}",
    "j": "[0-9]{1,3}",
    "b": "[A-Za-z]{3}",
    "h": "[A-Za-z]{3}",
    "B": "[A-Za-z]{3,9}",
    "a": "[A-Za-z]{3}",
    "A": "[A-Za-z]{3,9}",
    "H": "[0-9]{1,2}",
    "I": "[0-9]{1,2}",
    "M": "[0-9]{1,2}",
    "S": "[0-5]?[0-9]",
    "f": "[0-9]{1,6}",
    "p": "[AaPp][Mm]",
    "z": "[+-][0-9]{2}:?[0-9]{2}",
    "%": "%",
}
"""What stands for each directive of a format, after Python's `strptime`, with English names of months and days; a hyphen after
the % (no padding) changes nothing, as numbers may stand without their leading zero anyway. Years have all their digits: read
leniently, 01/02/20 would be of the year 20 under %d/%m/%Y."""

LIKELY_YEAR = "(1[6-9]|2[0-9])[0-9]{2}"
"""A year where nothing stands between day, month and year: under %d%m%Y, the ISO 8601 text 20101123 would be of the year 1123."""

DIRECTIVE = re.compile(r"%-?(.)?", re.DOTALL)
SIMPLE = "YymdHMSf%"
YEARS, MONTHS, DAYS = "Yy", "mbBh", "de"

MINUS = "\u2212"
"""The minus of typography, as tables of web pages and articles have it; read as the hyphen that stands for it elsewhere."""

EXPONENT = f"([eE][+{MINUS}-]?[0-9]+)?"


class Spelling(NamedTuple):
    """How the texts of a column of numbers are written; hashable, so that what is built from it is built once."""

    decimal: str
    thousands: str | None
    affixes: tuple[str, ...]
    form: str | None = None

    @classmethod
    def of(cls, column: Column) -> Spelling:
        form = None if column.type == "datetime" else column.format
        return cls(column.decimal, column.thousands, column.affixes, form)

    @property
    def plain(self) -> bool:
        """Whether numbers are written as in JSON."""
        return self.decimal == "." and self.thousands is None and not self.affixes and self.form is None


PLAIN = Spelling(".", None, ())


@functools.lru_cache(maxsize=4096)
def grouped(spelling: Spelling) -> str:
    """A pattern of a number with a sign between its thousands; whole cells, without affixes and blanks.

    Signs stand where thousands stand, else the text is no number: before each three digits, or, as in India, before the last
    three and each two above them.
    """
    sign, decimal = literal(spelling.thousands or ""), literal(spelling.decimal)
    western, indian = f"[1-9][0-9]{{0,2}}({sign}[0-9]{{3}})+", f"[1-9][0-9]?({sign}[0-9]{{2}})+{sign}[0-9]{{3}}"
    return f"^[+-]?({western}|{indian})({decimal}[0-9]*)?{EXPONENT}$"


@functools.lru_cache(maxsize=4096)
def number_pattern(spelling: Spelling) -> str:
    """A pattern of the texts that are read as numbers, blanks around them included; in JSON Schema's dialect."""
    if spelling.form is not None:
        return rf"^\s*[+{MINUS}-]?{clock.pattern(spelling.form)}\s*$"
    decimal = literal(spelling.decimal)
    number = f"([0-9]+{decimal}?[0-9]*|{decimal}[0-9]+){EXPONENT}"
    if spelling.thousands is not None:
        number = f"({number}|{grouped(spelling)[len('^[+-]?') : -1]})"
    if not spelling.affixes:
        return rf"^\s*[+{MINUS}-]?{number}\s*$"
    affix = alternatives(spelling.affixes)
    return rf"^\s*[+{MINUS}-]?(\s*{affix}\s*)?[+{MINUS}-]?{number}(\s*{affix})?\s*$"


@functools.lru_cache(maxsize=4096)
def alternatives(affixes: tuple[str, ...]) -> str:
    """A pattern of any of *affixes*, the longest first, so that "kg" is not left with a "g"."""
    texts = sorted({affix.strip() for affix in affixes}, key=lambda affix: (-len(affix), affix))
    return f"({'|'.join(map(literal, texts))})"


@functools.lru_cache(maxsize=4096)
def date_pattern(form: str) -> str:
    """A pattern of the texts that *form* describes, without blanks around them; numbers with nothing between have all digits."""
    directives = dict(DIRECTIVES)
    if re.search("%-?[YymdejHIMS]%-?[YymdejHIMS]", form):
        directives |= dict.fromkeys("mdeHIMS", "[0-9]{2}") | {"j": "[0-9]{3}"}
    if re.match("(%-?[mdej])+%-?Y", form):
        directives["Y"] = LIKELY_YEAR
    parts, end = [], 0
    for found in DIRECTIVE.finditer(form):
        parts += [literal(form[end : found.start()]), directives[found[1]]]
        end = found.end()
    return "^" + re.sub(r"\s+", r"\\s+", "".join([*parts, literal(form[end:])])) + "$"


def plain_number(text: str, written: Spelling) -> str | None:
    """A text of a number without its affixes and signs between thousands, and with a point for the decimal.

    Python's twin of `texts.plain_numbers`, for a few cells.
    """
    text = text.strip().replace(MINUS, "-")
    if written.form is not None:
        seconds = clock.seconds(text, written.form)
        return None if seconds is None else str(seconds)
    if written.affixes:
        before, after = _affix_patterns(written.affixes)
        text = after.sub("", before.sub(r"\g<1>", text, count=1), count=1)
    if written.thousands is not None and written.thousands in text:
        if _compiled(grouped(written)).match(text) is None:
            return None
        text = text.replace(written.thousands, "")
    if written.decimal == ".":
        return text
    return None if "." in text else text.replace(written.decimal, ".", 1)


@functools.lru_cache(maxsize=4096)
def _affix_patterns(affixes: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return tuple(map(re.compile, affix_patterns(affixes)))  # type: ignore[return-value]


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{pattern[:-1]}\\Z")


def affix_patterns(affixes: tuple[str, ...]) -> tuple[str, str]:
    """Patterns of an affix before a number, behind its sign, and of one after it."""
    affix = alternatives(affixes)
    return rf"^([+-]?)\s*{affix}\s*", rf"\s*{affix}$"


def moment(text: str, form: str) -> datetime | None:
    """A text read as *form* describes it, whose directives are `SIMPLE`; None where it is none."""
    if _compiled(date_pattern(form)).match(text) is None:
        return None
    try:
        read = datetime.strptime(text, re.sub("%-", "%", form))
    except ValueError:
        return None
    # two digits of a year are of 1970 to 2069, as Polars has it
    return read.replace(year=2069) if "%y" in form and read.year == 1969 else read


@functools.lru_cache(maxsize=4096)
def is_simple(form: str) -> bool:
    """Whether *form* has only directives that Python and Polars read alike, whatever the language."""
    return all(found[1] in SIMPLE for found in DIRECTIVE.finditer(form))


@functools.lru_cache(maxsize=4096)
def is_of_digits(form: str) -> bool:
    """Whether the texts of *form* are digits alone that begin with the year, so that a typed number says the same."""
    return re.fullmatch("%-?Y(%-?[mdjHMS])*", form) is not None


def sample(column: Column) -> str:
    """A number as the texts of *column* may be written, for messages."""
    sign = column.thousands or ""
    number = f"1{sign}234" if column.type == "integer" else f"1{sign}234{column.decimal}5"
    return f"{number} or {number} {column.affixes[0].strip()}" if column.affixes else number


def literal(text: str) -> str:
    """A pattern of *text* itself; escapes only what JSON Schema's dialect lets one escape, which `re.escape` does not."""
    return re.sub(r"[\^$\\.*+?()\[\]{}|]", r"\\\g<0>", text)


def format_fault(form: str) -> str | None:
    """What is wrong with the format of a date, in words; None where nothing is."""
    directives = [found[1] for found in DIRECTIVE.finditer(form)]
    for letter in directives:
        if letter not in DIRECTIVES:
            return f"%{letter or ''} is not known; known are {', '.join(f'%{known}' for known in DIRECTIVES)}"
    if not any(letter in YEARS for letter in directives) or not any(letter in MONTHS + "j" for letter in directives):
        return 'it must say where day, month and year stand, such as "%d/%m/%Y"'
    if "f" in directives and ".%f" not in form:
        return 'a fraction of a second stands behind a point, such as "%H:%M:%S.%f"'
    if any(letter in "HI" for letter in directives) != ("M" in directives) or ("I" in directives) != ("p" in directives):
        return 'a time of day needs its hour and minute, and with %I also %p, such as "%d/%m/%Y %H:%M"'
    return None


@functools.lru_cache(maxsize=4096)
def takes_iso_dates(form: str) -> bool:
    """Whether dates of ISO 8601 are read beside *form*: not where the year stands first and the day before the month.

    There only texts with the T of ISO 8601 are, as of 2026-04-03 and 2026-04-13 one would be read as March, the other as April.
    """
    letters = [found[1] for found in DIRECTIVE.finditer(form)]
    places = ["d" if letter in DAYS else "m" if letter in MONTHS else letter for letter in letters]
    swapped = "d" in places and "m" in places and places.index("d") < places.index("m")
    return not (swapped and places[0] == "Y")
