"""The card of a column in the data report: what the template shows of it, in words.

This module imports MarkupSafe and the measuring modules at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from shipway.core.contract import Contract
from shipway.core.profile import NAMED_ROWS
from shipway.reporting import drawing, figures
from shipway.reporting.associations import Associations
from shipway.reporting.facts import ColumnFacts, Lengths, Levels, Numbers, TableFacts

if TYPE_CHECKING:
    from markupsafe import Markup


def card(column: ColumnFacts, table: TableFacts, contract: Contract, found: Associations) -> dict[str, Any]:
    """What the template shows of a column."""
    name, target = column.name, contract.target
    role = {"feature": "", "ignored": "ignored, plays no part"}.get(column.role, column.role)
    place = found.names.index(name) if name in found.names else 0
    told = [("tells the target", f"{figures.association(abs(found.table[0, place]))} ({found.kind(0, place)})")] if place else []
    by_class = len(table.shown) > 1 and column.role != "target"
    plot: Markup | str = ""
    caption = ""
    if isinstance(column.values, Levels) and column.values.names:
        shown = table.shown if by_class else [""]
        levels = column.values if by_class else _together(column.values)
        caption = f"Rows of each level{f', and how the classes of {target} share them' if by_class else ''}"
        plot = drawing.levels(levels, shown, title=f"{name}: {caption}")
    elif isinstance(column.values, Numbers):
        caption = f"Share of the rows{f' of each class of {target}' if by_class else ''}, with quartiles and median below"
        axis = f"{name} ({column.column.unit})" if column.column.unit else name
        times = column.column.type == "datetime"
        plot = drawing.histogram(column.values, table.shown, title=f"{name}: {caption}", axis=axis, times=times)
    return {
        "name": name,
        "kind": " · ".join(filter(None, (role, column.column.type, column.column.unit))),
        "description": column.column.description or "",
        "missing": figures.share(column.missing / max(column.rows, 1)),
        "distinct": figures.count(column.distinct),
        "tells": figures.association(abs(found.table[0, place])) if place else "",
        "figures": [*_figures(column), *told],
        "plot": plot,
        "caption": caption,
        "by_class": by_class and bool(plot),
        "remarks": list(_column_remarks(column, table)),
    }


def _together(levels: Levels) -> Levels:
    """*levels* without the classes."""
    return Levels(levels.names, levels.counts.sum(axis=1, keepdims=True), levels.others, levels.other_rows)


def _figures(column: ColumnFacts) -> Iterator[tuple[str, str]]:
    yield "missing", f"{figures.count(column.missing)} ({figures.share(column.missing / max(column.rows, 1))})"
    yield "different values", figures.count(column.distinct)
    numbers = column.values
    if isinstance(numbers, Numbers):
        yield from _quantiles(numbers, column)
        if numbers.fences:
            low, high = (figures.number(one) for one in numbers.fences)
            outliers = f"{figures.count(numbers.outliers)} ({figures.share(numbers.outliers / (column.rows - column.missing))})"
            yield "outliers", f"{outliers} outside {low} to {high}"
        if numbers.skew is not None and column.column.type != "datetime":
            yield "skew", f"{numbers.skew:.2f}"
    if isinstance(column.values, Lengths):
        lengths = column.values
        yield "characters", f"{lengths.least:,} to {lengths.most:,}, median {lengths.median:,}"


def _quantiles(numbers: Numbers, column: ColumnFacts) -> Iterator[tuple[str, str]]:
    low, first, half, third, high = numbers.quantiles
    if column.column.type == "datetime":
        yield from (("first", figures.moment(low)), ("median", figures.moment(half)), ("last", figures.moment(high)))
        return
    yield "minimum", figures.number(low)
    yield "quartiles", f"{figures.number(first)}, {figures.number(half)}, {figures.number(third)}"
    yield "maximum", figures.number(high)


def _column_remarks(column: ColumnFacts, table: TableFacts) -> Iterator[str]:
    if column.role in ("key", "ignored"):
        yield "Its values are not shown."
    elif column.column.type == "text":
        yield "Free text: its values are not shown."
    found = column.values
    if isinstance(found, Levels) and found.others:
        more = f"{found.others:,} more level{'s' * (found.others != 1)}"
        rows = f"{found.other_rows:,} row{'s' * (found.other_rows != 1)}"
        yield f"{more} in {rows}; a level of fewer than {NAMED_ROWS} rows is not named."
    if isinstance(found, Numbers):
        if found.below or found.above:
            beyond = [f"{rows:,} {side} it" for rows, side in ((found.below, "below"), (found.above, "above")) if rows]
            yield f"Rows beyond the axis: {' and '.join(beyond)}."
        if found.fences is None and column.column.type != "datetime":
            yield "The quartiles are equal, so no value is called an outlier."
    if column.missing and len(table.shown) > 1:
        shares = zip(table.shown, column.missing_by_class, strict=True)
        yield f"Missing by class: {', '.join(f'{name} {figures.share(share)}' for name, share in shares)}."
