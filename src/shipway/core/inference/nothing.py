"""Texts and numbers that stand for no value."""

from __future__ import annotations

import re

import polars as pl

from shipway.core.contract import text_of
from shipway.core.inference.distinct import commonest, shown, total, words

CERTAIN = words(
    "na nan nat null unknown unk missing notavailable notknown nodata noinformation notrecorded unspecified notspecified",
    "undefined unbekannt keineangabe inconnu desconocido sindatos sconosciuto desconhecido onbekend",
)
"""Words that say in any column that there is no value, in lower case without blanks and punctuation: N/A, <NA> and n.a. are `na`.
The first are those of pandas (`io.parsers.readers.STR_NA_VALUES`), R, SQL and spreadsheets; then the usual words of people."""

NUMERIC = CERTAIN | words(
    "none nil empty blank void notapplicable notgiven notprovided notstated notreported dontknow refused tbd tba tbc pending nv",
    "nd nr ns ka sd never no x ind qnan",
)
"""Words that say so among numbers, dates and truth values, where they can't be a value; in a category they may well be one:
"None" can be the answer to "which garage?"."""

EXACT = words(
    r"? \N #N/A #NULL! #DIV/0! #VALUE! #REF! #NUM! #NAME? 1.#IND -1.#IND 1.#QNAN -1.#QNAN -nan -NaN 0000-00-00 00/00/0000"
)
EXACT |= {"#N/A N/A", "0000-00-00 00:00:00"}
"""Spellings that have no letters of a word left, of SQL dumps, spreadsheets and C libraries."""

PUNCTUATION = r"^[^\p{L}\p{N}\p{Cc}]+$"
DASHES = r"^[\p{P}\p{Sm}\p{Sk}]+$"
"""Punctuation that means nothing among words, where a pictogram or the sign of a currency does."""

CODES_OF_TWO = r"^[A-Z]{2}$"
FEWEST_CODES = 5
"""Other levels of two capitals from which NA counts as one of them: Namibia or North America among countries or continents."""

SENTINEL = r"^-?9+([.]9+)?$|^-1$"
NARROW = 5
"""How many times as far from the other values a positive sentinel must lie as these are spread. 999 among 0 to 100 is one; 99
is none among ages, nor 99999 among capital gains up to 41,310 (in the census data of Kohavi 1996 it is a cap)."""

REPEATED = 3
"""Cells from which a value is repeated on purpose."""

SHOWN_CELLS = 4
"""Different cells that a comment names."""

LONGEST = 24
"""Bytes up to which a text may be a word for nothing."""

MANY = 20
"""Distinct other values from which -1 is a code and not a step of a scale such as -1, 0, 1."""


def certain() -> pl.Expr:
    """Whether the `trimmed` cells mean nothing in any column."""
    return pl.col("trimmed").is_in(list(EXACT)) | _word().is_in(list(CERTAIN))


def among_values() -> pl.Expr:
    """Whether the `trimmed` cells mean nothing where they stand among numbers, dates or truth values."""
    return certain() | _word().is_in(list(NUMERIC)) | pl.col("trimmed").str.contains(PUNCTUATION)


def in_category(texts: pl.DataFrame) -> pl.Series:
    """Which distinct cells of a category mean nothing.

    Those for certain, but for NA among other codes of two capitals; and punctuation, but where other levels are signs too, such
    as + and -.
    """
    short = texts["trimmed"].str.len_bytes() <= LONGEST
    if not short.all():
        found = pl.Series([False]).new_from_index(0, texts.height)
        return found if not short.any() else found.scatter(short.arg_true(), in_category(texts.filter(short)))
    flags = texts.select(
        certain=certain(),
        punctuation=pl.col("trimmed").str.contains(DASHES),
        code=pl.col("trimmed").str.contains(CODES_OF_TWO),
        na=pl.col("trimmed") == "NA",
    )
    codes = int((flags["code"] & ~flags["na"]).sum())
    others = int((~flags["certain"] & ~flags["punctuation"]).sum())
    found = flags["certain"] & ~(flags["na"] if codes >= max(FEWEST_CODES, others - 1) else pl.Series([False]))
    signs = flags["punctuation"] & ~flags["certain"]
    return found | signs if int(signs.sum()) == 1 and others > 1 else found


def sentinels(values: pl.DataFrame) -> list[float]:
    """Numbers of *values* (`value`, `rows`) that stand for nothing, such as -999.

    Only such as are written with nines, or -1, are repeated, and lie far outside of the rest: below 0 where nothing else does, or
    beyond it by `NARROW` times its spread.
    """
    counts = values.group_by("value").agg(pl.col("rows").sum())
    likely = counts.filter(pl.col("value").abs() < 1e15, pl.col("rows") >= REPEATED)
    candidates = [value for value in likely["value"].to_list() if re.match(SENTINEL, text_of(float(value)))]
    if not candidates:
        return []
    rest = values.filter(~pl.col("value").is_in(candidates))["value"].unique().sort()
    if len(rest) < 2:
        return []
    low, high, distinct = float(rest[0]), float(rest[-1]), len(rest)
    return sorted(value for value in candidates if _stands_apart(value, low, high, distinct))


def _stands_apart(value: float, low: float, high: float, distinct: int) -> bool:
    spread = high - low
    if value == -1:
        return low >= 0 and high > 1 and distinct > MANY
    if value < 0 and low >= 0:
        return True
    distance = value - high if value > high else low - value
    return abs(value) > 9 and distance > NARROW * max(spread, 1)


def counted(texts: pl.DataFrame) -> str:
    """The distinct cells of *texts* with their numbers, for a comment."""
    first = list(commonest(texts, SHOWN_CELLS).select("text", "rows").iter_rows())
    rest, cells = texts.height - len(first), total(texts) - sum(rows for _, rows in first)
    return ", ".join(f"{shown(text)} in {rows:,}" for text, rows in first) + (f" and {rest} others in {cells:,}" if rest else "")


def _word() -> pl.Expr:
    return pl.col("trimmed").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")
