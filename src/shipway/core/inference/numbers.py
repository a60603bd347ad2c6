"""Whether texts are numbers, and how these are written: decimal comma, signs between thousands, signs and units beside them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from shipway.core import texts as reading
from shipway.core.inference import nothing
from shipway.core.inference.distinct import Distinct, smallest, total, words
from shipway.core.spelling import PLAIN, Spelling

TOLERATED = 0.02
"""Share of a column's cells that may be no numbers among numbers: slips, for the quarantine. More is another kind of column."""

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

    @property
    def values(self) -> pl.DataFrame:
        """Distinct numbers, without those that mean nothing, with their rows."""
        return self.texts.filter(~self.markers & pl.col("value").is_not_null())

    @property
    def rogue(self) -> pl.DataFrame:
        """Cells that neither are numbers nor mean nothing."""
        return self.texts.filter(~self.markers & pl.col("value").is_null())


def find(cells: Distinct, *, decimal_comma: bool = False) -> Numbers | None:
    """Read *cells* as numbers; None where they are none, or are codes with leading zeros.

    Args:
        decimal_comma: Whether other columns of the table have decimal commas for sure, which settles what could be read two ways.
    """
    if not _likely(cells.texts) or _are_codes(cells):
        return None
    found = _judge(cells, PLAIN)
    if found is not None and not decimal_comma and found.written == PLAIN and not total(found.rogue):
        return found
    for affixes in _affixes(cells):
        spellings = [Spelling(decimal, sign, affixes) for decimal, sign in SPELLINGS]
        likely_spellings = [one for one in spellings if not one.plain and _occurs(cells, one)]
        if best := _best(cells, likely_spellings, found, decimal_comma=decimal_comma):
            found = best
    return found


def _best(cells: Distinct, spellings: list[Spelling], plain: Numbers | None, *, decimal_comma: bool) -> Numbers | None:
    judged = [one for one in (_judge(cells, spelling) for spelling in spellings) if one is not None]
    if not judged:
        return None
    best = min(judged, key=lambda one: total(one.rogue))
    comma = next((one for one in judged if one.written.decimal == "," and total(one.rogue) == total(best.rogue)), None)
    if plain is not None and total(plain.rogue) <= total(best.rogue):
        # plain numbers such as 1.234 are thousands only where the rest of the table writes decimal commas
        return comma if decimal_comma and comma is not None and comma.written.thousands == "." else None
    if comma is not None and best.written.decimal == ".":
        if decimal_comma:
            return comma
        return Numbers(best.written, best.texts, best.markers, ambiguous=best.written.thousands == ",")
    return best


def _judge(cells: Distinct, written: Spelling) -> Numbers | None:
    """The cells read as *written*; None where too few can be."""
    value = reading.plain_numbers(pl.col("trimmed"), written).cast(pl.Float64, strict=False)
    texts = cells.texts.with_columns(value=pl.when(value.is_finite()).then(value))
    unread = texts.filter(pl.col("value").is_null())
    if unread.is_empty():
        return Numbers(written, texts, pl.Series([False]).new_from_index(0, texts.height))
    bare = unread.with_columns(trimmed=_without(pl.col("trimmed"), written.affixes)) if written.affixes else unread
    empty = unread.filter(bare.select(nothing.among_values()).to_series())["text"]
    rogue = unread.filter(~pl.col("text").is_in(empty.implode()))
    numbers, others = total(texts) - total(unread), total(rogue)
    if numbers == 0 or _broken_integers(texts):
        return None
    if others > TOLERATED * (numbers + others) and not (others <= 1 and cells.height >= ONE_SLIP_FROM):
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
    zeros = total(cells.texts, cells.texts["trimmed"].str.contains("^0[0-9]+$"))
    return zeros > CODES * cells.present


def _broken_integers(texts: pl.DataFrame) -> bool:
    """Whether there are whole numbers beyond 64 bits, written out: codes, whose last digits a float would lose."""
    return bool(
        texts.select((pl.col("trimmed").str.contains("^[+-]?[0-9]{19,}$") & (pl.col("value").abs() >= 2.0**63)).any()).item()
    )


def _occurs(cells: Distinct, written: Spelling) -> bool:
    """Whether the signs of *written* are in the cells at all."""
    trimmed = cells.texts["trimmed"]
    wanted = [sign for sign in (written.thousands, "," if written.decimal == "," else None) if sign is not None]
    if written.thousands is not None and written.decimal == ",":
        wanted = [written.thousands]
    return all(bool(trimmed.str.contains(sign, literal=True).any()) for sign in wanted)


def _affixes(cells: Distinct) -> list[tuple[str, ...]]:
    """What to try: nothing beside the numbers; and the sign or unit that most of them have."""
    groups = cells.texts.select(pl.col("trimmed").str.extract_groups(WITH_AFFIXES).struct.unnest(), "rows", "trimmed")
    groups = groups.rename({"1": "sign", "2": "before", "3": "number", "4": "after"})
    numbers = groups.filter(pl.col("number").is_not_null())
    found = []
    for side in ("before", "after"):
        some = numbers.filter(pl.col(side).is_not_null()).with_columns(affix=pl.col(side).str.strip_chars())
        apart = pl.col("trimmed").str.contains(r"[0-9]\s").all()
        counts = some.group_by("affix").agg(pl.col("rows").sum(), distinct=pl.len(), apart=apart)
        counts = counts.sort(["rows", "affix"], descending=[True, False])
        names = counts["affix"].to_list()
        if names and total(counts) >= AGREEING * total(numbers) and _is_affix(side, names, counts):
            found += names
    return [(), tuple(found)] if found else [()]


def _is_affix(side: str, names: list[str], counts: pl.DataFrame) -> bool:
    """Whether *names* are one known sign or unit (or its plural); or, behind a blank and many numbers, any word."""
    if len(names) > 2 or (len(names) == 2 and sorted(names, key=len)[1] != sorted(names, key=len)[0] + "s"):
        return False
    if side == "before":
        return names[0] in CURRENCIES
    known = all(name in UNITS or name in CURRENCIES for name in names)
    return known or (bool(counts["apart"].all()) and int(counts["distinct"].sum()) > MANY_NUMBERS)
