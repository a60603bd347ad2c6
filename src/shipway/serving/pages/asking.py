"""The page of documentation: how to ask each model from a program."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from shipway.core.contract import Contract
from shipway.serving.documentation import ERRORS, KEY_ERRORS, examples
from shipway.serving.live import Live, LiveModels
from shipway.serving.pages.document import joined, notice, table, whole
from shipway.serving.pages.features import rules

_SECTION = Markup(
    '<section class="panel" id="{name}"><h2><a href="{name}">{title}</a></h2>{notice}<p><code>POST /{name}/predict</code> with '
    "<code>Content-Type: application/json</code> tells <strong>{target}</strong>; <code>POST /{name}/explain</code> with one "
    'record says what moved the answer.</p><div class="wide" tabindex="0" role="region" aria-label="Columns of {title}">{table}'
    '</div><form class="raw" data-target="{name}/predict"><label>Send <select>{choices}</select></label><textarea rows="12" '
    'spellcheck="false" aria-label="Body of the request">{first}</textarea><button type="submit">Predict</button>'
    '<pre role="status" tabindex="0" hidden></pre></form></section>'
)
_ERRORS = Markup(
    '<section class="panel"><h2>Errors</h2><p>An error is <code>application/problem+json</code>: what is wrong in '
    "<code>detail</code>, and for each broken rule the record (from 0), the column, the rule and a message in "
    '<code>errors</code>.</p><div class="codes">{}</div></section>'
)


def page(models: LiveModels) -> str:
    """For each model its columns and a form to try it with."""
    names = joined((Markup('<a href="#{0}">{0}</a>').format(name) for name in models), " · ")
    lead = Markup('<p class="lead">{} · <a href="openapi.json">OpenAPI document</a></p>').format(names)
    body = [
        *map(_section, models.values()),
        _ERRORS.format(table(["Status", "Reason"], sorted({**ERRORS, **KEY_ERRORS}.items()))),
    ]
    above = Markup('<p class="path"><a href="./">Models</a></p>')
    return whole("How to ask", body, above=above, lead=lead, scripts=("asking", "try"))


def _section(live: Live) -> Markup:
    contract = live.card.contract
    shown = {one["summary"]: _text(one["value"]) for one in examples(contract, live.example).values()}
    choices = joined(Markup('<option value="{}">{}</option>').format(text, summary) for summary, text in shown.items())
    return _SECTION.format(
        name=live.release.name,
        title=live.release.title or live.release.name,
        notice=notice(live),
        target=contract.target,
        table=table(["Column", "Type", "", "Rules and notes"], [_row(contract, column) for column in contract.columns]),
        choices=choices,
        first=next(iter(shown.values())),
    )


def _row(contract: Contract, name: str) -> tuple[str, ...]:
    column, role = contract.columns[name], contract.role(name)
    if role != "feature":
        return name, column.type, role, _join("plays no part", column.description)
    need = "may be missing" if column.nullable else "required"
    return name, column.type, need, _join(column.description, *rules(column))


def _join(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
