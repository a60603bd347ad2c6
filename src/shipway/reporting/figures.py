"""How figures are written in a report: short, and the same everywhere."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

PERCENT = "\N{NO-BREAK SPACE}%"
"""Kept on the line of its figure."""

SMALL, LARGE = 1e-4, 1e7
"""Between these a number is written out; beyond them as 1.2e-05."""

DIGITS = 4
"""Significant digits of a measured number."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def count(number: int) -> str:
    """12345 as 12,345."""
    return f"{number:,}"


def number(value: float, digits: int = DIGITS) -> str:
    """A measured number: 1234.5 as 1,234, 0.30000000004 as 0.3."""
    if not math.isfinite(value):
        return "beyond all numbers"
    if value and not SMALL <= abs(value) < LARGE:
        return f"{value:.{digits - 2}e}"
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0) if value else 0
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def share(value: float) -> str:
    """A share as a percentage; what is nearly none or nearly all is not rounded to that."""
    if 0 < value < 0.0005:
        return f"<\N{NO-BREAK SPACE}0.1{PERCENT}"
    if 0.9995 < value < 1:
        return f">\N{NO-BREAK SPACE}99.9{PERCENT}"
    text = f"{100 * value:.1f}"
    return text.removesuffix(".0") + PERCENT


def association(value: float) -> str:
    """An association or correlation: two digits are as many as its error leaves."""
    return f"{value:.2f}"


def moment(seconds: float, *, width: float = 0.0) -> str:
    """A time from seconds since 1970: its day, or with the time of day where a *width* of less than two days is shown."""
    try:
        time = EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return number(seconds)
    return f"{time:%Y-%m-%d %H:%M}" if 0 < width < 2 * 86_400 else f"{time:%Y-%m-%d}"


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between *low* and *high*: 1, 2 or 5 times a power of ten apart, at most *most*."""
    if not 0 < high - low < math.inf:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    if not 0 < power < math.inf:
        return []
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [step * place for place in range(first, first + 2 * most) if step * place <= high + step * 1e-9]


def shorten(text: str, most: int) -> str:
    """*text* in at most *most* characters, and on one line; left out is the middle, as names often differ at their end."""
    plain = " ".join(text.split())
    if len(plain) <= most:
        return plain
    tail = (most - 1) // 3
    return f"{plain[: most - 1 - tail].rstrip()}…{plain[len(plain) - tail :].lstrip()}"
