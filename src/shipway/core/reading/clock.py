"""Times of day and durations as numbers of seconds: the formats of columns of numbers, and ISO 8601 durations beside them."""

from __future__ import annotations

import functools
import re

SECONDS = {"d": 86_400.0, "H": 3_600.0, "I": 3_600.0, "M": 60.0, "S": 1.0}
"""What one of each directive counts, the greater ones first. A day is 24 hours: no zone changes its clocks in a duration."""

NOON = 43_200.0
FRACTION = "[0-5]?[0-9]([.,][0-9]+)?"
WITHIN = {"d": "[0-9]+", "H": "[0-9]{1,2}", "I": "[0-9]{1,2}", "M": "[0-5]?[0-9]", "S": FRACTION, "p": "[AaPp][Mm]"}
"""What stands for a directive behind a greater one."""

FIRST = {"d": "[0-9]+", "H": "[0-9]+", "I": "(0?[1-9]|1[0-2])", "M": "[0-9]+", "S": "[0-9]+([.,][0-9]+)?", "p": "[AaPp][Mm]"}
"""What stands for the greatest one: a duration may have 75 minutes and no hours."""

DIRECTIVE = re.compile(r"%-?(.)?", re.DOTALL)
NUMBER = "([0-9]+([.,][0-9]+)?)"
ISO = rf"P({NUMBER}D)?(T({NUMBER}H)?({NUMBER}M)?({NUMBER}S)?)?"
"""A duration of ISO 8601 (4.4.3.2), without years and months, which have no fixed length."""

ISO_GROUPS = {"d": 2, "H": 6, "M": 9, "S": 12}
"""Which group of `ISO` holds the number of each directive."""


def pattern(form: str) -> str:
    """A pattern of the texts that *form* describes, without sign and blanks; in JSON Schema's dialect."""
    return f"({_form(form)[0]}|{ISO})"


def fault(form: str) -> str | None:
    """What is wrong with the format of a number, in words; None where nothing is."""
    letters = [found[1] for found in DIRECTIVE.finditer(form)]
    for letter in letters:
        if letter not in WITHIN:
            return f"%{letter or ''} is not known for a number; known are {', '.join(f'%{known}' for known in WITHIN)}"
    counted = [letter for letter in letters if letter != "p"]
    factors = [SECONDS[letter] for letter in counted]
    if not counted or factors != sorted(set(factors), reverse=True):
        return 'a time has its days, hours, minutes and seconds once each and in this order, such as "%H:%M"'
    if ("I" in letters) != ("p" in letters):
        return '%I goes with %p, such as "%I:%M %p"'
    return None


@functools.lru_cache(maxsize=4096)
def groups(form: str) -> tuple[str, dict[str, int]]:
    """A pattern of a whole text with its sign as group 1; and which group holds each directive."""
    written, places = _form(form)
    return rf"^([+-])?{written}$", {letter: place + 1 for letter, place in places.items()}


def iso_groups() -> tuple[str, dict[str, int]]:
    """As `groups`, for durations of ISO 8601."""
    return rf"^([+-])?{ISO}$", {letter: place + 1 for letter, place in ISO_GROUPS.items()}


@functools.lru_cache(maxsize=4096)
def _form(form: str) -> tuple[str, dict[str, int]]:
    parts, places, end, count, first = [], {}, 0, 0, True
    for found in DIRECTIVE.finditer(form):
        letter = found[1]
        inner = (FIRST if first else WITHIN)[letter]
        parts += [_literal(form[end : found.start()]), f"({inner})"]
        places[letter] = count = count + 1
        count += inner.count("(")
        first, end = first and letter == "p", found.end()
    return re.sub(r"\s+", r"\\s*", "".join([*parts, _literal(form[end:])])), places


def seconds(text: str, form: str) -> float | None:
    """A text without blanks around it as seconds; None where it is none. Python's twin of `texts.seconds`, for a few cells."""
    for written, places in (groups(form), iso_groups()):
        if (found := _compiled(written).match(text)) is None:
            continue
        held = {letter: found[place] for letter, place in places.items() if found[place] is not None}
        if not held:
            continue
        total = 0.0
        for letter, factor in SECONDS.items():
            if letter in held:
                number = float(held[letter].replace(",", "."))
                total += (number % 12 if letter == "I" else number) * factor
        if held.get("p", "a")[0] in "Pp":
            total += NOON
        return -total if found[1] == "-" else total
    return None


@functools.lru_cache(maxsize=4096)
def _compiled(written: str) -> re.Pattern[str]:
    return re.compile(f"{written[:-1]}\\Z", re.ASCII)


def _literal(text: str) -> str:
    """A pattern of *text* itself, in JSON Schema's dialect."""
    return re.sub(r"[\^$\\.*+?()\[\]{}|]", r"\\\g<0>", text)
