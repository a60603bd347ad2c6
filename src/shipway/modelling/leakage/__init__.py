"""The leakage audit: what makes a model look better in training than it will be in use, with the evidence.

It warns and never decides: only a person knows when a value is known. This package imports NumPy and Polars at its top, so it is
itself imported only inside functions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from shipway.core.contract import Contract
from shipway.core.findings import Finding
from shipway.modelling.leakage import copies, events, order
from shipway.modelling.leakage.power import CLASSES, Coded, Power, code, question

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALMOST_PERFECT, SURE = 0.95, 0.9
"""Power from which a column alone predicts almost perfectly, and what it must be a standard error lower. The best columns of
well-known easy tables stay under it (iris 0.93, breast cancer 0.83, airline satisfaction 0.63); a copy of the target with 1 % of
its labels flipped is above (0.98)."""

ORDERED = 0.1
"""Power of the row's place in the file from which the target depends on the file's order."""

POWER_ROWS = 5_000, 20_000
"""Least and most rows drawn to estimate powers; 20,000 give two even classes a standard error of 0.005."""

POWER_CELLS = 3_000_000
"""Rows times columns times classes that powers are estimated on, between these: about 2 seconds of work."""

COPY_ROWS = 5_000
"""Rows drawn to compare columns with each other."""

NAMED = 10
"""Columns that one finding names."""


def audit(
    frame: pl.DataFrame,
    contract: Contract,
    *,
    places: pl.Series | None = None,
    known: Collection[str] = (),
    seed: int = 0,
) -> list[Finding]:
    """Look for columns that give the target away; what rows with equal features say, `twins` tells.

    Args:
        frame: Rows as the contract read them, target included, or an even sample of them; exact duplicates count once.
        places: Where each row stood in the file; the frame's order when left out.
        known: Columns that a person has looked at and accepted; findings about them are left out.
        seed: Fixes the draw of rows and folds: the same rows and seed find the same.

    Returns:
        The findings, the gravest kind first, at most one a column besides copies of other columns.
    """
    if places is None:
        places = pl.Series(range(frame.height), dtype=pl.Int64)
    labelled = frame[contract.target].is_not_null()
    frame, places = frame.filter(labelled), places.filter(labelled)
    varied = [code(frame[name]) for name in contract.features]
    varied = [column for column in varied if column.levels + column.missing.any() > 1]
    columns = [column for column in varied if column.name not in known]
    powers, by_place = _powers(frame, contract, varied, places, seed)
    labels = code(frame[contract.target].cast(pl.String))
    found = list(_repeats(columns, contract.target, labels))
    columns = _without(columns, found)
    found += _gaps(columns, frame[contract.target], labels)
    found += _order(frame, _without(columns, found), contract.target, places, by_place)
    explained = {name for finding in found for name in finding.columns}
    found += _telling({name: power for name, power in powers.items() if name not in explained}, contract.target, known)
    return [*found, *_copies(frame, columns, seed)]


def _without(columns: list[Coded], found: list[Finding]) -> list[Coded]:
    """The columns of which nothing was *found*."""
    names = {name for finding in found for name in finding.columns}
    return [column for column in columns if column.name not in names]


def _repeats(columns: list[Coded], target: str, labels: Coded) -> Iterator[Finding]:
    for column, found in copies.of_target(columns, labels):
        how = f"repeats the target {target!r}, level by level"
        if found.kappa < copies.SAME:
            how = (
                f"nearly repeats the target {target!r}: its levels are the classes in {100 * found.share:.1f} % of the rows "
                f"(kappa {found.kappa:.2f})"
            )
        yield Finding(
            kind="copy_of_target",
            columns=[column.name],
            message=f"{column.name!r} {how}; if no caller can send it with a question, set {_ignore([column.name])}",
        )


def _gaps(columns: list[Coded], target: pl.Series, labels: Coded) -> Iterator[Finding]:
    names = target.cast(pl.String).unique().sort().to_list()
    for gap in events.gaps(columns, labels.codes):
        has = f"{'is' if len(gap.columns) == 1 else 'are'} {'filled' if gap.filled else 'missing'}"
        yield Finding(
            kind="after_the_event",
            columns=gap.columns,
            message=f"{_listed(gap.columns)} {has} in {gap.rows:,} rows, and {100 * gap.share:.1f} % of these are "
            f"{names[gap.label]!r} ({100 * gap.usual:.1f} % of all rows are): whether there is a value tells {target.name!r}, as "
            f"for what is written down after the event; if a caller can't know it in time, set {_ignore(gap.columns)}",
        )


def _order(
    frame: pl.DataFrame, columns: list[Coded], target: str, places: pl.Series, by_place: Power | None
) -> Iterator[Finding]:
    rows = frame.unique().height
    for column in columns:
        name, along = column.name, order.follows(column, places.to_numpy())
        if along and by_place is not None and by_place.low >= ORDERED:
            yield Finding(
                kind="file_order",
                columns=[name],
                message=f"{name!r} follows the order of the rows (rank correlation {along:.2f}), and {target!r} depends on it: "
                f"the place in the file alone {by_place}; unless it means the same in use, {_ignore_or_key(name)}",
            )
        elif order.is_key(frame[name], column, rows):
            like = "a running number" if along else "different in every row, like a key"
            yield Finding(
                kind="key_like",
                columns=[name],
                message=f"{name!r} is {like} ({column.levels:,} values in {rows:,} rows), so that a model can only learn rows by "
                f"heart from it; {_ignore_or_key(name)}",
            )


def _telling(powers: dict[str, Power], target: str, known: Collection[str]) -> Iterator[Finding]:
    perfect = {name for name, power in powers.items() if power.value >= ALMOST_PERFECT and power.low >= SURE}
    compared = {name: power for name, power in powers.items() if name not in perfect or events.suspicious(name, target)}
    late = {name: (word, best) for name, word, best in events.too_telling(compared, target) if name not in known}
    for name, (word, best) in late.items():
        yield Finding(
            kind="after_the_event",
            columns=[name],
            message=f"{name!r} may be known only after the event, as its name ({word}) and its power say: alone it "
            f"{powers[name]} ({powers[name].value:.2f}, where guessing is 0 and perfection 1; the best column without such a "
            f"name has {best:.2f}); if a caller can't know it in time, set {_ignore([name])}",
        )
    for name in sorted(perfect - late.keys() - set(known), key=list(powers).index):
        yield Finding(
            kind="predicts_alone",
            columns=[name],
            message=f"{name!r} alone predicts {target!r} almost perfectly: on rows kept from it, it {powers[name]}; if a caller "
            f"can't know it in time, set {_ignore([name])}",
        )


def _powers(
    frame: pl.DataFrame, contract: Contract, columns: list[Coded], places: pl.Series, seed: int
) -> tuple[dict[str, Power], Power | None]:
    """The power of each column, and of the place in the file; none where too few rows tell."""
    each = max(len(columns) * min(frame[contract.target].n_unique(), CLASSES), 1)
    rows = _draw(frame.height, min(max(POWER_CELLS // each, POWER_ROWS[0]), POWER_ROWS[1]), seed)
    asked = question(frame[contract.target][rows], seed=seed)
    if asked is None:
        return {}, None
    whole = len(rows) == frame.height
    powers = {one.name: asked.ask(one if whole else code(frame[one.name][rows])) for one in columns}
    return powers, asked.ask(code(places[rows]))


def _copies(frame: pl.DataFrame, columns: list[Coded], seed: int) -> Iterator[Finding]:
    rows = _draw(frame.height, COPY_ROWS, seed)
    drawn = [code(frame[column.name][rows]) for column in columns]
    for group in copies.find(drawn, [_numbers(frame[column.name][rows]) for column in columns], seed=seed):
        first, *others = group.columns
        says = f"{'each ' * (len(others) > 1)}{group.how} {first!r}"
        yield Finding(
            kind="copy",
            columns=group.columns,
            message=f"{_listed(others)} {says} in all or nearly all of {len(rows):,} rows compared: one of them is "
            f"enough; set {_ignore(others)}",
        )


def _draw(rows: int, most: int, seed: int) -> NDArray[Any]:
    """Places of at most *most* of the rows, in order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _numbers(values: pl.Series) -> NDArray[np.float64] | None:
    """*values* as numbers, NaN where missing; None for levels and texts."""
    if values.dtype.is_temporal():
        values = values.dt.epoch("us")
    if not values.dtype.is_numeric():
        return None
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more


def _ignore(names: Iterable[str]) -> str:
    return f"[project] ignore = {json.dumps(list(names), ensure_ascii=False)}"


def _ignore_or_key(name: str) -> str:
    return f"name it as key in contract.toml, or set {_ignore([name])}"
