"""Texts of numbers that are spelled plainly, as nearly all are, read by one cast; the rest is left to `reading`.

Trimming, other separators, affixes and markers cost several passes over a column. Here they are paid only for the cells that need
them. This module imports Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from shipway.core.contract import Column
from shipway.core.reading.cells import DTYPES, Raw
from shipway.core.reading.spelling import Spelling


@dataclass(frozen=True)
class Plain:
    """A column of texts as numbers.

    Attributes:
        values: The numbers; null in `rest`, and where there is no text.
        rest: Rows whose text may mean another thing than it spells, ascending.
        as_spelled: The numbers that the texts spell, whatever they mean.
    """

    values: pl.Series
    rest: pl.Series
    as_spelled: pl.Series


def read_plain(raws: Sequence[Raw], columns: Mapping[str, Column]) -> dict[str, Plain]:
    """The columns of numbers that came as texts, by name."""
    texts = {raw.name: raw.parts[0][1] for raw in raws if _of_texts(raw, columns[raw.name])}
    if not texts:
        return {}
    # by their places, as Polars does not take every name as it is
    frame = pl.DataFrame([text.alias(f"{place}") for place, text in enumerate(texts.values())])
    spelled = frame.select(pl.col(f"{place}").cast(DTYPES[columns[name].type], strict=False) for place, name in enumerate(texts))
    named = zip(texts, spelled.get_columns(), strict=True)
    return {name: _plain(texts[name], values.alias(name), columns[name]) for name, values in named}


def _of_texts(raw: Raw, column: Column) -> bool:
    return column.type in ("integer", "number") and [kind for kind, _ in raw.parts] == ["text"] and not raw.odd


def _plain(texts: pl.Series, spelled: pl.Series, column: Column) -> Plain:
    if not Spelling.of(column).plain:
        values = spelled.clear(len(spelled))
        return Plain(values, texts.is_not_null().arg_true(), spelled)
    values = spelled
    if column.type == "number" and not values.is_finite().all():
        values = values.set(~values.is_finite().fill_null(True), None)
    if _says_numbers(column.missing):
        values = values.set(texts.is_in(list(column.missing)).fill_null(False), None)
    if values.null_count() == texts.null_count():
        return Plain(values, pl.Series([], dtype=pl.UInt32), spelled)
    return Plain(values, (values.is_null() & texts.is_not_null()).arg_true(), spelled)


@functools.lru_cache(maxsize=1024)
def _says_numbers(markers: tuple[str, ...]) -> bool:
    """Whether one of the missing markers spells a number."""
    spelled = pl.Series(markers, dtype=pl.String).cast(pl.Float64, strict=False)
    return spelled.null_count() < len(spelled)
