"""Whether a copy of a table has the same values, whatever its line endings, byte order mark or spelling of numbers.

Each column has one digest a block of rows, so that a copy with other values can be told what differs, and where, without the
original at hand.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from shipway.core.errors import DataError

if TYPE_CHECKING:
    import polars

    from shipway.adapters.datasets.catalogue import Dataset

NAMED = 5
"""How many columns a message names before it says how many more there are."""


def read_texts(content: bytes, what: str) -> polars.DataFrame:
    """Read a CSV file, every column as text; blanks stay, empty cells are null.

    Raises:
        DataError: It is no table in UTF-8.
    """
    import polars

    try:
        return polars.read_csv(content, infer_schema=False)
    except polars.exceptions.PolarsError as error:
        raise DataError(f"{what} can't be read as a CSV file in UTF-8: {str(error).splitlines()[0]}") from None


def digest(column: polars.Series, block: int) -> list[str]:
    """One digest for each *block* rows of a column of texts: equal for equal values, whatever their spelling."""
    import polars

    distinct = column.unique().drop_nulls().to_list()
    meaning = polars.Series([canonical(text) for text in distinct], dtype=polars.String)
    same = column.fill_null("").replace_strict(polars.Series(distinct, dtype=polars.String), meaning, default="")
    return [
        hashlib.sha256("\n".join(same.slice(start, block).to_list()).encode()).hexdigest()[:12]
        for start in range(0, len(same), block)
    ]


def canonical(text: str) -> str:
    """A cell's value: numbers in their shortest spelling, blanks as nothing."""
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number) or "_" in text:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)


def compare(dataset: Dataset, table: polars.DataFrame) -> str | None:
    """What differs between *table* and the known-good one, in a sentence; None where the values are the same."""
    missing = [name for name in dataset.columns if name not in table.columns]
    extra = [name for name in table.columns if name not in dataset.columns]
    if missing or extra:
        parts = [f"{word} {_listed(found)}" for word, found in (("it lacks", missing), ("it has besides", extra)) if found]
        return f"its columns differ: {'; '.join(parts)}"
    differing = {name: _blocks(dataset.digests[name], digest(table[name], dataset.block)) for name in dataset.columns}
    differing = {name: blocks for name, blocks in differing.items() if blocks}
    if len(table) != dataset.rows:
        first = min(block for blocks in differing.values() for block in blocks)
        upto = min(first * dataset.block, len(table), dataset.rows)
        return f"it has {len(table):,} rows and not {dataset.rows:,}; the first {upto:,} are the same"
    if not differing:
        return None
    where = sorted({block for blocks in differing.values() for block in blocks})
    ranges = ", ".join(f"{1 + b * dataset.block:,} to {min((b + 1) * dataset.block, dataset.rows):,}" for b in where[:NAMED])
    more = f" and {len(where) - NAMED} more ranges" if len(where) > NAMED else ""
    return f"other values in {_listed(list(differing))}, in rows {ranges}{more}"


def _blocks(expected: list[str], found: list[str]) -> list[int]:
    longest = max(len(expected), len(found))
    return [n for n in range(longest) if expected[n : n + 1] != found[n : n + 1]]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
