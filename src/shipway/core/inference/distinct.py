"""The distinct cells of a column: what all guesses are made from, so that a long column costs little more than a short one."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

SHOWN = 30
"""Characters of a cell that a comment shows."""


SAMPLE = 400
"""Distinct cells that are looked at before all of them are."""


@dataclass(frozen=True)
class Distinct:
    """The distinct cells of one column.

    Attributes:
        series: The column as it came.
        texts: Frame of `text` (as it stands), `trimmed` and `rows` (how many), without null and blank cells, in the order in
            which they first stand; the cells of a typed column as Polars writes them.
        blanks: The texts of nothing but blanks that occur.
        missing: How many cells are null, NaN or blank.
        typed: Whether the table has types of its own, so that texts are texts on purpose.
    """

    series: pl.Series
    texts: pl.DataFrame
    blanks: tuple[str, ...]
    missing: int
    typed: bool

    @property
    def name(self) -> str:
        return self.series.name

    @property
    def height(self) -> int:
        """Rows of the table."""
        return len(self.series)

    @property
    def present(self) -> int:
        """Cells that are neither null nor blank."""
        return self.height - self.missing

    @classmethod
    def of(cls, series: pl.Series, *, typed: bool) -> Distinct:
        """Count the cells of *series*; of a type that no contract knows, such as lists, only the missing ones."""
        dtype = series.dtype
        if isinstance(dtype, pl.Categorical | pl.Enum):
            series = series.cast(pl.String)
        plain = dtype.is_numeric() or isinstance(series.dtype, pl.String | pl.Boolean | pl.Date | pl.Datetime)
        text = series.cast(pl.String) if plain else pl.Series([None], dtype=pl.String).new_from_index(0, len(series))
        text = text.alias("text")
        counts = text.to_frame().group_by("text", maintain_order=True).agg(rows=pl.len().cast(pl.Int64)).drop_nulls("text")
        counts = counts.with_columns(trimmed=pl.col("text").str.strip_chars())
        full = counts.filter(pl.col("trimmed") != "")
        blanks = counts.filter(pl.col("trimmed") == "")["text"].sort().to_list()
        if series.dtype.is_float():
            full = full.filter(pl.col("text") != "NaN")
        missing = len(series) - int(full["rows"].sum()) if plain else series.null_count()
        return cls(series, full, tuple(blanks), missing, typed)


def sampled(texts: pl.DataFrame) -> pl.DataFrame:
    """Some `SAMPLE` distinct cells, spread over all of them."""
    return texts if texts.height <= SAMPLE else texts[:: texts.height // SAMPLE][:SAMPLE]


def commonest(texts: pl.DataFrame, count: int) -> pl.DataFrame:
    """The first *count* of *texts* by their rows, then in the order of the text."""
    return texts.sort(["rows", "text"], descending=[True, False]).head(count)


def words(*lines: str) -> frozenset[str]:
    """The words of *lines*, which stand in the code as people read them."""
    return frozenset(" ".join(lines).split())


def smallest(rows: pl.Series) -> int:
    """The smallest of some numbers of rows, 0 of none."""
    return min(rows.to_list(), default=0)


def total(frame: pl.DataFrame, where: pl.Series | pl.Expr | None = None) -> int:
    """How many rows of the table the distinct cells of *frame* stand for."""
    return int((frame if where is None else frame.filter(where))["rows"].sum())


def quoted(text: str) -> str:
    """*text* as a string of TOML on one line; also safe to show in a comment."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    return '"' + "".join(escapes.get(sign, sign if _plain(sign) else f"\\u{ord(sign):04X}") for sign in text) + '"'


def shown(text: str) -> str:
    """A cell for a comment, cut where it is long."""
    return quoted(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def _plain(sign: str) -> bool:
    return sign >= " " and not "\x7f" <= sign <= "\x9f" and sign not in "\u2028\u2029"
