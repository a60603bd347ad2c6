"""The journal of a project as one file: a line a prediction, with the label that counts."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from shipway.core import disk
from shipway.core.contract import text_of
from shipway.core.errors import UsageError
from shipway.core.journal import Labelled

ENDINGS = (".parquet", ".csv", ".jsonl")

OWN = {
    "id": "_id",
    "time": "_time",
    "model_version": "_model_version",
    "data_version": "_data_version",
    "label": "_label",
    "probabilities": "_probabilities",
    "warnings": "_warnings",
    "latency_ms": "_latency_ms",
    "caller": "_caller",
    "true_label": "_true_label",
    "labelled_at": "_labelled_at",
    "shadow_of": "_shadow_of",
}
"""Members of a JSON line, and the columns of a table that they become; those of the record follow under their own names."""

AT_ONCE = 2_000
"""Lines that are made into a part of a table at once."""


def time_of(microseconds: int) -> datetime:
    """A time as the journal has it."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)


def check(out: Path) -> None:
    """Raises UsageError where *out* ends in nothing that can be written."""
    if out.suffix.lower() not in ENDINGS:
        found = out.suffix or "nothing"
        raise UsageError(f"--out {out}: write to a file that ends in {', '.join(ENDINGS)}, not in {found!r}")


def save(pages: Iterable[list[Labelled]], out: Path) -> int:
    """Write predictions to *out*, which is there whole or not at all; gives how many.

    A JSON line holds the record as it was kept. In a table, the columns of records are text, as callers send numbers and texts
    alike; a column that a record has not is empty there.

    Raises:
        UsageError: *out* ends in none of `ENDINGS`.
    """
    check(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = out.with_name(f".{out.name}.{os.getpid()}.lines")
    table = lines.with_suffix(".table")
    try:
        count, names = _write_lines(pages, lines)
        match out.suffix.lower():
            case ".csv":
                _write_csv(lines, names, table)
            case ".parquet":
                _write_parquet(lines, names, table)
            case _:
                lines.rename(table)
        disk.publish_file(table, out)
    finally:
        for aside in (lines, table):
            aside.unlink(missing_ok=True)
    return count


def _write_lines(pages: Iterable[list[Labelled]], file: Path) -> tuple[int, list[str]]:
    """JSON lines, and the names of all columns of their records in the order in which they first appear."""
    count, names = 0, dict[str, None]()
    with file.open("wb") as lines:
        for page in pages:
            for one in page:
                line = _line(one)
                names |= dict.fromkeys(line["record"])
                lines.write(msgspec.json.encode(line) + b"\n")
            count += len(page)
    return count, list(names)


def _line(one: Labelled) -> dict[str, Any]:
    return {
        "id": one.id,
        "time": time_of(one.time),
        "model_version": one.model_version,
        "data_version": one.data_version,
        "record": msgspec.json.decode(one.record),
        "label": msgspec.json.decode(one.label),
        "probabilities": msgspec.json.decode(one.probabilities),
        "warnings": msgspec.json.decode(one.warnings),
        "latency_ms": one.latency,
        "caller": one.caller,
        "true_label": None if one.true_label is None else msgspec.json.decode(one.true_label),
        "labelled_at": None if one.labelled is None else time_of(one.labelled),
        "shadow_of": one.shadow_of,
    }


def _rows(file: Path, names: list[str]) -> Iterator[list[Any]]:
    """The cells of each line, in the order of `_header`."""
    with file.open("rb") as lines:
        for text in lines:
            line = msgspec.json.decode(text)
            record = line["record"]
            own = [line[name] if name in ("time", "latency_ms", "labelled_at") else _text(line[name]) for name in OWN]
            yield own + [_text(record.get(name)) for name in names]


def _header(names: list[str]) -> list[str]:
    """The journal's own columns, then the record's *names*; where a record has one of ours, ours gets another underscore."""
    own = []
    for name in OWN.values():
        while name in names:
            name = f"_{name}"
        own.append(name)
    return own + names


def _write_csv(lines: Path, names: list[str], file: Path) -> None:
    with file.open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow(_header(names))
        writer.writerows(_rows(lines, names))


def _write_parquet(lines: Path, names: list[str], file: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"time": pa.timestamp("us", "UTC"), "labelled_at": pa.timestamp("us", "UTC"), "latency_ms": pa.float64()}
    types = [kinds.get(name, pa.string()) for name in OWN] + [pa.string()] * len(names)
    schema = pa.schema(list(zip(_header(names), types, strict=True)))
    times = [place for place, name in enumerate(OWN) if name in ("time", "labelled_at")]
    rows: list[list[Any]] = []
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:

        def flush() -> None:
            columns = list(zip(*rows, strict=True)) or [()] * len(types)
            arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            rows.clear()

        for row in _rows(lines, names):
            for place in times:
                row[place] = row[place] and datetime.fromisoformat(row[place])
            rows.append(row)
            if len(rows) == AT_ONCE:
                flush()
        flush()


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return text_of(value) if isinstance(value, bool | int | float) else msgspec.json.encode(value).decode()
