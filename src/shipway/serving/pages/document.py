"""The frame of every page: its head, style and scripts, and the headers that it is sent with."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from shipway.serving.answers import STAND_IN
from shipway.serving.live import Live


def _file(name: str) -> Markup:
    """A file of ours beside this module, which is markup as it stands."""
    return Markup(files(__package__).joinpath(name).read_text(encoding="utf-8"))


STYLE = _file("style.css")
SCRIPTS = {name: _file(f"{name}.js") for name in ("asking", "form", "answer", "table", "scoring", "traffic", "try")}
"""Each file's script. They share one scope and build on those before them."""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(STYLE)}",
            f"script-src {' '.join(_hash(script) for script in SCRIPTS.values())}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}

_WHOLE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>{title} · Shipway</title>'
    '<style>{style}</style></head><body><a class="skip" href="#content">Skip to the content</a><header>{above}<h1>{title}</h1>'
    '{lead}</header><main id="content">{body}</main>{scripts}</body></html>'
)


def whole(
    title: str, body: Iterable[Markup], *, above: Markup | str = "", lead: Markup | str = "", scripts: Sequence[str] = ()
) -> str:
    """A page.

    Args:
        above, lead: What stands above and below its title.
        scripts: Names of `SCRIPTS`, in their order.
    """
    ran = joined(Markup("<script>{}</script>").format(SCRIPTS[name]) for name in scripts)
    return _WHOLE.format(title=title, style=STYLE, above=above, lead=lead, body=joined(body), scripts=ran)


def joined(parts: Iterable[Markup | str], between: Markup | str = "") -> Markup:
    """*parts* as one; what is no markup is escaped."""
    return Markup(between).join(parts)


def named(name: str) -> Markup:
    """The name of a column, level or project: whichever way it is written, it turns nothing around it."""
    return Markup("<bdi>{}</bdi>").format(name) if name.strip() else Markup("<em>(no name)</em>")


def data(value: Any) -> str:
    """*value* for an attribute that a script reads; as JSON, since HTML would change line ends and zero bytes."""
    return json.dumps(value)


def notice(live: Live) -> Markup:
    """Says so where a model learned from stand-in data."""
    return Markup('<p class="notice">{}</p>').format(STAND_IN) if live.release.stand_in else Markup("")


def table(heads: Iterable[str], rows: Iterable[Iterable[Markup | str]], *, caption: str = "") -> Markup:
    """A table whose first row names its columns."""
    head = joined(Markup('<th scope="col">{}</th>').format(cell) for cell in heads)
    body = joined(Markup("<tr>{}</tr>").format(joined(Markup("<td>{}</td>").format(cell) for cell in row)) for row in rows)
    told = Markup("<caption>{}</caption>").format(caption) if caption else ""
    return Markup("<table>{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(told, head, body)


def state(live: Live) -> Markup:
    """Whether a model answers, in a word."""
    words = {"ready": "ready", "loading": "being loaded", "failed": "could not be loaded"}
    return Markup('<span class="state {}">{}</span>').format(live.state, words[live.state])
