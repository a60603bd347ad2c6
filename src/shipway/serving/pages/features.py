"""The features of a model: what each is by the contract, and what training saw of it.

What fewer than `NAMED_ROWS` training rows have is never named, nor is free text, and of a key there is nothing here at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from markupsafe import Markup

from shipway.core.contract import Column, text_of
from shipway.core.profile import LEVELS, NAMED_ROWS, ColumnProfile
from shipway.reporting import figures
from shipway.serving.live import Live
from shipway.serving.pages import drawing
from shipway.serving.pages.document import joined, named

SHOWN_LEVELS = 4
"""Levels that are named in the table."""

DRAWN_LEVELS = 16


def section(live: Live) -> Markup:
    """The section of a model's page."""
    contract, seen = live.card.contract, live.card.profile
    rows = joined(_row(name, contract.columns[name], seen.columns.get(name), seen.rows) for name in contract.features)
    others = [name for name in contract.columns if name not in contract.features and name != contract.target]
    told = Markup("<p class=soft>Accepted, and of no part in the answer: {}.</p>").format(joined(map(named, others), ", "))
    return Markup(
        '<section class="panel" id="features" aria-labelledby="features-title"><h2 id="features-title">Features</h2>'
        "<p>What a record has, and what the {} training rows showed of it. Values beyond that are answered, with a warning; only "
        'what stands as a rule is refused.</p><table class="features"><thead><tr><th scope="col">Feature</th>'
        '<th scope="col">In training</th></tr></thead><tbody>{}</tbody></table>{}</section>'
    ).format(figures.count(seen.rows), rows, told if others else "")


def levels(column: Column, seen: ColumnProfile | None) -> dict[str, int]:
    """The levels that may be shown of a column, with their training rows, the commonest first."""
    if column.type == "text" or seen is None or seen.levels is None:
        return {}
    return {level: count for level, count in seen.levels.items() if count >= NAMED_ROWS}


def write(column: Column, value: float) -> str:
    """A number of a column's profile, for people."""
    return figures.moment(value) if column.type == "datetime" else figures.number(value)


def rules(column: Column) -> list[str]:
    """What the contract demands of a column, and how its texts are written, in words."""
    found = [f"in {column.unit}"] if column.unit else []
    found += [f"at least {text_of(column.minimum)}"] if column.minimum is not None else []
    found += [f"at most {text_of(column.maximum)}"] if column.maximum is not None else []
    if column.levels:
        found.append(f"{'one of' if column.closed else 'such as'} {', '.join(map(text_of, column.levels))}")
    if column.nullable and column.missing:
        found.append(f"missing is also {' or '.join(json.dumps(marker, ensure_ascii=False) for marker in column.missing)}")
    return found


def _row(name: str, column: Column, seen: ColumnProfile | None, rows: int) -> Markup:
    kind = " · ".join(filter(None, (column.type, column.unit, "may be missing" if column.nullable else "")))
    about = Markup('<p class="soft">{}</p>').format(column.description) if column.description else ""
    plot, told = _seen(column, seen, rows) if seen is not None else (Markup(""), [])
    return Markup(
        '<tr><th scope="row">{}<span class="soft kind">{}</span>{}</th><td><div class="seen">{}<p>{}</p></div></td></tr>'
    ).format(named(name), kind, about, plot, joined(told, Markup("<br>")))


def _seen(column: Column, seen: ColumnProfile, rows: int) -> tuple[Markup, list[Markup | str]]:
    told = list(_told(column, seen, rows))
    bounds = [f"at least {text_of(column.minimum)}"] if column.minimum is not None else []
    bounds += [f"at most {text_of(column.maximum)}"] if column.maximum is not None else []
    if bounds:
        told.append(f"Rule: {' and '.join(bounds)}")
    if column.closed and column.levels:
        told.append("Rule: no other level")
    if seen.quantiles is not None:
        return drawing.distribution(seen.quantiles), told
    counts = list(levels(column, seen).values())[:DRAWN_LEVELS]
    return (drawing.bars(counts) if len(counts) > 1 else Markup("")), told


def _told(column: Column, seen: ColumnProfile, rows: int) -> Iterator[Markup | str]:
    if seen.quantiles is not None:
        middle = seen.quantiles[len(seen.quantiles) // 2]
        yield f"{write(column, seen.quantiles[0])} to {write(column, seen.quantiles[-1])}, median {write(column, middle)}"
    elif column.type == "text":
        yield "free text, which is not shown"
    elif seen.levels is not None:
        found = levels(column, seen)
        named_levels = [
            Markup("{} <span class=soft>{}</span>").format(named(level), figures.share(count / max(rows, 1)))
            for level, count in list(found.items())[:SHOWN_LEVELS]
        ]
        rest = len(seen.levels) - len(named_levels)
        if rest:
            named_levels.append(Markup("{}{} more").format(rest, "+" if len(seen.levels) == LEVELS else ""))
        yield joined(named_levels, ", ")
    if seen.missing:
        yield f"missing in {figures.share(seen.missing)}"
