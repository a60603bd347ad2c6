"""Whether texts are numbers, and how these are written: decimal comma, signs between thousands, signs and units beside them."""

from __future__ import annotations

import functools
from collections.abc import Set
from dataclasses import dataclass, replace

import polars as pl

from shipway.core.inference import nothing
from shipway.core.inference.distinct import Distinct, commonest, sampled, smallest, total, words
from shipway.core.reading import texts as reading
from shipway.core.reading.spelling import PLAIN, Spelling

TOLERATED = 0.02
"""Share of a column's cells that may be no numbers among numbers: slips, for the quarantine. More is another kind of column."""

ENOUGH = 0.5
"""Share of a sample's cells that may be no numbers: its cells are not counted by their rows, and words for nothing are few."""

ONE_SLIP_FROM = 25
"""Rows from which a single slip is tolerated whatever its share is."""

FEW_WORDS = 3
MANY_NUMBERS = 10
"""Distinct numbers from which up to `FEW_WORDS` other texts in up to half of the cells say why there is no number."""

CODES = 0.005
"""Share of cells with a leading zero (007, 01234) from which a column holds codes, to which the zeros belong."""

AGREEING = 0.9
"""Share of the numbers that must have the same sign or unit beside them."""

LIKELY = 0.5
"""Share of cells with a digit, of those that may be a value, below which a column holds no numbers."""

CURRENCIES = words("$ € £ ¥ ₹ ₽ ₩ ₺ ₴ ₫ ฿ ₪ ₦ ₱ R$ US$ A$ C$ HK$ NZ$ S$ USD EUR GBP CHF JPY CNY INR RUB BRL kr zł Kč Ft Rs Rs.")
UNITS = words(
    "% ‰ ° °C °F kg g mg µg ug t lb lbs oz st km m cm mm µm nm mi mile miles ft in inch inches yd yds km² m² sqm sqft ha acres l",
    "L ml mL dl cl gal gallons h hr hrs hour hours min mins minute minutes s sec secs second seconds ms day days week weeks",
    "month months year years yr yrs y mo km/h kmh kph mph m/s rpm W kW MW kWh Wh V mV A mA Ah mAh Hz kHz MHz GHz B KB kB MB GB",
    "TB kbps Mbps px dpi MP MPa bar psi Pa hPa kPa cal kcal J kJ N Nm hp bhp PS cc CC kmpl mpg km/kg km/l dB bpm mmHg mg/dL",
    "mmol/L IU pts pt points stars pcs pieces items units people persons times K M",
)
BOUNDS = words("< > <= >= ≤ ≥ ~ ≈")
"""Signs before a number that is only a bound or near: below what was measured, above the end of a scale."""

SIGNS_BETWEEN = (",", ".", " ", "'", "’", "\xa0", "\u202f", "_")
"""Signs between thousands: English, German and Spanish, SI, Swiss, French as spreadsheets write it, programmers'."""

SPELLINGS = [
    (".", None),
    *((".", sign) for sign in SIGNS_BETWEEN if sign != "."),
    (",", None),
    *((",", sign) for sign in SIGNS_BETWEEN if sign != ","),
]
"""Decimal and thousands in the order of preference: of two that read the same cells, the first. So 1,234 is a thousand and more
where all commas stand before three digits."""

WITH_AFFIXES = (
    r"^([+-]?)\s*(Rs\.|[^0-9+\-.,\s][^0-9+\-.,]*?)?\s*"
    r"([+-]?(?:[0-9]|[.,][0-9])(?:[0-9.,'’_ \x{a0}\x{202f}]*[0-9])?[.,]?(?:[eE][+-]?[0-9]+)?)"
    r"\s*([^0-9+\-.,\s][^0-9]*)?$"
)


@dataclass(frozen=True)
class Numbers:
    """Cells read as numbers.

    Attributes:
        written: How they are written.
        texts: The distinct cells with `value`, null where a cell is none.
        markers: Which of the distinct cells mean nothing.
        ambiguous: Whether a comma was taken for one between thousands that could be a decimal comma as well.
    """

    written: Spelling
    texts: pl.DataFrame
    markers: pl.Series
    ambiguous: bool = False

    @functools.cached_property
    def values(self) -> pl.DataFrame:
        """Distinct numbers, without those that mean nothing, with their rows."""
        return self.texts.filter(~self.markers & pl.col("value").is_not_null())

    @functools.cached_property
    def rogue(self) -> pl.DataFrame:
        """Cells that neither are numbers nor mean nothing."""
        return self.texts.filter(~self.markers & pl.col("value").is_null())

    @functools.cached_property
    def slips(self) -> int:
        """How many cells those are."""
        return total(self.rogue)


def find(cells: Distinct, *, decimal_comma: bool = False) -> Numbers | None:
    """Read *cells* as numbers; None where they are none, or are codes with leading zeros.

    Args:
        decimal_comma: Whether other columns of the table have decimal commas for sure, which settles what could be read two ways.
    """
    sample = replace(cells, texts=sampled(cells.texts))
    plain = _judge(sample, PLAIN, ENOUGH)
    if ((plain is None or plain.slips) and not _likely(sample.texts)) or _are_codes(cells):
        return None
    found = plain and _judge(cells, PLAIN)
    if found is not None and not decimal_comma and found.written == PLAIN and not found.slips:
        return found
    likely = [Spelling(decimal, sign, affixes) for affixes in _affixes(sample) for decimal, sign in SPELLINGS]
    seen = sample.texts["trimmed"].to_list() + ([] if found is None else sampled(found.rogue)["trimmed"].to_list())
    signs = set("".join(seen))
    tried = [one for one in likely if not one.plain and _occurs(signs, one) and _judge(sample, one, ENOUGH) is not None]
    return _best(cells, tried, found, decimal_comma=decimal_comma)


def _best(cells: Distinct, tried: list[Spelling], plain: Numbers | None, *, decimal_comma: bool) -> Numbers | None:
    """The reading with the fewest cells that are no numbers; of equal ones the plain one, then the first."""
    judged = [one for one in (_judge(cells, spelling) for spelling in tried) if one is not None]
    if not judged:
        return plain
    best = min(judged, key=lambda one: (one.slips, len(one.written.affixes)))
    same = [one for one in judged if one.slips == best.slips and one.written.affixes == best.written.affixes]
    comma = next((one for one in same if one.written.decimal == ","), None)
    if plain is not None and plain.slips <= best.slips:
        # plain numbers such as 1.234 are thousands only where the rest of the table writes decimal commas
        return comma if decimal_comma and comma is not None and comma.written.thousands == "." else plain
    if comma is None or best.written.decimal == ",":
        return best
    return comma if decimal_comma else replace(best, ambiguous=best.written.thousands == ",")


def _judge(cells: Distinct, written: Spelling, tolerated: float = TOLERATED) -> Numbers | None:
    """The cells read as *written*; None where too few can be."""
    value = reading.plain_numbers(pl.col("trimmed"), written).cast(pl.Float64, strict=False)
    texts = cells.texts.with_columns(value=pl.when(value.is_finite()).then(value))
    unread = texts.filter(pl.col("value").is_null())
    if _broken_integers(texts):
        return None
    if unread.is_empty():
        return Numbers(written, texts, pl.Series([False]).new_from_index(0, texts.height))
    bare = unread.with_columns(trimmed=_without(pl.col("trimmed"), written.affixes)) if written.affixes else unread
    empty = unread.filter(bare.select(nothing.among_values()).to_series())["text"]
    rogue = unread.filter(~pl.col("text").is_in(empty.implode()))
    numbers, others = total(texts) - total(unread), total(rogue)
    if numbers == 0:
        return None
    if others > tolerated * (numbers + others) and not (others <= 1 and cells.height >= ONE_SLIP_FROM):
        many = texts["value"].n_unique() > MANY_NUMBERS and numbers >= others
        if not (many and rogue.height <= FEW_WORDS and smallest(rogue["rows"]) > 1 and not _digits(rogue)):
            return None
        empty = unread["text"]
    return Numbers(written, texts, texts["text"].is_in(empty.implode()))


def _likely(texts: pl.DataFrame) -> bool:
    digits = texts["trimmed"].str.contains("[0-9]")
    some = total(texts, digits)
    others = texts.filter(~digits)
    return some > 0 and some >= LIKELY * (some + total(others, ~nothing.among_values()))


def _digits(texts: pl.DataFrame) -> bool:
    return bool(texts["trimmed"].str.contains("[0-9]").any())


def _without(text: pl.Expr, affixes: tuple[str, ...]) -> pl.Expr:
    for affix in affixes:
        text = text.str.strip_suffix(affix).str.strip_prefix(affix)
    return text.str.strip_chars()


def _are_codes(cells: Distinct) -> bool:
    zeros = cells.texts.filter(pl.col("trimmed").str.starts_with("0"))
    return total(zeros, zeros["trimmed"].str.contains("^0[0-9]+$")) > CODES * cells.present


def _broken_integers(texts: pl.DataFrame) -> bool:
    """Whether there are whole numbers beyond 64 bits, written out: codes, whose last digits a float would lose."""
    bounds = (texts["value"].min(), texts["value"].max())
    if all(bound is None or abs(bound) < 2.0**63 for bound in bounds):  # type: ignore[arg-type, operator]
        return False
    beyond = texts.filter(pl.col("value").abs() >= 2.0**63)
    return bool(beyond["trimmed"].str.contains("^[+-]?[0-9]+$").any())


def _occurs(signs: Set[str], written: Spelling) -> bool:
    """Whether what sets *written* apart is among the *signs* of the cells."""
    if written.thousands is not None:
        return written.thousands in signs
    return written.decimal == "." or written.decimal in signs


def _affixes(cells: Distinct) -> list[tuple[str, ...]]:
    """What to try: nothing beside the numbers; and the signs or units that most of them have."""
    values = cells.texts.filter(~nothing.among_values())
    groups = values.select(pl.col("trimmed").str.extract_groups(WITH_AFFIXES).struct.unnest(), "rows", "trimmed")
    numbers = groups.rename({"2": "before", "3": "number", "4": "after"}).filter(pl.col("number").is_not_null())
    found = tuple(affix for side in ("before", "after") for affix in _beside(numbers, side))
    bounds = _bounds(numbers)
    return [(), *(affixes for affixes in (found, bounds) if affixes)]


def _bounds(numbers: pl.DataFrame) -> tuple[str, ...]:
    """The signs of bounds before some of many *numbers*; before most of them they say more than the numbers."""
    before = numbers["before"].str.strip_chars()
    bound = before.is_in(list(BOUNDS)).fill_null(False)
    others = total(numbers, before.is_null())
    if not bound.any() or others < total(numbers, bound) or numbers.height <= MANY_NUMBERS:
        return ()
    return tuple(sorted(before.filter(bound).unique().to_list()))


def _beside(numbers: pl.DataFrame, side: str) -> list[str]:
    """The known sign or unit at one side of most *numbers*, with its plural; behind a blank and many numbers, any word."""
    some = numbers.filter(pl.col(side).is_not_null()).with_columns(affix=pl.col(side).str.strip_chars())
    apart = pl.col("trimmed").str.contains(r"[0-9]\s").all()
    counts = some.group_by("affix").agg(pl.col("rows").sum(), distinct=pl.len(), apart=apart)
    if counts.is_empty():
        return []
    usual = commonest(counts.rename({"affix": "text"}), 1)["text"][0]
    alike = counts.filter(pl.col("affix").is_in([usual, f"{usual}s", usual.removesuffix("s")]))
    names = sorted(alike["affix"].to_list())
    if total(alike) < AGREEING * total(numbers):
        return []
    if side == "before":
        return names if all(name in CURRENCIES for name in names) else []
    known = all(name in UNITS or name in CURRENCIES for name in names)
    return names if known or (alike["apart"].all() and int(alike["distinct"].sum()) > MANY_NUMBERS) else []
