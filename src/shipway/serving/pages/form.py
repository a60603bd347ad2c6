"""The form to try a model with: a field for each feature, made from its contract and profile; `form.js` fills and sends it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from shipway.core.contract import Column, Level, text_of
from shipway.core.profile import ColumnProfile
from shipway.reporting import figures
from shipway.serving.live import Live
from shipway.serving.pages import features
from shipway.serving.pages.document import data, joined, named

ALL_SHOWN = 24
"""Features up to which all stand in the form; of more, the first `SHOWN` do, and the rest are folded away."""

SHOWN = 12

OPTIONS = 60
"""Levels that are offered of a column that may have others."""

STEPS = 200
"""Positions of a slider, at least."""

MISSING = Markup('<option value="null">(missing)</option>')
OTHER = Markup('<option value="" data-other>other…</option>')
_FORM = Markup(
    '<section class="panel" id="try" aria-labelledby="try-title"><h2 id="try-title">Try it</h2>'
    "<noscript><p class=notice>The form and the scoring of files need JavaScript; all else here does not.</p></noscript>"
    '<form id="form" data-project="{project}" data-target="{target}" data-rule="{rule}" novalidate '
    'autocomplete="off"><div class="buttons">'
    '<button type="button" id="example">Load an example</button><button type="reset">Clear</button>'
    '<span class="soft">The example is typical and made up: it is nobody.</span></div>'
    '{finder}<div class="fields">{first}</div>{rest}'
    '<div class="buttons send"><button type="submit" class="main">Predict</button><span id="summary" class="error" role="alert">'
    "</span></div></form>"
    '<div id="answer" class="answer" role="status" aria-live="polite" aria-labelledby="try-title"></div></section>'
)
_FOLDED = Markup('<details id="rest"><summary>{} more features</summary>{}<div class="fields">{}</div></details>')
_HEEDED = Markup('<p class="soft">Those above move this model\'s answers most.</p>')
_FINDER = Markup(
    '<p class="finder"><label for="finder">Find a feature</label><input id="finder" type="search" placeholder="part of its name">'
    '<span id="found" class="soft" role="status"></span></p>'
)
_FIELD = Markup(
    '<div class="field" data-column="{column}" data-example="{example}" data-kind="{kind}"><label for="{id}">{name}'
    '{unit}</label>{control}<p class="hint" id="{id}h">{hint}</p><p class="warning" id="{id}w"></p>'
    '<p class="error" id="{id}e"></p></div>'
)


def section(live: Live, order: Sequence[str]) -> Markup:
    """The section of a model's page, its features in this *order* where not all are shown at once."""
    card, contract, seen = live.card, live.card.contract, live.card.profile.columns
    few = len(contract.features) <= ALL_SHOWN
    names = contract.features if few else list(order)
    fields = [_field(place, name, contract.columns[name], seen[name], live.example) for place, name in enumerate(names)]
    told = _HEEDED if names != contract.features else ""
    rest = Markup("") if few else _FOLDED.format(len(fields) - SHOWN, told, joined(fields[SHOWN:]))
    return _FORM.format(
        project=live.release.name,
        target=data(contract.target),
        rule=data(None if card.threshold is None or card.positive is None else [text_of(card.positive), card.threshold]),
        finder=Markup("") if few else _FINDER,
        first=joined(fields if few else fields[:SHOWN]),
        rest=rest,
    )


def _field(place: int, name: str, column: Column, seen: ColumnProfile, example: dict[str, Any]) -> Markup:
    own = f"f{place}"
    described = Markup('aria-describedby="{0}h {0}w {0}e"').format(own)
    kind, control = _control(own, name, column, seen, described)
    return _FIELD.format(
        column=data(name),
        example=data(example.get(name)),
        kind=kind,
        id=own,
        name=named(name),
        unit=Markup(' <span class="soft">{}</span>').format(column.unit) if column.unit else "",
        control=control,
        hint=joined(_hints(column, seen), Markup(" · ")),
    )


def _control(own: str, name: str, column: Column, seen: ColumnProfile, described: Markup) -> tuple[str, Markup]:
    """The kind of a field, as `form.js` reads it, and its control."""
    if column.type == "boolean":
        return "select", _select(own, described, [(True, "yes"), (False, "no")], column, other=False)
    if column.type == "category" or (column.levels and column.type == "integer"):
        options = _options(column, seen)
        if options:
            other = not (column.closed and column.levels)
            select = _select(own, described, [(level, text_of(level)) for level in options], column, other=other)
            text = Markup('<input type="text" class="other" hidden aria-label="Other value of {}" {}>').format(name, described)
            return f"select {column.type}", select + text if other else select
    if column.type in ("integer", "number"):
        step = "1" if column.type == "integer" else "any"
        box = Markup('<input id="{}" type="number" step="{}" {}>').format(own, step, described)
        return column.type, Markup('<div class="pair">{}{}</div>').format(box, _slider(column, seen))
    if column.type == "datetime":
        return "datetime", Markup('<input id="{}" type="datetime-local" step="1" {}>').format(own, described)
    return "text", Markup('<input id="{}" type="text" {}>').format(own, described)


def _select(own: str, described: Markup, options: Sequence[tuple[Level, str]], column: Column, *, other: bool) -> Markup:
    offered = joined(Markup('<option value="{}">{}</option>').format(data(value), text or "(empty)") for value, text in options)
    parts = [Markup('<option value="">choose…</option>'), offered]
    parts += [OTHER] if other else []
    parts += [MISSING] if column.nullable else []
    return Markup('<select id="{}" {}>{}</select>').format(own, described, joined(parts))


def _options(column: Column, seen: ColumnProfile) -> list[Level]:
    """The levels that are offered: all that the contract names, then what training saw, as far as it may be shown."""
    declared = list(column.levels or [])
    if column.closed and declared:
        return declared
    texts = {text_of(level) for level in declared}
    observed: list[Level] = [level for level in features.levels(column, seen) if level not in texts]
    return [*declared, *(observed if column.type == "category" else [])][: max(OPTIONS, len(declared))]


def _slider(column: Column, seen: ColumnProfile) -> Markup:
    """A slider over what training saw. It repeats the box beside it, which keyboard and screen reader use."""
    low, high = seen.minimum, seen.maximum
    if low is None or high is None or not 0 < high - low < math.inf:
        return Markup("")
    step = 1.0 if column.type == "integer" else 10.0 ** math.floor(math.log10((high - low) / STEPS))
    return Markup('<input type="range" min="{}" max="{}" step="{}" tabindex="-1" aria-hidden="true">').format(
        text_of(low), text_of(high), text_of(step)
    )


def _hints(column: Column, seen: ColumnProfile) -> Iterator[Markup | str]:
    if seen.minimum is not None and seen.maximum is not None:
        yield f"{features.write(column, seen.minimum)} to {features.write(column, seen.maximum)} in training"
    if column.minimum is not None and (seen.minimum is None or column.minimum != seen.minimum):
        yield f"at least {figures.number(column.minimum)}"
    if column.maximum is not None and (seen.maximum is None or column.maximum != seen.maximum):
        yield f"at most {figures.number(column.maximum)}"
    if column.format and column.type in ("integer", "number"):
        yield "in seconds"
    if column.type == "datetime":
        yield "UTC"
    if column.nullable and column.type not in ("category", "boolean"):
        yield "may be left empty"
    if column.description:
        yield column.description
