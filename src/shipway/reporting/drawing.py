"""Plots as SVG that stands in the page: no script, no picture, no font of its own.

Each is drawn 340 units wide, which is what a phone shows at its natural size, in classes of colour (`c0` to `c5` for the classes
of the target) that the style sheet fills, so that a plot follows the reader's light or dark. What a column or level is called is
a stranger's text and is escaped here.

This module imports NumPy and MarkupSafe at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from shipway.reporting import figures
from shipway.reporting.associations import Associations
from shipway.reporting.facts import Levels, Numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 340
PLOT = 96
"""Height of a histogram's plot."""

ROW = 20
"""Height of a row of bars."""

LETTER = 6.0
"""Width of a letter of a plot, about."""

LABEL = 20
"""Letters of a level's name that are written beside its bar."""

CELLS = 24
"""Columns of a heat map, at most: with more, a cell is too small to be seen on a phone."""

STRENGTHS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
"""Steps of a heat map's colours; what is weaker than the first stays empty."""


def histogram(numbers: Numbers, classes: Sequence[str], *, title: str, axis: str, times: bool = False) -> Markup:
    """The distribution of a number, each class as a share of its own rows, with a box plot below.

    The box spans the quartiles, its line is the median, the whiskers end at the fences of the outliers.
    """
    bars = numbers.bars.shape[1]
    totals = np.maximum(numbers.bars.sum(axis=1, keepdims=True) + 0.0, 1)
    shares = numbers.bars / totals
    top = float(shares.max()) or 1.0
    end = numbers.start + numbers.width * bars

    def x(value: float) -> float:
        share = float((value - numbers.start) / (end - numbers.start))
        return 4 + (WIDTH - 8) * min(max(share, 0.0), 1.0)

    base = 14 + PLOT
    marks = [(base - PLOT * tick / top, figures.share(tick)) for tick in figures.ticks(0, top, 2)[1:]]
    parts = [f'<path class="grid" d="M4 {y:.1f}H{WIDTH - 4}"/>' for y, _ in marks]
    for place, line in enumerate(shares):
        heights = [base - PLOT * float(share) / top for share in line]
        steps = "".join(f"V{y:.1f}H{x(numbers.start + numbers.width * (bar + 1)):.1f}" for bar, y in enumerate(heights))
        parts.append(f'<path class="area c{place if len(classes) > 1 else "x"}" d="M4 {base}{steps}V{base}"/>')
    parts.append(f'<path class="axis" d="M4 {base}H{WIDTH - 4}"/>')
    parts += [f'<text class="over" x="{WIDTH - 4}" y="{y - 2:.1f}" text-anchor="end">{text}</text>' for y, text in marks]
    write: Callable[[float], str] = (lambda value: figures.moment(value, width=end - numbers.start)) if times else figures.number
    parts += _ticks([(x(one), write(one)) for one in _marks(numbers.start, end, times=times)], base)
    parts.append(_box(numbers, x, base + 24))
    parts.append(f'<text x="{WIDTH - 4}" y="{base + 50}" text-anchor="end">{_text(axis, 50)}</text>')
    return _svg(
        base + 56,
        title,
        f"Median {write(numbers.quantiles[2])}, from {write(numbers.quantiles[0])} to {write(numbers.quantiles[4])}.",
        parts,
    )


def levels(found: Levels, classes: Sequence[str], *, title: str, numbers: bool = False) -> Markup:
    """A row for each level: how many rows have it, and how the classes share them."""
    by_class = len(classes) > 1
    gap = 8
    name = min(max((len(level) for level in found.names), default=1), LABEL) * LETTER + 6
    middle = name + (WIDTH - name) * 0.52 if by_class else WIDTH - 4
    totals = found.counts.sum(axis=1)
    most = int(totals.max(initial=1)) or 1
    longest = max((len(figures.count(int(total))) for total in totals), default=1)
    room = middle - name - gap - longest * LETTER - 8
    parts = [f'<text x="{name + gap:.0f}" y="10">rows</text>']
    if by_class:
        parts.append(f'<text x="{middle + gap:.0f}" y="10">by class</text>')
    for place, (level, total) in enumerate(zip(found.names, totals.tolist(), strict=True)):
        y = 16 + ROW * place
        width = room * total / most
        parts.append(
            f'<text class="label" x="{name:.0f}" y="{y + 13}" text-anchor="end">{_text(level, LABEL)}</text>'
            f'<rect class="bar" x="{name + gap:.0f}" y="{y + 3}" width="{width:.1f}" height="13"/>'
            f'<text x="{name + gap + width + 4:.1f}" y="{y + 13}">{figures.count(total)}</text>'
        )
    if by_class:
        left, right = middle + gap, WIDTH - 4
        until = np.cumsum(found.counts, axis=1) / np.maximum(totals[:, None], 1)
        for label in range(len(classes)):
            boxes = []
            for place in range(len(found.names)):
                begin = left + (right - left) * (float(until[place, label - 1]) if label else 0.0)
                end = left + (right - left) * float(until[place, label])
                if end - begin > 0.05:
                    boxes.append(f"M{begin:.1f} {19 + ROW * place}H{end:.1f}v13H{begin:.1f}z")
            parts.append(f'<path class="full c{label}" d="{"".join(boxes)}"/>')
    summary = f"{len(found.names)} levels shown, {found.others} more." if found.others else f"{len(found.names)} levels."
    return _svg(16 + ROW * len(found.names) + 2, title, summary, parts)


def bars(rows: Iterable[tuple[str, float, str]], *, title: str, classes: bool = False, most: float | None = None) -> Markup:
    """A bar for each of *rows*: its name, its length and what is written beside it.

    *classes*: each in the colour of its class. *most*: the length of a full bar; the longest's when left out.
    """
    rows = list(rows)
    longest = max((len(text) for _, _, text in rows), default=1) * LETTER + 6
    name = min(max((len(label) for label, _, _ in rows), default=1), LABEL + 5) * LETTER + 6
    room = WIDTH - name - 8 - longest
    top = most or max((length for _, length, _ in rows), default=1) or 1
    parts = []
    for place, (label, length, text) in enumerate(rows):
        y, width = ROW * place, max(room * abs(length) / top, 0.5)
        colour = f"full c{place}" if classes else "bar" if length >= 0 else "bar against"
        parts.append(
            f'<text class="label" x="{name:.0f}" y="{y + 13}" text-anchor="end">{_text(label, int(name / LETTER))}</text>'
            f'<rect class="{colour}" x="{name + 6:.0f}" y="{y + 3}" width="{width:.1f}" height="13"/>'
            f'<text x="{name + 10 + width:.1f}" y="{y + 13}">{escape(text)}</text>'
        )
    return _svg(ROW * len(rows) + 2, title, f"{len(rows)} bars.", parts)


def along(shares: NDArray[Any], *, title: str) -> Markup:
    """The share of each class in consecutive parts of the file, one above the other."""
    height = 90
    base = height + 4
    parts_count = len(shares)
    until = np.concatenate([np.zeros((parts_count, 1)), np.cumsum(shares, axis=1)], axis=1)
    wide = (WIDTH - 40) / parts_count
    parts = []
    for label in range(shares.shape[1]):
        boxes = []
        for place in range(parts_count):
            top, bottom = (base - height * float(until[place, label + one]) for one in (1, 0))
            boxes.append(f"M{36 + wide * place:.1f} {top:.1f}h{wide + 0.2:.1f}V{bottom:.1f}h-{wide + 0.2:.1f}z")
        parts.append(f'<path class="full c{label}" d="{"".join(boxes)}"/>')
    for share in (0, 0.5, 1):
        y = base - height * share
        parts.append(f'<text x="32" y="{y + 4:.1f}" text-anchor="end">{figures.share(share)}</text>')
    parts.append(f'<path class="axis" d="M36 {base}H{WIDTH - 4}"/>')
    parts.append(f'<text x="36" y="{base + 14}">first row</text>')
    parts.append(f'<text x="{WIDTH - 4}" y="{base + 14}" text-anchor="end">last row</text>')
    return _svg(base + 20, title, f"{parts_count} parts of the file, from the first row to the last.", parts)


def heat_map(found: Associations, chosen: Sequence[int], *, title: str) -> Markup:
    """The association of each pair of the *chosen* columns; a column's name stands where its row and its column meet."""
    size = min((WIDTH - 96) / len(chosen), 26.0)
    parts = []
    cells: dict[str, list[str]] = {}
    for row, one in enumerate(chosen):
        for column, other in enumerate(chosen[:row]):
            value = float(found.table[one, other])
            strength = sum(abs(value) >= step for step in STRENGTHS)
            if strength:
                box = f"M{column * size:.1f} {row * size:.1f}h{size - 1:.1f}v{size - 1:.1f}h-{size - 1:.1f}z"
                cells.setdefault(f"{'n' if value < 0 else 'p'}{strength}", []).append(box)
        parts.append(
            f'<rect class="self" x="{row * size:.1f}" y="{row * size:.1f}" width="{size - 1:.1f}" height="{size - 1:.1f}"/>'
        )
        room = int((WIDTH - (row + 1) * size - 4) / 5.2)
        parts.append(
            f'<text class="label tiny" x="{(row + 1) * size + 3:.1f}" y="{(row + 0.5) * size + 3:.1f}">'
            f"{_text(found.names[one], room)}</text>"
        )
    ground = "".join(f"M0 {row * size:.1f}h{(row + 1) * size - 1:.1f}v{size - 1:.1f}H0z" for row in range(len(chosen)))
    drawn = [f'<path class="self" d="{ground}"/>']
    drawn += [f'<path class="{kind}" d="{"".join(boxes)}"/>' for kind, boxes in sorted(cells.items())]
    return _svg(math.ceil(len(chosen) * size) + 2, title, f"{len(chosen)} columns.", [*drawn, *parts])


def scale() -> Markup:
    """What the colours of a heat map mean."""
    steps = [("n", place) for place in range(len(STRENGTHS), 0, -1)] + [("p", place) for place in range(1, len(STRENGTHS) + 1)]
    parts = []
    for place, (kind, strength) in enumerate(steps):
        x = 4 + place * 24 + (20 if kind == "p" else 0)
        sign = "-" if kind == "n" else ""
        parts.append(f'<rect class="{kind}{strength}" x="{x}" y="2" width="23" height="10"/>')
        parts.append(f'<text class="tiny" x="{x + 11.5}" y="22" text-anchor="middle">{sign}{STRENGTHS[strength - 1]:g}</text>')
    return _svg(26, "Colours of the association", "From -0.95 and less to 0.95 and more.", parts)


def _box(numbers: Numbers, x: Callable[[float], float], y: float) -> str:
    low, first, half, third, high = numbers.quantiles
    lower, upper = numbers.fences or (low, high)
    left, right = x(max(low, lower)), x(min(high, upper))
    outside = [f"M{x(one):.1f} {y + 1}v8" for one, beyond in ((low, low < lower), (high, high > upper)) if beyond]
    beyond = f'<path class="outside" d="{"".join(outside)}"/>' if outside else ""
    return (
        f'<path class="whisker" d="M{left:.1f} {y + 5}H{right:.1f}M{left:.1f} {y + 1}v8M{right:.1f} {y + 1}v8"/>'
        f'<rect class="box" x="{x(first):.1f}" y="{y}" width="{max(x(third) - x(first), 1):.1f}" height="10"/>'
        f'<path class="median" d="M{x(half):.1f} {y}v10"/>{beyond}'
    )


def _marks(low: float, high: float, *, times: bool) -> list[float]:
    return [low + (high - low) * share for share in (0.1, 0.5, 0.9)] if times else figures.ticks(low, high)


def _ticks(marks: Sequence[tuple[float, str]], base: float) -> list[str]:
    """Ticks with their texts, as many as stand beside each other."""
    widest = max((len(text) for _, text in marks), default=0) * LETTER + 6
    apart = marks[1][0] - marks[0][0] if len(marks) > 1 else WIDTH
    every = max(math.ceil(widest / max(apart, 1e-9)), 1)
    drawn = []
    for x, text in marks[::every]:
        half = len(text) * LETTER / 2
        inside = min(max(x, half), WIDTH - half)
        drawn.append(f'<path class="axis" d="M{x:.1f} {base}v3"/>')
        drawn.append(f'<text x="{inside:.1f}" y="{base + 14}" text-anchor="middle">{escape(text)}</text>')
    return drawn


def _text(text: str, most: int) -> str:
    """*text* for a plot; what does not fit is in a title that is shown when pointed at."""
    short = figures.shorten(text, max(most, 2))
    return escape(short) if short == text else f"{escape(short)}<title>{escape(figures.shorten(text, 200))}</title>"


def _svg(height: float, title: str, description: str, parts: Iterable[str]) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img"><title>{escape(title)}</title><desc>{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )
