"""A model's card: which version it is, what it learned from, and how good it was on rows that it had not seen."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from shipway.core.contract import text_of
from shipway.core.models import Interval
from shipway.reporting import figures
from shipway.serving.live import Live
from shipway.serving.pages import drawing
from shipway.serving.pages.document import joined, named, state, table

LOSSES = ("log_loss", "brier")
"""Metrics of which less is better."""

SHOWN_CLASSES = 12
"""Classes that the key of a bar names."""


def section(live: Live) -> Markup:
    """The section of a model's page."""
    facts = joined(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(word, told) for word, told in _facts(live))
    return Markup(
        '<section class="panel" id="model" aria-labelledby="model-title"><h2 id="model-title">The model</h2>'
        '<dl class="facts">{}</dl><h3>Classes in training</h3>{}<h3>On test rows</h3>{}</section>'
    ).format(facts, classes(live), metrics(live) or Markup("<p>No figures came with this version.</p>"))


def metrics(live: Live, *, first: bool = False) -> Markup:
    """The metrics with their 95 % intervals, drawn on one axis; *first*: only the one that the model was chosen by."""
    found = live.release.metrics
    if first and found:
        name = live.card.metric if live.card.metric in found else next(iter(found))
        found = {name: found[name]}
    if not found:
        return Markup("")
    if first:
        ((name, one),) = found.items()
        return Markup(
            '<div class="best"><p>{} <strong>{:.3f}</strong> <span class="soft">95 % interval {:.3f} to {:.3f}</span></p>{}</div>'
        ).format(_words(name), one.value, one.low, one.high, _drawn(live, name, one))
    rows = []
    for name, one in found.items():
        figure = Markup("<strong>{:.3f}</strong>").format(one.value)
        rows.append((_words(name), _drawn(live, name, one), figure, f"{one.low:.3f} to {one.high:.3f}"))
    shown = Markup('<div class="metrics">{}</div>').format(table(["Metric", "", "Value", "95 % interval"], rows))
    share = _commonest_share(live)
    if share is None or "accuracy" not in found:
        return shown
    return shown + Markup(
        '<p class="soft">Always answering the commonest class would be right for {} of the training rows.</p>'
    ).format(figures.share(share))


def classes(live: Live) -> Markup:
    """The classes as one bar of their shares in training, with a key."""
    counts, total = live.card.class_counts, max(sum(live.card.class_counts), 1)
    names = [text_of(level) for level in live.card.classes]
    key = [
        Markup("<li>{}{} <span>{}</span></li>").format(drawing.swatch(place), named(name), figures.share(count / total))
        for place, (name, count) in enumerate(zip(names, counts, strict=True))
    ]
    more = Markup("<li>and {} more</li>").format(len(key) - SHOWN_CLASSES) if len(key) > SHOWN_CLASSES else ""
    return drawing.stacked(counts) + Markup('<ul class="key">{}{}</ul>').format(joined(key[:SHOWN_CLASSES]), more)


def _facts(live: Live) -> Iterator[tuple[str, Markup | str]]:
    release, card = live.release, live.card
    yield "Version", joined((release.version, " ", state(live)))
    yield "Data version", release.data_version
    yield "Training rows", figures.count(card.profile.rows)
    yield "Features", figures.count(len(card.contract.features))
    yield (
        "Estimator",
        joined((card.estimator.rpartition(".")[2], Markup(' <span class="soft">candidate {}</span>').format(card.candidate))),
    )
    yield "Cross-validated", f"{card.metric.replace('_', ' ')} {card.score:.3f}"
    if card.threshold is not None and card.positive is not None:
        yield "Decides", joined((named(text_of(card.positive)), f" from a probability of {card.threshold:.3g}"))
    yield "MLflow run", Markup("<code>{}</code>").format(release.run_id)


def _words(metric: str) -> Markup:
    less = Markup(' <span class="soft">less is better</span>') if metric in LOSSES else ""
    return joined((metric.replace("_", " "), less))


def _drawn(live: Live, metric: str, one: Interval) -> Markup:
    top = 1.0 if max(one.value, one.high) <= 1 else max(one.value, one.high) * 1.1
    return drawing.interval(one.value, one.low, one.high, top, mark=_commonest_share(live) if metric == "accuracy" else None)


def _commonest_share(live: Live) -> float | None:
    counts = live.card.class_counts
    return max(counts) / sum(counts) if sum(counts) else None
