"""Small plots as SVG that stands in a page. What they show is said beside them in words, so they are hidden from screen readers.

Colours are classes (`c0` to `c5`, `cx` for all others) that the style sheet fills, so that a plot follows the reader's light or
dark.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from shipway.serving.pages.document import joined

COLOURS = 6
"""Classes that have a colour of their own."""

BARS = 24
"""Bars of a small histogram."""

SMALL = (132, 28)
"""Width and height of a small histogram."""


def colour(place: int) -> str:
    """The class of colour of the class at *place*."""
    return f"c{place}" if place < COLOURS else "cx"


def interval(value: float, low: float, high: float, top: float, *, mark: float | None = None) -> Markup:
    """A figure and its interval on an axis from 0, or -1 where it is below, to *top*; *mark* is what it is compared with."""
    bottom = -1.0 if min(low, value) < 0 else 0.0

    def x(one: float) -> float:
        return 4 + 192 * min(max((one - bottom) / (top - bottom), 0.0), 1.0)

    parts = [Markup('<path class="rail" d="M4 9H196"/>')]
    if mark is not None:
        parts.append(Markup('<path class="mark" d="M{:.1f} 2v14"/>').format(x(mark)))
    parts.append(Markup('<path class="span" d="M{:.1f} 9H{:.1f}"/>').format(x(low), max(x(high), x(low) + 0.5)))
    parts.append(Markup('<circle class="dot" cx="{:.1f}" cy="9" r="4"/>').format(x(value)))
    return _svg(200, 18, parts, "interval")


def stacked(shares: Sequence[float]) -> Markup:
    """One bar, parted as *shares* of a whole, each in the colour of its class."""
    total, left, parts = sum(shares), 0.0, []
    for place, share in enumerate(shares):
        width = 400 * share / total if total else 0.0
        if width > 0.05:
            shown = max(width - 1.5, width / 2)  # a gap, so that neighbours of one colour stay apart
            parts.append(
                Markup('<rect class="{}" x="{:.1f}" y="0" width="{:.1f}" height="14"/>').format(colour(place), left, shown)
            )
        left += width
    return _svg(400, 14, parts, "stacked", stretched=True)


def distribution(quantiles: Sequence[float]) -> Markup:
    """A histogram of what has the evenly spaced *quantiles*, taken as even between each two."""
    low, high = quantiles[0], quantiles[-1]
    if not 0 < (high - low) / BARS < math.inf:
        return Markup("")
    shares = [0.0] * BARS
    each, width = 1 / (len(quantiles) - 1), (high - low) / BARS
    for begin, end in itertools.pairwise(quantiles):
        first, last = (min(int((edge - low) / width), BARS - 1) for edge in (begin, end))
        if first == last:
            shares[first] += each
            continue
        for place in range(first, last + 1):
            inside = min(end, low + width * (place + 1)) - max(begin, low + width * place)
            shares[place] += each * inside / (end - begin)
    return bars(shares)


def bars(values: Sequence[float]) -> Markup:
    """A row of bars, the highest as high as the plot."""
    width, height = SMALL
    top, wide = max(values, default=0) or 1, width / max(len(values), 4)
    steps = "".join(
        f"M{wide * place:.1f} {height}v-{max((height - 2) * value / top, 0.6):.1f}h{wide - min(2, wide / 4):.1f}V{height}z"
        for place, value in enumerate(values)
        if value > 0
    )
    return _svg(width, height, [Markup('<path class="bar" d="{}"/>').format(steps)], "tiny")


def line(values: Sequence[float], top: float, labels: Iterable[tuple[float, str]], marks: Iterable[tuple[float, str]]) -> Markup:
    """A line of evenly spaced *values* over an axis.

    Args:
        labels: Below the axis: where from 0 to 1, and its text.
        marks: Left of it: the value, and its text.
    """
    left, right, base, height = 56, 592, 104, 92
    step = (right - left) / max(len(values) - 1, 1)
    points = [(left + step * place, base - height * value / top) for place, value in enumerate(values)]
    parts = []
    for value, text in marks:
        y = base - height * value / top
        parts.append(Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(left, y, right))
        parts.append(Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(left - 6, y + 4, text))
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    parts.append(Markup('<path class="under" d="M{} {}L{}L{} {}z"/>').format(left, base, path, right, base))
    parts.append(Markup('<path class="line" d="M{}"/>').format(path))
    parts.append(Markup('<path class="axis" d="M{} {}H{}"/>').format(left, base, right))
    for place, text in labels:
        anchor = "start" if place == 0 else "end" if place == 1 else "middle"
        x = left + (right - left) * place
        parts.append(Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(x, base + 18, anchor, text))
    return _svg(600, 126, parts, "plot")


def swatch(place: int) -> Markup:
    """The colour of a class, for a key."""
    return _svg(10, 10, [Markup('<rect class="{}" width="10" height="10" rx="2"/>').format(colour(place))], "swatch")


def _svg(width: int, height: int, parts: Iterable[Markup], kind: str, *, stretched: bool = False) -> Markup:
    ratio = Markup(' preserveAspectRatio="none"') if stretched else ""
    return Markup('<svg class="{}" viewBox="0 0 {} {}"{} aria-hidden="true">{}</svg>').format(
        kind, width, height, ratio, joined(parts)
    )
