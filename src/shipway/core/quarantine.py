"""The rows that break the contract: as lines of broken rules, and as reasons with counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from shipway.core.artifacts import ROW, SOURCE, Table
from shipway.core.contract import Broken

if TYPE_CHECKING:
    import polars

PLACE = "_shipway_place"
"""Name of a passing column; no contract has such a name."""

AT_ONCE = 20_000
"""Rows that are made into JSON texts, or back, at once, so that a batch in which every row breaks many rules takes no more
memory."""

LINE = ("source", "row", "column", "rule", "message", "record")

Reason = tuple[str, str, str]
"""Column, rule, message."""


def bad(broken: Sequence[Broken]) -> polars.Series:
    """The rows that break a rule, each once, ascending."""
    import polars as pl

    if not broken:
        return pl.Series([], dtype=pl.UInt32)
    return pl.concat([one.rows for one in broken]).unique().sort()


def of(rows: Table, broken: Sequence[Broken]) -> Table:
    """All of `lines` as one frame."""
    import polars as pl

    return pl.concat([empty(), *lines(rows, broken)])


def empty() -> Table:
    """A quarantine with no line."""
    import polars as pl

    return pl.DataFrame(schema=dict.fromkeys(LINE, pl.String) | {"row": pl.Int64})


def lines(rows: Table, broken: Sequence[Broken]) -> Iterator[Table]:
    """One line a broken rule, in the order of the rows: `source` and `row` where the row stood, `column`, `rule`, `message`, and
    `record`, the row as received, as JSON text.

    Args:
        rows: As received, with where each row stood in `SOURCE` and `ROW`.
        broken: What `contract.read` found in *rows*.
    """
    import polars as pl

    none = pl.DataFrame(schema={PLACE: pl.UInt32, "column": pl.String, "rule": pl.String, "message": pl.String})
    for some in bad(broken).cast(pl.UInt32).alias(PLACE).to_frame().iter_slices(AT_ONCE):
        found = rows[some[PLACE]]
        found = found.select(source=SOURCE, row=ROW).with_columns(_records(found.drop(SOURCE, ROW)), some[PLACE])
        first, last = some[PLACE][0], some[PLACE][-1]
        told = [none]
        for one in broken:
            places = one.rows.cast(pl.UInt32).alias(PLACE)
            places = places.filter(places.is_between(first, last))
            told.append(pl.select(places, column=pl.lit(one.column), rule=pl.lit(one.rule), message=pl.lit(one.message)))
        table = pl.concat(told).sort(PLACE, maintain_order=True)
        yield table.join(found, on=PLACE, how="left", maintain_order="left").select(LINE)


def reasons(broken: Iterable[Broken]) -> Counter[Reason]:
    """How many cells broke each rule of each column, by what they were."""
    counts: Counter[Reason] = Counter()
    for one in broken:
        counts[one.column, one.rule, one.message] += len(one.rows)
    return counts


def commonest(counts: Counter[Reason]) -> list[tuple[Reason, int]]:
    """Reasons and their counts, the commonest first; equal ones in the order of their names."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def whole(parts: Iterable[Table]) -> Iterator[Table]:
    """*parts* of a quarantine in small ones, cut so that all lines of a row, which follow each other, stand in one."""
    import polars as pl

    held: Table | None = None
    for part in (cut for each in parts for cut in each.iter_slices(AT_ONCE)):
        together = part if held is None else pl.concat([held, part])
        if together.is_empty():
            continue
        last = together["source"].eq_missing(together["source"][-1]) & (together["row"] == together["row"][-1])
        others = together.filter(~last)
        if others.height:
            yield others
        held = together.filter(last)
    if held is not None:
        yield held


def rows_of(part: Table) -> int:
    """How many rows stand in a part of a quarantine, which has a line for each rule that they break."""
    return part.select("source", "row", "record").n_unique()


def _records(rows: Table) -> polars.Series:
    """Each row as JSON text, as received; values that JSON has no word for as text."""
    import polars as pl

    if rows.width and set(rows.dtypes) == {pl.String}:
        return rows.select(pl.struct(pl.all()).struct.json_encode()).to_series().alias("record")
    texts = (msgspec.json.encode(row, enc_hook=str).decode() for row in rows.iter_rows(named=True))
    return pl.Series("record", texts, dtype=pl.String)
