"""The rows that break the contract: as lines of broken rules, as reasons with counts, and as a table to mend and feed back."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core import disk
from shipway.core.artifacts import ROW, SOURCE, Table
from shipway.core.contract import Broken, text_of
from shipway.core.errors import UsageError

if TYPE_CHECKING:
    import polars

ENDINGS = (".csv", ".parquet", ".jsonl")
ADDED = ("_source", "_row", "_rules")
"""Columns of a table to mend, beside the original ones: where a row stood and what it broke. A contract leaves them out."""

PLACE = "_shipway_place"
"""Name of a passing column; no contract has such a name."""

AT_ONCE = 20_000
"""Rows that are made into JSON texts at once, so that a batch in which every row breaks many rules takes no more memory."""

INTEGERS = range(-(2**63), 2**63)

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


def rows_of(quarantine: Table) -> int:
    """How many rows stand in a quarantine, which has a line for each rule that they break."""
    return quarantine.select("source", "row", "record").n_unique()


def mendable(quarantine: Table) -> Table:
    """One line a row: `_source`, `_row` and `_rules`, then the row as received.

    A column whose values are of several kinds is text, as is one with whole numbers beyond 64 bits.
    """
    import polars as pl

    row = ["source", "row", "record"]
    said = pl.concat_str("column", pl.lit(": "), "message")
    rows = quarantine.group_by(row, maintain_order=True).agg(said.str.join("; ").alias("rules"))
    records = [msgspec.json.decode(record) for record in rows["record"]]
    names = list(dict.fromkeys(name for record in records for name in record))
    added = [rows[name.lstrip("_")].alias(_free(name, names)) for name in ADDED]
    return pl.DataFrame([*added, *(_series(name, [record.get(name) for record in records]) for name in names)])


def save(quarantine: Table, file: Path) -> None:
    """Write the table to mend as CSV, Parquet or JSON lines, by the ending of *file*; it is there whole or not at all."""
    table = mendable(quarantine)
    match file.suffix.lower():
        case ".csv":
            content = table.write_csv().encode()
        case ".parquet":
            buffer = io.BytesIO()
            table.write_parquet(buffer)
            content = buffer.getvalue()
        case ".jsonl":
            content = b"".join(msgspec.json.encode(record) + b"\n" for record in table.iter_rows(named=True))
        case ending:
            raise UsageError(f"--out {file}: write to a file that ends in {', '.join(ENDINGS)}, not in {ending or 'nothing'!r}")
    disk.write_file(file, content)


def _records(rows: Table) -> polars.Series:
    """Each row as JSON text, as received; values that JSON has no word for as text."""
    import polars as pl

    if rows.width and set(rows.dtypes) == {pl.String}:
        return rows.select(pl.struct(pl.all()).struct.json_encode()).to_series().alias("record")
    texts = (msgspec.json.encode(row, enc_hook=str).decode() for row in rows.iter_rows(named=True))
    return pl.Series("record", texts, dtype=pl.String)


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name


def _series(name: str, values: list[Any]) -> polars.Series:
    import polars as pl

    kinds = {type(value) for value in values if value is not None}
    beyond = kinds == {int} and not all(value is None or value in INTEGERS for value in values)
    if len(kinds) > 1 or kinds & {list, dict} or beyond:
        return pl.Series(name, [None if value is None else _text(value) for value in values], dtype=pl.String)
    return pl.Series(name, values, dtype=None if kinds else pl.String)


def _text(value: Any) -> str:
    return text_of(value) if isinstance(value, str | bool | int | float) else msgspec.json.encode(value).decode()
