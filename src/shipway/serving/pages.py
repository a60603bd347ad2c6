"""The web pages: what is served, and how to ask. They load nothing from elsewhere, so that they work without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Any

from shipway.core.contract import Column, Contract, text_of
from shipway.serving import answers
from shipway.serving.documentation import ERRORS, examples
from shipway.serving.live import Live, LiveModels

STYLE = files(__package__).joinpath("pages.css").read_text(encoding="utf-8")
SCRIPT = files(__package__).joinpath("pages.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


def home(models: LiveModels) -> str:
    """The models and how good they are."""
    cards = "".join(_card(live) for live in models.values())
    return _html("Models", f'<p class="lead">Models that answer here. <a href="docs">How to ask them</a></p>{cards}')


def documentation(models: LiveModels) -> str:
    """For each model its columns and a form to try it with."""
    names = " · ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in models)
    links = f'{names} · <a href="openapi.json">OpenAPI document</a> · <a href="./">models</a>'
    errors = (
        "<p>An error is <code>application/problem+json</code>: what is wrong in <code>detail</code>, and for each broken rule "
        "the record (from 0), the column, the rule and a message in <code>errors</code>.</p>"
    )
    table = _table(["Status", "Reason"], ERRORS.items())
    forms = "".join(_form(live) for live in models.values())
    return _html(
        "How to ask",
        f'<p class="lead">{links}</p>{forms}<section><h2>Errors</h2>{errors}{table}</section><script>{SCRIPT}</script>',
    )


def _card(live: Live) -> str:
    release, contract = live.release, live.card.contract
    metrics = [(name, f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}") for name, one in release.metrics.items()]
    classes = ", ".join(escape(text_of(level)) for level in live.card.classes)
    return (
        f"<section><h2>{escape(release.title or release.name)}</h2>{_notice(live)}"
        f'<p class="meta">{escape(release.name)} version {escape(release.version)}, data {escape(release.data_version)}, '
        f'<span class="{live.state}">{live.state}</span></p>'
        f"<p>Predicts <strong>{escape(contract.target)}</strong> ({classes}) from {len(contract.features)} columns.</p>"
        f"{_table(['Metric', 'On test rows', '95 % interval'], metrics) if metrics else ''}"
        f'<p><a href="docs#{escape(release.name)}">Columns and a form to try it</a></p></section>'
    )


def _form(live: Live) -> str:
    name, contract = live.release.name, live.card.contract
    table = _table(["Column", "Type", "", "Rules and notes"], [_row(contract, column) for column in contract.columns])
    shown = {one["summary"]: _text(one["value"]) for one in examples(contract, live.example).values()}
    choices = "".join(f'<option value="{escape(text)}">{escape(summary)}</option>' for summary, text in shown.items())
    return (
        f'<section id="{escape(name)}"><h2>{escape(live.release.title or name)}</h2>{_notice(live)}'
        f"<p><code>POST /{escape(name)}/predict</code> with <code>Content-Type: application/json</code> tells "
        f'<strong>{escape(contract.target)}</strong>.</p><div class="wide">{table}</div>'
        f'<form data-target="{escape(name)}/predict"><label>Send <select>{choices}</select></label>'
        f'<textarea rows="12" spellcheck="false" aria-label="Body of the request">{escape(next(iter(shown.values())))}</textarea>'
        '<button type="submit">Predict</button><pre role="status" hidden></pre></form></section>'
    )


def _row(contract: Contract, name: str) -> tuple[str, ...]:
    column, role = contract.columns[name], contract.role(name)
    if role != "feature":
        return name, column.type, role, _join("plays no part", column.description)
    need = "may be missing" if column.nullable else "required"
    return name, column.type, need, _join(column.description, *_rules(column))


def _join(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _rules(column: Column) -> list[str]:
    rules = [f"in {column.unit}"] if column.unit else []
    rules += [f"at least {text_of(column.minimum)}"] if column.minimum is not None else []
    rules += [f"at most {text_of(column.maximum)}"] if column.maximum is not None else []
    if column.levels:
        rules.append(f"{'one of' if column.closed else 'such as'} {', '.join(map(text_of, column.levels))}")
    if column.nullable and column.missing:
        rules.append(f"missing is also {' or '.join(json.dumps(marker, ensure_ascii=False) for marker in column.missing)}")
    return rules


def _notice(live: Live) -> str:
    return f'<p class="notice">{escape(answers.STAND_IN)}</p>' if live.release.stand_in else ""


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _html(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>{title} · Shipway</title>'
        f"<style>{STYLE}</style></head><body><header><h1>{title}</h1></header><main>{body}</main></body></html>"
    )
