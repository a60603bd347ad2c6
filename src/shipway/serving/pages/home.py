"""The first page: the models that answer here."""

from __future__ import annotations

from markupsafe import Markup

from shipway.core.contract import text_of
from shipway.serving.live import Live, LiveModels
from shipway.serving.pages import card
from shipway.serving.pages.document import joined, named, notice, state, whole

SHOWN_CLASSES = 6


def page(models: LiveModels) -> str:
    """The models and how good they are."""
    lead = Markup(
        '<p class="lead">{} here. Open one to try it, or read <a href="docs">how to ask them from a program</a>.</p>'
    ).format("One model answers" if len(models) == 1 else f"{len(models)} models answer")
    return whole("Models", [Markup('<div class="cards">{}</div>').format(joined(map(_card, models.values())))], lead=lead)


def _card(live: Live) -> Markup:
    release, contract = live.release, live.card.contract
    names = [named(text_of(level)) for level in live.card.classes]
    classes = joined(names[:SHOWN_CLASSES], ", ") + (f" and {len(names) - SHOWN_CLASSES} more" if names[SHOWN_CLASSES:] else "")
    return Markup(
        '<section class="panel"><h2><a href="{name}">{title}</a></h2>{notice}'
        '<p class="meta"><code>{name}</code> version {version} · data {data_version} · {state}</p>'
        "<p>Predicts <strong>{target}</strong> ({classes}) from {features}.</p>{metrics}"
        '<p class="doors"><a href="{name}#try">Try it</a> <a href="{name}#file">Score a file</a> '
        '<a href="docs#{name}">How to ask</a></p></section>'
    ).format(
        name=release.name,
        title=release.title or release.name,
        notice=notice(live),
        version=release.version,
        data_version=release.data_version,
        state=state(live),
        target=named(contract.target),
        classes=classes,
        features="one column" if len(contract.features) == 1 else f"{len(contract.features)} columns",
        metrics=card.metrics(live, first=True),
    )
