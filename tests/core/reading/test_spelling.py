from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core.contract import Column, Contract, load, read
from shipway.core.errors import UsageError
from shipway.core.reading.spelling import Spelling, date_pattern, number_pattern

GERMAN = Column(type="number", decimal=",", thousands=".")
BRITISH = Column(type="number", thousands=",")
PRICE = Column(type="number", thousands=",", affixes=("$", "US$", "USD"))
SHARE = Column(type="number", decimal=",", affixes=("%",))
SWISS = Column(type="integer", thousands="'")
DAY_FIRST = Column(type="datetime", format="%d/%m/%Y")

FORMATS = [
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%y",
    "%Y/%m/%d",
    "%Y-%d-%m",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%Y%m%d",
    "%d%m%Y",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M:%S.%f",
    "%A, %d %B %Y",
    "%H:%M %d.%m.%Y",
    "%Y-%m-%d %H:%M:%S%z",
]


def contract_of(column: Column) -> Contract:
    return Contract(target="y", columns={"x": column, "y": Column(type="category", levels=["a", "b"])})


def cell(value: Any, column: Column) -> Any:
    """What a single cell is read as; the message where it is not."""
    reading = read(contract_of(column), [{"x": value}], target=False)
    return reading.breaches[0].message if reading.breaches else reading.frame["x"][0]


@pytest.mark.parametrize(
    ("column", "cells", "value"),
    [
        (GERMAN, ["1.234,5", "1234,5", " +1.234,50 ", 1234.5], 1234.5),
        (GERMAN, ["1.234", "1234", "1.234,", 1234], 1234.0),
        (GERMAN, ["-0,5", "-,5", "-5e-1", "-5,0E-1"], -0.5),
        (BRITISH, ["1,234,567.5", "1234567.5", "12,34,567.5"], 1234567.5),
        (PRICE, ["$1,234.50", "$ 1,234.5", "1234.5 USD", "US$1234.5", "US$ 1,234.5 ", "1234.5", 1234.5], 1234.5),
        (PRICE, ["-$5", "$-5", "- $5", "-5 $", "-5", -5], -5.0),
        (SHARE, ["12,5%", "12,5 %", "% 12,5", "12,5"], 12.5),
        (SWISS, ["1'234'567", "1234567", "1'234'567.0", 1234567], 1234567),
        (Column(type="integer", thousands=" ", affixes=("km",)), ["12 345 km", "12345km", "12 345"], 12345),
    ],
)
def test_numbers_are_read_as_the_contract_says_they_are_written(column: Column, cells: list[Any], value: float) -> None:
    assert [cell(text, column) for text in cells] == [value] * len(cells)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (GERMAN, ["1.2.3", "12.34", "1.234.56", "1,2,3", "1.5", ".234", "1234.567"]),
        (BRITISH, ["12,34", "1,2345", ",123", "1,,234", "1,234,", "1,234.5,6"]),
        (PRICE, ["$", "$$5", "5 USDX", "--5", "-$-5", "£5", "5 6"]),
        (SHARE, ["12.5%", "%", "1.2,5"]),
        (SWISS, ["1'23", "1'234.5", "'123"]),
    ],
)
def test_a_sign_that_stands_where_none_may_makes_no_number(column: Column, cells: list[str]) -> None:
    for text in cells:
        assert "got text" in str(cell(text, column)), text


def test_the_same_text_is_read_as_each_contract_says() -> None:
    readings = [cell("1.234", column) for column in (GERMAN, BRITISH, Column(type="integer", thousands="."))]
    assert readings == [1234.0, 1.234, 1234]


def test_what_was_expected_is_told_with_its_spelling() -> None:
    assert cell("x", GERMAN) == "expected a number such as 1.234,5, got text"
    assert cell("x", SWISS) == "expected an integer such as 1'234, got text"
    assert cell("x", SHARE) == "expected a number such as 1234,5 or 1234,5 %, got text"
    assert cell("31/02/2026", DAY_FIRST) == "expected a date as %d/%m/%Y, got text"


def test_a_marker_is_missing_in_texts_and_in_numbers() -> None:
    column = Column(type="number", decimal=",", nullable=True, missing=("", "-999,0", "-999", "k.A."))
    assert [cell(value, column) for value in ("-999,0", "-999", -999.0, "k.A.", "", None)] == [None] * 6
    assert cell("-999,5", column) == -999.5


@pytest.mark.parametrize(
    ("form", "texts", "moment"),
    [
        ("%d/%m/%Y", ["03/04/2026", "3/4/2026", " 03/04/2026", "2026-04-03", "2026-04-03T00:00:00Z"], datetime(2026, 4, 3)),
        ("%m/%d/%Y", ["04/03/2026", "2026-04-03", "2026-04-03 00:00:00"], datetime(2026, 4, 3)),
        ("%d.%m.%y", ["03.04.26", "3.4.26", "2026-04-03"], datetime(2026, 4, 3)),
        ("%d %b %Y", ["03 Apr 2026", "3 APR 2026", "2026-04-03"], datetime(2026, 4, 3)),
        ("%m/%d/%Y %I:%M %p", ["4/3/2026 1:05 PM", "04/03/2026 01:05 pm", "2026-04-03T13:05"], datetime(2026, 4, 3, 13, 5)),
        ("%Y-%d-%m", ["2026-03-04", "2026-04-03T00:00:00"], datetime(2026, 4, 3)),
        ("%d%m%Y", ["03042026", "20260403", "2026-04-03"], datetime(2026, 4, 3)),
        ("%Y-%m-%d %H:%M:%S%z", ["2026-04-03 02:00:00+0200", "2026-04-03 00:00:00Z"], datetime(2026, 4, 3)),
    ],
)
def test_dates_are_read_by_their_format_and_by_iso_8601(form: str, texts: list[str], moment: datetime) -> None:
    column = Column(type="datetime", format=form)
    assert [cell(text, column) for text in texts] == [moment] * len(texts)


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("%d/%m/%Y", ["13/13/2026", "03/04/26", "3.4.2026", "2026/04/03", "03/04/2026 10:00", "04-03-2026"]),
        ("%d.%m.%y", ["03.04.2026", "3.13.26"]),
        ("%Y-%d-%m", ["2026-04-13", "2026-13-13"]),
        ("%d%m%Y", ["20101323", "03042026x", "030426"]),
    ],
)
def test_no_text_is_read_as_a_date_that_it_is_not(form: str, texts: list[str]) -> None:
    for text in texts:
        assert "got text" in str(cell(text, Column(type="datetime", format=form))), text


@settings(deadline=None)
@given(st.sampled_from(FORMATS), st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)))
def test_a_time_is_read_back_from_any_format_as_pythons_own_strptime_does(form: str, moment: datetime) -> None:
    text = moment.strftime(form.replace("%z", "+0000"))
    expected = datetime.strptime(text, form.replace("%z", "+0000"))
    column = Column(type="datetime", format=form)
    assert cell(text, column) == expected
    assert cell(moment.isoformat(), column) == moment
    assert re.search(date_pattern(form), text)


spellings = st.builds(
    Column,
    type=st.sampled_from(["integer", "number"]),
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from([None, " ", "'", "_"]),
    affixes=st.sampled_from([(), ("$",), ("kg", "g"), ("€", "%")]),
)


def written(number: float, column: Column, places: int) -> str:
    text = f"{number:,.{0 if column.type == 'integer' else places}f}".replace(",", "\0").replace(".", column.decimal)
    text = text.replace("\0", column.thousands or "")
    return f"{text} {column.affixes[0]}" if column.affixes else text


@settings(deadline=None)
@given(spellings, st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=5), st.integers(0, 3))
def test_a_number_is_read_back_from_any_spelling_at_every_door(column: Column, whole: list[int], places: int) -> None:
    numbers = whole if column.type == "integer" else [number / 10**places for number in whole]
    texts = [written(number, column, places) for number in numbers]
    assert all(re.search(number_pattern(Spelling.of(column)), text) for text in texts)
    contract = contract_of(column)
    doors: list[Any] = [
        pl.DataFrame({"x": texts}),
        pl.DataFrame({"x": numbers}),
        [{"x": text} for text in texts],
        json.loads(json.dumps([{"x": number} for number in numbers])),
    ]
    for rows in doors:
        reading = read(contract, rows, target=False)
        assert reading.breaches == []
        assert reading.frame["x"].to_list() == numbers


numberish = st.lists(
    st.sampled_from(
        ["1", "12", "234", "000", "0", ".", ",", " ", "'", "-", "+", "$", "US$", "kg", "g", "e5", "\n", "x", "٣", "\u2009"]
    ),
    max_size=7,
).map("".join)
dateish = st.lists(
    st.sampled_from(
        ["1", "02", "13", "31", "69", "2026", "0020", "20261123", "-", "/", ".", ":", " ", "T", "Feb", "PM", "Z", ".5"]
    ),
    max_size=9,
).map("".join)


@settings(deadline=None)
@given(spellings, st.lists(numberish, min_size=1, max_size=8))
def test_a_number_is_read_alike_among_few_cells_and_among_many(column: Column, texts: list[str]) -> None:
    alone = [cell(text, column) for text in texts]
    many = read(contract_of(column), pl.DataFrame({"x": texts * 70}), target=False).frame["x"].head(len(texts))
    assert [None if isinstance(value, str) else value for value in alone] == many.to_list()


@settings(deadline=None)
@given(st.sampled_from([None, *FORMATS]), st.lists(dateish | st.dates().map(str), min_size=1, max_size=8), st.dates())
def test_a_date_is_read_alike_among_few_cells_and_among_many(form: str | None, texts: list[str], day: date) -> None:
    column = Column(type="datetime", format=form)
    texts = [*texts, day.strftime(form or "%d/%m/%Y")]
    alone = [cell(text, column) for text in texts]
    many = read(contract_of(column), pl.DataFrame({"x": texts * 70}), target=False).frame["x"].head(len(texts))
    assert [None if isinstance(value, str) else value for value in alone] == many.to_list()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('type = "datetime"\nformat = "%Q"', ["format", "%Q is not known"]),
        ('type = "datetime"\nformat = "%d/%m/%"', ["format", "% is not known"]),
        ('type = "datetime"\nformat = "%d/%m"', ["format", "where day, month and year stand"]),
        ('type = "datetime"\nformat = "day"', ["format", "where day, month and year stand"]),
        ('type = "datetime"\nformat = "%d/%m/%Y %H"', ["format", "hour and minute"]),
        ('type = "datetime"\nformat = "%d/%m/%Y %I:%M"', ["format", "%p"]),
        ('type = "datetime"\nformat = "%d/%m/%Y %H:%M:%S%f"', ["format", "behind a point"]),
        ('type = "number"\naffixes = ["-"]', ["affixes", "not only signs"]),
        ('type = "number"\naffixes = ["m2"]', ["affixes", "without digits"]),
    ],
)
def test_a_spelling_that_can_not_be_read_is_refused_by_name(tmp_path: Path, line: str, words: list[str]) -> None:
    path = tmp_path / "contract.toml"
    path.write_text(f'target = "y"\n[columns.x]\n{line}\n[columns.y]\ntype = "category"\nlevels = ["a", "b"]\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load(path)
    for word in ["[columns.x]", *words]:
        assert word in str(caught.value)
