"""Recent traffic: how many requests, which errors, which classes, how fast."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from shipway.core.contract import text_of
from shipway.reporting import figures
from shipway.serving.live import Live
from shipway.serving.pages import drawing
from shipway.serving.pages.document import joined, named, whole
from shipway.serving.traffic import BUCKETS, MINUTES, Minute, Recent

SHOWN_ERRORS = 8
SHOWN_CLASSES = 12
MINUTE = 60
"""Seconds."""


def page(live: Live, recent: Recent) -> str:
    """A page of nothing else; the section of a model's page is taken from it when that is brought up to date."""
    title = live.release.title or live.release.name
    above = Markup('<p class="path"><a href="../{}">{}</a></p>').format(live.release.name, title)
    script = ("asking", "traffic")
    return whole("Recent traffic", [section(live, recent, address="traffic")], above=above, scripts=script)


def section(live: Live, recent: Recent, *, address: str, now: float | None = None) -> Markup:
    """The section of a model's page.

    Args:
        address: Of the page that has this section, from where the page stands.
        now: Seconds since 1970; the clock's where it is left out.
    """
    minutes = _hour(recent, time.time() if now is None else now)
    sums = _Sums([one for _, one in minutes if one is not None])
    if not sums.requests:
        body = Markup('<p class="soft">No requests in the last hour.</p>')
    else:
        body = joined((_tiles(sums), _rate(minutes), _errors(sums), _classes(live, sums), _figures(minutes)))
    return Markup(
        '<section class="panel" id="traffic" data-address="{}" aria-labelledby="traffic-title"><h2 id="traffic-title">'
        'Recent traffic</h2><p class="soft">Requests to this project in the last hour.</p>{}</section>'
    ).format(address, body)


def quantile(counts: Sequence[int], share: float) -> float:
    """A latency that *share* of the requests did not exceed, in seconds, taken as even within each bucket; infinite beyond, and
    NaN of none."""
    if not any(counts):
        return math.nan
    wanted, below, low = share * sum(counts), 0, 0.0
    for count, high in zip(counts, (*BUCKETS, math.inf), strict=False):
        if count and below + count >= wanted:
            return low + (high - low) * (wanted - below) / count if high < math.inf else math.inf
        below, low = below + count, high
    return math.inf


class _Sums:
    """The hour as a whole."""

    def __init__(self, minutes: Sequence[Minute]) -> None:
        self.requests = sum(one.requests for one in minutes)
        self.records = sum(one.records for one in minutes)
        self.errors, self.labels = _added([one.errors for one in minutes]), _added([one.labels for one in minutes])
        self.latency = [sum(counts) for counts in zip(*(one.latency for one in minutes), strict=True)]


def _added(counts: Sequence[Mapping[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in counts:
        found.update(one)
    return found


def _hour(recent: Recent, now: float) -> list[tuple[int, Minute | None]]:
    """The last hour's minutes, oldest first; the one under way is the last."""
    by_start = {one.start: one for one in recent.minutes}
    last = int(now) // MINUTE * MINUTE
    starts = range(last - (MINUTES - 1) * MINUTE, last + 1, MINUTE)
    return [(start, by_start.get(start)) for start in starts]


def _tiles(sums: _Sums) -> Markup:
    wrong = sum(sums.errors.values())
    tiles = (
        ("Requests", figures.count(sums.requests)),
        ("Records", figures.count(sums.records)),
        ("Errors", f"{figures.count(wrong)} ({figures.share(wrong / sums.requests)})"),
        ("Median latency", _seconds(quantile(sums.latency, 0.5))),
        ("95th percentile", _seconds(quantile(sums.latency, 0.95))),
    )
    return Markup('<dl class="tiles">{}</dl>').format(
        joined(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(word, figure) for word, figure in tiles)
    )


def _rate(minutes: Sequence[tuple[int, Minute | None]]) -> Markup:
    counts = [one.requests if one else 0 for _, one in minutes]
    marks = [one for one in figures.ticks(0, max(counts), 3) if one == int(one)]
    top = max(*counts, *marks)
    labels = [(place / 4, _clock(minutes[round(place * (len(minutes) - 1) / 4)][0])) for place in range(5)]
    plot = drawing.line(counts, top, labels, [(mark, f"{int(mark):,}") for mark in marks])
    return Markup("<figure><figcaption>Requests a minute (UTC)</figcaption>{}</figure>").format(plot)


def _errors(sums: _Sums) -> Markup:
    if not sums.errors:
        return Markup("")
    shown = sums.errors.most_common(SHOWN_ERRORS)
    rows = joined(
        Markup("<li>{} <strong>{}</strong></li>").format(reason.replace("_", " "), figures.count(count))
        for reason, count in shown
    )
    return Markup('<h3>Errors by reason</h3><ul class="reasons">{}</ul>').format(rows)


def _classes(live: Live, sums: _Sums) -> Markup:
    """What was predicted lately beside what training had; the colours are those of the model's card."""
    names = [text_of(level) for level in live.card.classes]
    lately = [sums.labels.get(name, 0) for name in names]
    if not sum(lately):
        return Markup("")
    trained = live.card.class_counts
    rows = [
        Markup("<li>{}{} <span>{} <small>({} in training)</small></span></li>").format(
            drawing.swatch(place), named(name), *(figures.share(part[place] / max(sum(part), 1)) for part in (lately, trained))
        )
        for place, name in enumerate(names)
    ]
    more = Markup("<li>and {} more</li>").format(len(rows) - SHOWN_CLASSES) if len(rows) > SHOWN_CLASSES else ""
    return Markup(
        '<h3>Classes</h3><div class="against"><span>predicted</span>{}<span>training</span>{}</div><ul class="key">{}{}</ul>'
    ).format(drawing.stacked(lately), drawing.stacked(trained), joined(rows[:SHOWN_CLASSES]), more)


def _figures(minutes: Sequence[tuple[int, Minute | None]]) -> Markup:
    """The minutes as a table, for those who do not see the plot."""
    rows = joined(
        Markup('<tr><th scope="row">{}</th><td>{:,}</td><td>{:,}</td><td>{:,}</td><td>{}</td></tr>').format(
            _clock(start), one.requests, one.records, sum(one.errors.values()), _seconds(quantile(one.latency, 0.5))
        )
        for start, one in reversed(minutes)
        if one is not None and one.requests
    )
    heads = ("Minute", "Requests", "Records", "Errors", "Median latency")
    head = joined(Markup('<th scope="col">{}</th>').format(word) for word in heads)
    return Markup(
        '<details id="minutes"><summary>Minute by minute</summary><p class="soft small">It stays as it is while it is open.</p>'
        '<table class="figures"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></details>"
    ).format(head, rows)


def _clock(start: int) -> str:
    return f"{datetime.fromtimestamp(start, UTC):%H:%M}"


def _seconds(value: float) -> str:
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return f"over {BUCKETS[-1]:g} s"
    return f"{figures.number(1000 * value, 2)} ms" if value < 1 else f"{figures.number(value, 2)} s"
