"""The data report: one HTML page that says what the rows are, from which a model is learned.

The page is shared: it shows figures, levels of categories and what was found, and never a row, a value of a key or a text. It
loads nothing from elsewhere and works without script.

This module imports Polars and Jinja at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
from markupsafe import Markup

from shipway.core.contract import Contract
from shipway.core.findings import Change, Finding
from shipway.reporting import associations, cards, drawing, facts, figures
from shipway.reporting.associations import Associations
from shipway.reporting.facts import TableFacts

if TYPE_CHECKING:
    import polars as pl

KINDS = {
    "copy_of_target": "Repeats the target",
    "predicts_alone": "Predicts the target alone",
    "file_order": "Follows the file's order",
    "key_like": "Names its row",
    "after_the_event": "Known only after the event?",
    "unlisted": "Levels that the contract does not list",
    "copy": "Repeats another column",
    "conflicts": "Equal features, different labels",
    "twins": "Equal features",
}
"""What the kinds of findings are called, the gravest first."""

CONTENTS = {
    "glance": "At a glance",
    "findings": "What to look at",
    "classes": "Classes",
    "quarantine": "Quarantine",
    "changes": "Changes",
    "missing": "Missing values",
    "associations": "What says what",
    "columns": "Columns",
}

LINES = 30
"""Lines of a table of reasons or changes."""

BARS = 20
"""Bars of a plot of columns."""

PAIRS, NOTABLE = 10, 0.1
"""Pairs of features that are listed, and the association from which one is."""

SEARCHABLE = 12
"""Columns from which a page has a field to find one."""

EVEN, UNEVEN = 1.5, 4.0
"""How many times the rarest class the commonest may be in a table that is called even, and in one that is merely uneven."""

ORDERED, NOISE = 0.2, 6.0
"""Range of a class's share along the file from which it is called ordered, and how many standard errors it must be besides."""

GAPPY = 0.5
"""Share of missing values from which a column is named for it."""


def make(
    frame: pl.DataFrame,
    contract: Contract,
    *,
    title: str,
    data_version: str = "",
    received: int | None = None,
    kept: int | None = None,
    quarantine: pl.DataFrame | None = None,
    duplicates: int = 0,
    conflicts: tuple[int, int] = (0, 0),
    findings: Sequence[Finding] = (),
    changes: Sequence[Change] = (),
    stand_in: bool = False,
) -> str:
    """Make the page.

    Args:
        frame: The rows kept, as the contract read them, in the order of the file; or an even sample of them.
        kept: How many rows were kept, where *frame* is a sample.
        received: Rows received; those kept, in quarantine and dropped together when left out.
        quarantine: One line a broken rule, as of `Checked`; counted, and its records never shown.
        duplicates: Rows dropped because they repeat another.
        conflicts: Groups of rows with equal features and different labels, and their rows.
        findings: Of the leakage audit.
        changes: What was done to cells on the way to their types.
        stand_in: Whether the rows were generated; the page then says so.
    """
    table = facts.measure(frame, contract)
    found = associations.measure(frame, contract)
    reasons, quarantined = _reasons(quarantine)
    if received is None:
        received = frame.height + quarantined + duplicates
    page = {
        "title": title,
        "data_version": data_version,
        "target": contract.target,
        "stand_in": stand_in,
        "contents": list(CONTENTS.items()),
        "places": {column.name: place for place, column in enumerate(table.columns)},
        "shown": table.shown,
        "sampled": "" if kept in (None, frame.height) else figures.count(frame.height),
        "tiles": _tiles(
            table,
            contract,
            kept=kept or frame.height,
            received=received,
            quarantined=quarantined,
            duplicates=duplicates,
            conflicts=conflicts,
        ),
        "findings": [(KINDS[finding.kind], finding) for finding in sorted(findings, key=lambda one: list(KINDS).index(one.kind))],
        "remarks": list(_remarks(table)),
        "balance": _balance(table),
        "most_lines": LINES,
        "reasons": reasons,
        "quarantined": figures.count(quarantined),
        "changes": sorted(changes, key=lambda change: -change.cells),
        "changed": figures.count(sum(change.cells for change in changes)),
        "searchable": len(table.columns) > SEARCHABLE,
        "style": Markup(_file("data_report.css")),
        "script": Markup(_file("data_report.js")),
        **_class_plots(table, contract.target),
        **_missing(table),
        **_associated(found, contract.target, frame.height),
        "columns": [cards.card(column, table, contract, found) for column in table.columns],
    }
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(_file("data_report.html.j2")).render(page)


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _reasons(quarantine: pl.DataFrame | None) -> tuple[list[tuple[str, str, str, str]], int]:
    """Column, rule, message and rows of each reason, the commonest first; and the rows in quarantine."""
    if quarantine is None or quarantine.is_empty():
        return [], 0
    counted = quarantine.group_by("column", "rule", "message").len()
    counted = counted.sort(["len", "column", "rule", "message"], descending=[True, False, False, False])
    reasons = [(column, rule, message, figures.count(rows)) for column, rule, message, rows in counted.iter_rows()]
    return reasons, quarantine.select("source", "row").n_unique()


def _tiles(
    table: TableFacts,
    contract: Contract,
    *,
    received: int,
    kept: int,
    quarantined: int,
    duplicates: int,
    conflicts: tuple[int, int],
) -> list[tuple[str, str]]:
    return [
        ("Rows received", figures.count(received)),
        ("In quarantine", figures.count(quarantined)),
        ("Duplicates dropped", figures.count(duplicates)),
        ("Rows kept", figures.count(kept)),
        ("Rows in conflict", figures.count(conflicts[1])),
        ("Features", figures.count(len(contract.features))),
        ("Classes", figures.count(len(table.classes))),
        ("Missing cells", figures.share(table.missing)),
    ]


def _balance(table: TableFacts) -> str:
    counts = [rows for rows in table.classes.values() if rows]
    if not counts:
        return "There is no row."
    commonest = max(table.classes, key=lambda name: table.classes[name])
    ratio = max(counts) / min(counts)
    if ratio == 1:
        return f"The classes are even: each has {figures.count(counts[0])} rows."
    how = "nearly even" if ratio < EVEN else "uneven" if ratio < UNEVEN else "imbalanced"
    always = f"always answering {commonest} would be right in {figures.share(max(counts) / table.rows)} of the rows"
    return f"The classes are {how}: the commonest has {figures.number(ratio, 3)} times the rows of the rarest, and {always}."


def _remarks(table: TableFacts) -> Iterator[str]:
    if empty := [name for name, rows in table.classes.items() if not rows]:
        yield f"No row has the class {_listed(empty)}."
    per_part = table.rows / max(len(table.along), 1)
    for place, name in enumerate(table.shown if len(table.shown) > 1 else ()):
        shares = table.along[:, place]
        usual = table.classes[name] / max(table.rows, 1)
        low, high = float(shares.min()), float(shares.max())
        if high - low > max(ORDERED, NOISE * (usual * (1 - usual) / max(per_part, 1)) ** 0.5):
            yield (
                f"The file is ordered: along it the share of {name} runs from {figures.share(low)} to {figures.share(high)}. "
                "Never take its first rows as a sample, and shuffle wherever you split it yourself."
            )
            break
    features = [column for column in table.columns if column.role == "feature"]
    if constant := [one.name for one in features if one.distinct == 1 and not one.missing]:
        yield f"The same value in every row: {_listed(constant)}. A model can learn nothing from it."
    if empty := [one.name for one in features if not one.distinct and table.rows]:
        yield f"No value at all: {_listed(empty)}."
    if gappy := [one.name for one in features if one.distinct and one.missing > GAPPY * one.rows]:
        yield f"Missing in more than half of the rows: {_listed(gappy)}."


def _listed(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _class_plots(table: TableFacts, target: str) -> dict[str, Any]:
    classes = sorted(table.classes.items(), key=lambda item: -item[1]) if len(table.shown) == 1 else list(table.classes.items())
    bars = [(name, rows, f"{figures.count(rows)} ({figures.share(rows / max(table.rows, 1))})") for name, rows in classes]
    coloured = len(table.shown) > 1
    drawn = drawing.bars(bars[:BARS], title=f"Rows of each class of {target}", classes=coloured)
    along = drawing.along(table.along, title=f"Share of each class of {target} along the file") if coloured and table.rows else ""
    return {"classes": drawn, "along": along}


def _missing(table: TableFacts) -> dict[str, Any]:
    some = sorted((one for one in table.columns if one.missing), key=lambda one: -one.missing)
    bars = [
        (one.name, one.missing / one.rows, f"{figures.share(one.missing / one.rows)} ({figures.count(one.missing)})")
        for one in some[:BARS]
    ]
    drawn = drawing.bars(bars, title="Share of the rows without a value", most=1.0) if bars else ""
    return {"missing": drawn, "missing_shown": len(bars), "more_missing": len(some) - len(bars)}


def _associated(found: Associations, target: str, rows: int) -> dict[str, Any]:
    strength = np.abs(found.table)
    order = sorted(range(1, len(found.names)), key=lambda place: -strength[0, place])
    bars = [(found.names[place], float(strength[0, place]), figures.association(strength[0, place])) for place in order[:BARS]]
    apart = strength - np.eye(len(strength))
    strongest = sorted(range(len(found.names)), key=lambda place: -float(apart[place].max(initial=0.0)))[: drawing.CELLS]
    one, other = np.triu_indices(len(strength) - 1, 1)
    one, other = one + 1, other + 1
    ranked = np.argsort(-strength[one, other], kind="stable")[:PAIRS]
    pairs = [
        (found.names[i], found.names[j], found.kind(i, j), figures.association(found.table[i, j]))
        for i, j in zip(one[ranked].tolist(), other[ranked].tolist(), strict=True)
        if strength[i, j] >= NOTABLE
    ]
    chosen = sorted(strongest)
    title = "Association of each pair of columns"
    return {
        "with_target": drawing.bars(bars, title=f"Association of each column with {target}", most=1.0) if bars else "",
        "target_shown": len(bars),
        "more_target": len(order) > len(bars),
        "heat_map": drawing.heat_map(found, chosen, title=title) if len(chosen) > 2 else "",
        "heat_shown": len(chosen),
        "more_heat": len(found.names) > len(chosen),
        "scale": drawing.scale(),
        "pairs": pairs,
        "associated_rows": figures.count(rows) if found.rows == rows else f"{found.rows:,} of {rows:,}",
    }
