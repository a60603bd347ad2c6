"""Texts read as numbers and as times, by the spelling that the contract gives for their column.

This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from shipway.core.reading import clock, spelling
from shipway.core.reading.spelling import Spelling

ISO_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
ISO_TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9]([.][0-9]{1,6})?$"
FEW = 64
"""Cells up to which Python reads them sooner than Polars, which makes its patterns anew on each call; a request has so few."""

MICROSECONDS = pl.Datetime("us")


def plain_numbers(texts: pl.Expr, written: Spelling) -> pl.Expr:
    """Texts of numbers without blanks around them and with their affixes and signs between thousands taken away, and a point for
    the decimal; what stands wrong is null or stays no number."""
    if written.plain:
        return texts.str.strip_chars().str.replace_all(spelling.MINUS, "-", literal=True)
    return texts.map_batches(functools.partial(_plain, written=written), return_dtype=pl.String)


def _plain(texts: pl.Series, written: Spelling) -> pl.Series:
    if len(texts) > FEW:
        return texts.to_frame("x").select(_plain_numbers(pl.col("x"), written)).to_series().alias(texts.name)
    read = [None if text is None else spelling.plain_number(text, written) for text in texts.to_list()]
    return pl.Series(texts.name, read, dtype=pl.String)


def _plain_numbers(texts: pl.Expr, written: Spelling) -> pl.Expr:
    whole = texts = texts.str.strip_chars().str.replace_all(spelling.MINUS, "-", literal=True)
    if written.form is not None:
        return pl.coalesce(_seconds(texts, *clock.groups(written.form)), _seconds(texts, *clock.iso_groups())).cast(pl.String)
    if written.affixes:
        before, after = spelling.affix_patterns(written.affixes)
        whole = texts = texts.str.replace(before, "${1}").str.replace(after, "")
    if written.thousands is not None:
        closed = texts.str.replace_all(written.thousands, "", literal=True)
        whole = pl.when(~texts.str.contains(written.thousands, literal=True)).then(texts)
        whole = pl.when(texts.str.contains(spelling.grouped(written))).then(closed).otherwise(whole)
    if written.decimal == ".":
        return whole
    pointed = whole.str.replace(written.decimal, ".", literal=True)
    return pl.when(~whole.str.contains(".", literal=True)).then(pointed)


def _seconds(texts: pl.Expr, written: str, places: Mapping[str, int]) -> pl.Expr:
    """Texts of times and durations as seconds; null where one is none."""
    found = texts.str.extract_groups(written)
    held = {letter: found.struct.field(str(place)) for letter, place in places.items()}
    total = pl.lit(0.0)
    for letter, factor in clock.SECONDS.items():
        if letter in held:
            number = held[letter].str.replace(",", ".", literal=True).cast(pl.Float64)
            total += pl.when(number.is_not_null()).then((number % 12 if letter == "I" else number) * factor).otherwise(0.0)
    if "p" in held:
        total += pl.when(held["p"].str.to_lowercase() == "pm").then(clock.NOON).otherwise(0.0)
    some = pl.any_horizontal(part.is_not_null() for part in held.values())
    return pl.when(some).then(pl.when(found.struct.field("1") == "-").then(-total).otherwise(total))


def moments(texts: pl.Series, missing: tuple[str, ...], form: str | None) -> pl.Series:
    """Texts as times without a zone (UTC where an offset is given); null where a text is none, or a missing marker.

    Texts are read as *form* describes them, else as ISO 8601.
    """
    if len(texts) <= FEW and (form is None or spelling.is_simple(form)):
        cells = [None if text is None or text in missing else _read(text, form) for text in texts.to_list()]
        return pl.Series(texts.name, cells, dtype=MICROSECONDS)
    read = texts.to_frame().select(_moments(missing, form)).to_series()
    rest = texts.filter(read.is_null() & texts.is_not_null()).unique().to_list()
    exact = form is not None and not spelling.takes_iso_dates(form)
    wanted = [text for text in rest if text not in missing and not (exact and "T" not in text)]
    other = {text: moment for text in wanted if (moment := _moment(text)) is not None}
    if not other:
        return read
    return read.zip_with(read.is_not_null(), texts.replace_strict(other, default=None, return_dtype=MICROSECONDS))


@functools.lru_cache(maxsize=4096)
def _moments(missing: tuple[str, ...], form: str | None) -> pl.Expr:
    """The spellings that Polars reads; column of a frame of one."""
    cell = pl.first().str.strip_chars()
    iso = cell.str.replace(" ", "T", literal=True).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    day = cell.str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
    read: pl.Expr = pl.when(cell.str.contains(ISO_DATE)).then(day).when(cell.str.contains(ISO_TIME)).then(iso)
    if form is not None:
        formatted = pl.when(cell.str.contains(spelling.date_pattern(form))).then(_formatted(cell, form))
        read = formatted.otherwise(read) if spelling.takes_iso_dates(form) else formatted
    return pl.when(~pl.first().is_in(list(missing))).then(read)


def _formatted(cell: pl.Expr, form: str) -> pl.Expr:
    """Texts read by *form*, in the dialect of Polars, where a fraction of a second comes with its point."""
    form = re.sub("[.]%f", "%.f", form)
    moment = cell.str.to_datetime(form, strict=False, time_unit="us")
    return moment.dt.replace_time_zone(None) if "%z" in form else moment


def _read(text: str, form: str | None) -> datetime | None:
    if form is not None:
        if (read := spelling.moment(text.strip(), form)) is not None:
            return read
        if "T" not in text and not spelling.takes_iso_dates(form):
            return None
    return _moment(text)


def _moment(text: str) -> datetime | None:
    """Any other spelling that ISO 8601 allows: offsets, weeks, no separators, finer fractions."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
