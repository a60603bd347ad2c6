"""Whatever pandas or Polars write, in whatever way: the names and cells that come back are the ones that went in.

Some ways of writing lose what was written, so that nothing could bring it back. These cases are left out here, and only these:
a header above texts that all look like it (there is a number in each table); a carriage return in a cell that pandas does not
quote; backslashes doubled by an escaping writer where nothing else in the file shows that it escapes; quotes around texts that
were written without quoting; and a table whose every line, its header too, can be cut as evenly at another sign.
"""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas
import polars
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shipway.adapters.files import FilesSource

LETTERS = "abcxyzABC äöß"
SIGNS = " ,;\t|\"'\n.:/\\-#&<>{}[]()=+_~^%0123456789"
WIDE = "😀€日本ñ"
AWKWARD = (
    "class",
    "def",
    "sepal.length (cm)",
    "x [m/s²]",
    "Größe",
    "total, net",
    "a;b",
    'say "hi"',
    "it's",
    "two\nlines",
    " padded ",
    "share %",
    "_",
    "a|b",
)
MOST_EXAMPLES = 15


class Silent:
    @contextlib.contextmanager
    def __call__(self, label: str, total: int | None = None) -> Iterator[Callable[..., None]]:
        yield lambda advance=1, note="": None

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...


@dataclass(frozen=True)
class Texts:
    """What texts a way of writing can carry."""

    signs: str = LETTERS + SIGNS + WIDE
    without: str = ""

    def cells(self) -> st.SearchStrategy[str]:
        signs = "".join(sorted(set(self.signs) - set(self.without)))
        return st.text(st.sampled_from(signs), max_size=8)


@st.composite
def tables(draw: st.DrawFn, texts: Texts) -> dict[str, list[Any]]:
    """Columns of integers, numbers, texts and dates, some of them with missing values; the first has numbers and misses none."""
    rows = draw(st.integers(2, 8))  # of one row such as "0,0;" nobody could tell which sign separates
    names = [name for name in AWKWARD if not set(name) & set(texts.without)]
    if "😀" not in texts.signs:
        names = [name for name in names if name.isascii() or name == "Größe"]
    chosen = draw(st.lists(st.sampled_from(names), min_size=2, max_size=5, unique=True))
    kinds = [
        st.integers(-1000, 100_000),
        st.floats(-1e6, 1e6).map(lambda number: round(number, 3)),
        texts.cells(),
        st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    ]
    columns: dict[str, list[Any]] = {}
    for name in chosen:
        kind = draw(st.sampled_from(kinds)) if columns else kinds[draw(st.integers(0, 1))]
        cells = kind if not columns else st.one_of(kind, kind, kind, st.none())
        columns[name] = draw(st.lists(cells, min_size=rows, max_size=rows))
    return columns


@dataclass(frozen=True)
class Mess:
    """A way of writing a table, by the arguments of the function that writes it."""

    arguments: dict[str, Any]
    texts: Texts = Texts()
    decimal: str = "."
    missing: str = ""
    index: bool = False
    header: bool = True
    dates: str = "%Y-%m-%d"

    def text(self, cell: Any) -> str:
        if cell is None:
            return self.missing
        if isinstance(cell, date):
            return cell.strftime(self.dates)
        return str(cell).replace(".", self.decimal) if isinstance(cell, float) else str(cell)


EIGHT_BITS = ("latin-1", "cp1252")
UTF_8 = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
"""What a character beyond ASCII begins with in UTF-8."""
LATIN = Texts(LETTERS + SIGNS)
PANDAS = {
    "plain": Mess({}),
    "semicolons and decimal commas": Mess({"sep": ";", "decimal": ","}, decimal=","),
    "tabs": Mess({"sep": "\t"}),
    "bars": Mess({"sep": "|"}),
    "a byte order mark": Mess({"encoding": "utf-8-sig"}),
    "UTF-16": Mess({"encoding": "utf-16"}),
    "UTF-16 without a mark": Mess({"encoding": "utf-16-le"}),
    "Latin-1": Mess({"encoding": "latin-1"}, LATIN),
    "cp1252": Mess({"encoding": "cp1252", "sep": ";"}, Texts(LETTERS + SIGNS + "€")),
    "every cell quoted": Mess({"quoting": csv.QUOTE_ALL}),
    "texts quoted": Mess({"quoting": csv.QUOTE_NONNUMERIC}),
    "no quotes": Mess({"quoting": csv.QUOTE_NONE}, Texts(without=",\"'\n\\;|\t")),
    "single quotes": Mess({"quotechar": "'"}, Texts(without='"')),
    "escapes": Mess({"doublequote": False, "escapechar": "\\"}, Texts(without="\\")),
    "carriage returns and line feeds": Mess({"lineterminator": "\r\n"}),
    "carriage returns alone": Mess({"lineterminator": "\r"}, Texts(without="\n")),
    "no header": Mess({"header": False}, header=False),
    "an index": Mess({}, index=True),
    "an index and semicolons": Mess({"sep": ";"}, index=True),
    "missing values as NA": Mess({"na_rep": "NA"}, missing="NA"),
    "days first": Mess({"date_format": "%d/%m/%Y"}, dates="%d/%m/%Y"),
    "packed by gzip": Mess({"compression": "gzip"}),
}
POLARS = {
    "plain": Mess({}),
    "semicolons and decimal commas": Mess({"separator": ";", "decimal_comma": True}, decimal=","),
    "tabs": Mess({"separator": "\t"}),
    "bars": Mess({"separator": "|"}),
    "a byte order mark": Mess({"include_bom": True}),
    "every cell quoted": Mess({"quote_style": "always"}),
    "texts quoted": Mess({"quote_style": "non_numeric"}),
    "single quotes": Mess({"quote_char": "'"}, Texts(without='"')),
    "carriage returns and line feeds": Mess({"line_terminator": "\r\n"}),
    "no header": Mess({"include_header": False}, header=False),
    "missing values as null": Mess({"null_value": "null"}, missing="null"),
    "days first": Mess({"date_format": "%d.%m.%Y"}, dates="%d.%m.%Y"),
}


def came_back(file: Path) -> tuple[list[str], list[list[str]]]:
    """The names and cells that are read from *file*, with nothing said of how it is written."""
    parts = [table for _, _, table in FilesSource(file.parent, path=file.name).batches(Silent())]
    table = polars.concat(parts)
    return table.columns, [[cell or "" for cell in row] for row in table.rows()]


def written(mess: Mess, table: dict[str, list[Any]]) -> tuple[list[str], list[list[str]]]:
    """The names and cells that were written."""
    names, columns = list(table), list(table.values())
    if mess.index:
        columns = [list(range(len(columns[0]))), *columns]
        names = ["column_1", *names]
    if not mess.header:
        names = [f"column_{place}" for place in range(1, len(columns) + 1)]
    return names, [[mess.text(cell) for cell in row] for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("name", PANDAS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=MOST_EXAMPLES, deadline=None)
@given(data=st.data())
def test_what_pandas_writes_comes_back(tmp_path, name, data):
    mess = PANDAS[name]
    table = data.draw(tables(mess.texts))
    frame = pandas.DataFrame({name: pandas.Series(cells, dtype=object) for name, cells in table.items()})
    for column, cells in table.items():
        if any(isinstance(cell, float) for cell in cells):
            frame[column] = frame[column].astype(float)
        if any(isinstance(cell, date) for cell in cells):
            frame[column] = pandas.to_datetime(frame[column])
    file = tmp_path / ("a.csv.gz" if "compression" in mess.arguments else "a.csv")
    frame.to_csv(file, index=mess.index, **mess.arguments)
    if mess.arguments.get("encoding") in EIGHT_BITS:
        assume(not UTF_8.search(file.read_bytes()))  # such as "ß€" in cp1252, which nobody could tell from UTF-8
    assert came_back(file) == written(mess, table)


@pytest.mark.parametrize("name", POLARS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=MOST_EXAMPLES, deadline=None)
@given(data=st.data())
def test_what_polars_writes_comes_back(tmp_path, name, data):
    mess = POLARS[name]
    table = data.draw(tables(mess.texts))
    polars.DataFrame(table).write_csv(tmp_path / "a.csv", **mess.arguments)
    assert came_back(tmp_path / "a.csv") == written(mess, table)
