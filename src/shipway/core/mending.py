"""The rows of a quarantine as a table to mend and feed back: one line a row, each as it was received."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core import disk, quarantine
from shipway.core.artifacts import Table
from shipway.core.contract import text_of
from shipway.core.errors import UsageError
from shipway.core.rows import RowsWriter

if TYPE_CHECKING:
    import polars

ENDINGS = (".csv", ".parquet", ".jsonl")
ADDED = ("_source", "_row", "_rules")
"""Columns of a table to mend, beside the original ones: where a row stood and what it broke. A contract leaves them out."""

INTEGERS = range(-(2**63), 2**63)


def types_of(parts: Iterable[Table]) -> dict[str, Any]:
    """The columns of the rows in all *parts* of a quarantine, as received, with the Polars type that holds all of their values.

    A column whose values are of several kinds is text, as is one with whole numbers beyond 64 bits.
    """

    kinds: dict[str, set[Any]] = {}
    for part in quarantine.whole(parts):
        for record in part["record"].unique(maintain_order=True):
            for name, value in msgspec.json.decode(record).items():
                kinds.setdefault(name, set()).add(_kind(value))
    return {name: _type(found - {None}) for name, found in kinds.items()}


def mendable(part: Table, types: Mapping[str, Any]) -> Table:
    """One line a row of *part*: `_source`, `_row` and `_rules`, then the row as received, with the columns and types *types*."""
    import polars as pl

    row = ["source", "row", "record"]
    said = pl.concat_str("column", pl.lit(": "), "message")
    rows = part.group_by(row, maintain_order=True).agg(said.str.join("; ").alias("rules"))
    records = [msgspec.json.decode(record) for record in rows["record"]]
    added = [rows[name.lstrip("_")].alias(_free(name, types)) for name in ADDED]
    return pl.DataFrame([*added, *(_series(name, [record.get(name) for record in records], types[name]) for name in types)])


def save(parts: Callable[[], Iterable[Table]], file: Path) -> None:
    """Write the table to mend as CSV, Parquet or JSON lines, by the ending of *file*; it is there whole or not at all.

    Args:
        parts: Gives the parts of the quarantine, each time from the first; two of them are held at once, and gone through twice.
    """
    import polars as pl

    check_ending(file)
    if not file.parent.is_dir():
        raise UsageError(f"there is no folder {file.parent} to write {file.name} into; make it first")
    types = types_of(parts())
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as scratch:
        writer = RowsWriter(Path(scratch) / "rows")
        writer.write(mendable(quarantine.empty(), types))
        for part in quarantine.whole(parts()):
            writer.write(mendable(part, types))
        rows, staged = pl.scan_parquet(writer.finish().parts, glob=False), Path(scratch) / file.name
        match file.suffix.lower():
            case ".csv":
                rows.sink_csv(staged)
            case ".parquet":
                rows.sink_parquet(staged)
            case _:
                rows.sink_ndjson(staged)
        disk.publish_file(staged, file)


def check_ending(file: Path) -> None:
    """Raises UsageError where *file* does not end in one of `ENDINGS`."""
    if file.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"--out {file}: write to a file that ends in {', '.join(ENDINGS)}, not in {file.suffix.lower() or 'nothing'!r}"
        )


def _type(kinds: set[Any]) -> Any:
    import polars as pl

    plain: dict[Any, Any] = {bool: pl.Boolean, int: pl.Int64, float: pl.Float64}
    return plain.get(next(iter(kinds)), pl.String) if len(kinds) == 1 else pl.String


def _kind(value: Any) -> Any:
    """The Python type of a value that has a column of its own; None for no value, and object for what only text can hold."""
    if value is None or isinstance(value, str | bool | float):
        return None if value is None else type(value)
    return int if isinstance(value, int) and value in INTEGERS else object


def _free(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name


def _series(name: str, values: list[Any], type: Any) -> polars.Series:
    import polars as pl

    if type == pl.String:
        values = [None if value is None else _text(value) for value in values]
    return pl.Series(name, values, dtype=type)


def _text(value: Any) -> str:
    return text_of(value) if isinstance(value, str | bool | int | float) else msgspec.json.encode(value).decode()
