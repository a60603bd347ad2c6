"""Whether texts are times of day or durations, which a contract reads as seconds, as levels would lose their order."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from shipway.core.inference import nothing
from shipway.core.inference.distinct import Distinct, sampled, total
from shipway.core.inference.numbers import ONE_SLIP_FROM, TOLERATED
from shipway.core.reading import texts as reading
from shipway.core.reading.spelling import Spelling

ISO = "PT%HH%MM%SS"
"""Stands for all durations of ISO 8601, which are read beside any other form too, so that it is tried first."""

FORMS: tuple[str, ...] = (ISO, "%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I %p", "%M:%S", "%d days %H:%M:%S")
FORMS += ("%dd %Hh", "%dd %Hh %Mm", "%Hh %Mm", "%Hh%M", "%Hh %Mm %Ss", "%Mm %Ss")
"""What is tried, in this order."""

DAY = 86_400
"""Seconds from which two numbers with a colon between are no time of day, but minutes and seconds."""

SWAPPED = {"%H:%M": "%M:%S", "%M:%S": "%H:%M"}
"""Forms that read the same cells, in another unit."""


@dataclass(frozen=True)
class Times:
    """Cells read as seconds.

    Attributes:
        form: How they are written.
        texts: The distinct cells with `value`, null where a cell is none.
        markers: Which of the distinct cells mean nothing.
        other: A form that reads the same cells in another unit.
    """

    form: str
    texts: pl.DataFrame
    markers: pl.Series
    other: str | None = None

    @property
    def values(self) -> pl.DataFrame:
        """Distinct numbers of seconds, without those that mean nothing, with their rows."""
        return self.texts.filter(~self.markers & pl.col("value").is_not_null())

    @property
    def rogue(self) -> pl.DataFrame:
        """Cells that neither are times nor mean nothing."""
        return self.texts.filter(~self.markers & pl.col("value").is_null())


def find(cells: Distinct) -> Times | None:
    """Read *cells* as times of day or durations; None where they are none, or are written in more than one way."""
    sample = sampled(cells.texts)
    like = sample["trimmed"].str.contains(r"^-?([0-9]|PT?[0-9]).*[0-9:A-Za-z]$") & sample["trimmed"].str.contains("[:hmdMHSDPp]")
    if not like.any():
        return None
    for form in FORMS:
        if _judge(sample, form, 2 * TOLERATED) is None or (found := _judge(cells, form, TOLERATED)) is None:
            continue
        if form == "%H:%M" and bool((found.values["value"] >= DAY).any()):
            continue
        return Times(found.form, found.texts, found.markers, SWAPPED.get(form))
    return None


def _judge(cells: Distinct | pl.DataFrame, form: str, tolerated: float) -> Times | None:
    """The cells read as *form*; None where too few are."""
    texts = cells.texts if isinstance(cells, Distinct) else cells
    seconds = reading.plain_numbers(pl.col("trimmed"), Spelling(".", None, (), form)).cast(pl.Float64, strict=False)
    texts = texts.with_columns(value=seconds)
    unread = texts["value"].is_null()
    words = texts.filter(unread).filter(nothing.among_values())["text"]
    markers = texts["text"].is_in(words.implode())
    read, others = total(texts, ~unread), total(texts, unread & ~markers)
    if read == 0 or (others > tolerated * (read + others) and not (others <= 1 and read >= ONE_SLIP_FROM)):
        return None
    return Times(form, texts, markers)
