"""Whether texts are dates, and how these are written: decided by the data, as a day above 12 anywhere settles what is the day."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from shipway.core.inference import nothing
from shipway.core.inference.distinct import Distinct, sampled, total, words
from shipway.core.inference.names import parts_of
from shipway.core.inference.numbers import ONE_SLIP_FROM, TOLERATED
from shipway.core.reading import texts as reading
from shipway.core.reading.spelling import date_pattern

FIRST = 9
"""Cells of the sample by whose pattern most formats are ruled out."""

ENOUGH = 1 - 2 * TOLERATED
"""Share of the sample that a format must read; a sample of so few cells may hold twice as many slips as the column."""

LIKE_A_DATE = (
    r"^(?:[A-Za-z]{3,9},? )?"
    r"(?:[0-9]{1,4}(?:[-./ ]|[.] )[A-Za-z0-9]{1,9}(?:[-./ ,]|$)|[A-Za-z]{3,9}[-./ ]{1,2}[0-9]{1,4}(?:[ ,]|$)|[0-9]{8}[T ][0-9])"
)
"""Two numbers, or a number and a name of a month, with a sign between them at the start of the cell; or the digits of a date and
of a time."""

DAY_FIRST, MONTH_FIRST = "dm", "md"
NUMERIC_DATES = [f"%{first}{sep}%{second}{sep}%{third}" for sep in "/.-" for first, second, third in ("dmY", "mdY", "dmy", "mdy")]
NUMERIC_DATES += ["%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%Y-%d-%m", "%Y/%d/%m", "%d %m %Y", "%y-%m-%d", "%y/%m/%d"]
NAMED_DATES = [form.replace("_", sep) for sep in " -/." for form in ("%d_%b_%Y", "%d_%b_%y", "%d_%B_%Y", "%b_%d_%Y", "%Y_%b_%d")]
NAMED_DATES += ["%b %d, %Y", "%B %d, %Y", "%B %d %Y", "%d. %b %Y", "%d. %B %Y", "%d %b, %Y", "%d %B, %Y"]
NAMED_DATES += [f"{day}, {date}" for day in ("%a", "%A") for date in ("%d %b %Y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y")]
MONTHS = ["%Y-%m", "%Y/%m", "%m/%Y", "%b-%Y", "%b %Y", "%B %Y", "%b-%y", "%Y-%b"]
CLOCKS = ["%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S%z", "%H:%M:%S %z"]
CLOCKS += [f"{clock} {zone}" for zone in ("UTC", "GMT") for clock in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")]
TIMES = ["", *(sign + clock for sign in (" ", "T", ", ") for clock in CLOCKS)]
CANDIDATES = [date + time for date in [*NUMERIC_DATES, *NAMED_DATES] for time in TIMES] + MONTHS
CANDIDATES += [f"%a %b %d {clock} %Y" for clock in ("%H:%M:%S", "%H:%M:%S UTC", "%H:%M:%S GMT", "%H:%M:%S %z")]
"""All that are tried beside ISO 8601; the last ones are those of C's `asctime` and its kin."""

LIKELY_YEARS = (1000, 2500)
YEARS = (1900, 2100)
"""Years of dates that could be something else, of two-digit years or of months alone."""

NEVER = [datetime(1900, 1, 1), datetime(9999, 12, 31), datetime(9999, 12, 31, 23, 59, 59), datetime(1, 1, 1)]
"""Dates that data bases write for "not yet" and "no date"."""

COMPACT_FORM = "%Y%m%d"
COMPACT = r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$|^99991231$"
NO_DAY = ["0", "00000000", "99999999"]
"""What stands for no date among such digits."""

DAY_WORDS = words(
    "date dates day dt datum fecha data tag dob birthday birthdate dat ymd yyyymmdd on at since until time timestamp"
)
"""Words of a name that speak of a day."""

FAR = 10
"""Years between the first other date and 1900 from which the latter, repeated, says that there is no date."""


@dataclass(frozen=True)
class Dates:
    """Cells read as dates.

    Attributes:
        form: The format; None for ISO 8601.
        texts: The distinct cells with `value`, null where a cell is no date.
        markers: Which of the distinct cells mean nothing.
        other: A format that reads all cells as well, with day and month the other way round.
        reason: What settled which of day and month is first; empty where only one way reads the cells.
    """

    form: str | None
    texts: pl.DataFrame
    markers: pl.Series
    other: str | None = None
    reason: str = ""

    @property
    def values(self) -> pl.DataFrame:
        """Distinct dates, without those that mean nothing, with their rows."""
        return self.texts.filter(~self.markers & pl.col("value").is_not_null())

    @property
    def rogue(self) -> pl.DataFrame:
        """Cells that neither are dates nor mean nothing."""
        return self.texts.filter(~self.markers & pl.col("value").is_null())

    @property
    def order(self) -> str:
        """Which of day and month is first."""
        return DAY_FIRST if self.form is not None and 0 <= self.form.find("%d") < self.form.find("%m") else MONTH_FIRST


def find(cells: Distinct, *, order: str | None = None) -> Dates | None:
    """Read *cells* as dates; None where they are none.

    Args:
        order: Which of day and month is first in other columns of the table, which settles what could be read both ways.
    """
    sample = sampled(cells.texts).filter(~nothing.among_values())
    like = sample["trimmed"].str.contains(LIKE_A_DATE) & sample["trimmed"].cast(pl.Float64, strict=False).is_null()
    if sample.is_empty() or int(like.sum()) < ENOUGH * sample.height:
        return None
    if _share(sample, None) >= ENOUGH and (found := _judge(cells, None)) is not None:
        return found
    first = sample["trimmed"].filter(like).head(FIRST).to_list()
    fitting = [form for form in CANDIDATES if sum(_compiled(form).match(text) is not None for text in first) > len(first) / 2]
    likely = [form for form in fitting if _share(sample, form) >= ENOUGH]
    judged = [one for one in (_judge(cells, form) for form in likely) if one is not None]
    if not judged:
        return None
    best = min(judged, key=lambda one: total(one.rogue))
    same = [one for one in judged if total(one.rogue) == total(best.rogue)]
    return _decide(same, order)


def find_compact(cells: Distinct) -> Dates | None:
    """Read *cells* as dates of digits alone, such as 20260131; None where they are none.

    They are whole numbers too, so more than their form has to say it: a name that speaks of a day, or many of them that go
    through months and have days that no month's number could be.
    """
    sample = sampled(cells.texts)
    inside = (
        sample["trimmed"].str.contains(COMPACT)
        | sample["trimmed"].is_in(NO_DAY)
        | sample.select(nothing.among_values()).to_series()
    )
    if sample.is_empty() or not inside.all():
        return None
    zeros = cells.texts["trimmed"].is_in(NO_DAY)
    found = _judge(replace(cells, texts=cells.texts.filter(~zeros)), COMPACT_FORM)
    if found is None or found.rogue.height or not YEARS[0] <= found.values["value"].dt.year().min() <= YEARS[1]:  # type: ignore[operator]
        return None
    named = bool(DAY_WORDS & set(parts_of(cells.name)))
    moments = found.values["value"].dt
    calendar = len(found.values) > nothing.MANY and moments.month().n_unique() > 2 and moments.day().max() > 12  # type: ignore[operator]
    if not (named or calendar):
        return None
    texts = pl.concat([found.texts, cells.texts.filter(zeros).with_columns(value=pl.lit(None, dtype=pl.Datetime("us")))])
    markers = pl.concat([found.markers, pl.Series([True] * int(zeros.sum()), dtype=pl.Boolean)])
    why = "by its name and digits" if named else "as all of many numbers are days of the calendar"
    return Dates(COMPACT_FORM, texts, markers, reason=f'dates {why}; if they are numbers: type = "integer", and no format')


def _decide(same: list[Dates], order: str | None) -> Dates:
    """The one of several readings of the same cells: by other columns, by a constant day, or by what is usual."""
    first = same[0]
    both = {one.order: one for one in reversed(same) if _swapped(one.form) == _swapped(first.form)}
    if len(both) < 2 or first.form is None:
        return first
    day_first, month_first = both[DAY_FIRST], both[MONTH_FIRST]
    if order is not None:
        chosen, reason = both[order], "so it is in another column, where a day above 12 settles it"
    elif (days := _constant_day(day_first, month_first)) is not None:
        chosen, reason = days, "the other of the two changes, this one is always the same"
    else:
        # slashes are first of all American, and what pandas assumes; points and hyphens are European and Indian
        chosen = month_first if "/" in first.form else day_first
        reason = "no day is above 12, so this is only the usual order with such signs"
    other = month_first if chosen is day_first else day_first
    return replace(chosen, other=other.form, reason=reason)


def _swapped(form: str | None) -> str:
    return (form or "").replace("%d", "%m")


def _constant_day(day_first: Dates, month_first: Dates) -> Dates | None:
    days, months = (one.values["value"].dt.day().n_unique() for one in (day_first, month_first))
    if (days == 1) == (months == 1):
        return None
    return day_first if days == 1 else month_first


def _judge(cells: Distinct, form: str | None) -> Dates | None:
    """The cells read as *form*; None where too few are."""
    texts = cells.texts.with_columns(value=_read(cells.texts["trimmed"], form))
    unread = texts["value"].is_null()
    words = texts.filter(unread).filter(nothing.among_values())["text"]
    markers = texts["text"].is_in(words.implode())
    never = texts["value"].is_in(NEVER)
    rest = texts.filter(~never & ~unread)["value"]
    if rest.is_empty():
        return None
    first, last = rest.dt.year().min(), rest.dt.year().max()
    low, high = LIKELY_YEARS if form is None or ("%Y" in form and "%d" in form) else YEARS
    if not low <= first <= last <= high:  # type: ignore[operator]
        return None
    if first >= 1900 + FAR:  # type: ignore[operator]
        markers |= never & (texts["rows"] >= nothing.REPEATED) | (never & (texts["value"].dt.year() != 1900))
    read, others = total(texts, ~unread), total(texts, unread & ~markers)
    if others > TOLERATED * (read + others) and not (others <= 1 and cells.height >= ONE_SLIP_FROM):
        return None
    return Dates(form, texts, markers)


@functools.lru_cache(maxsize=len(CANDIDATES))
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(date_pattern(form))


def _share(sample: pl.DataFrame, form: str | None) -> float:
    return 1 - _read(sample["trimmed"], form).null_count() / sample.height


def _read(texts: pl.Series, form: str | None) -> pl.Series:
    """Texts as the contract's reader has them, but those only that *form* itself reads."""
    if form is None:
        return reading.moments(texts, (), None)
    fitting = texts.to_frame("x").select(pl.when(pl.col("x").str.contains(date_pattern(form))).then(pl.col("x"))).to_series()
    return reading.moments(fitting, (), form)
