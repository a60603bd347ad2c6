"""Whether the first record names the columns."""

from __future__ import annotations

import pytest

from shipway.core.dialect.heading import has_header, kind


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1,234.50", "number"),
        ("$ 3.20", "number"),
        ("12 %", "number"),
        ("-1.5e-3", "number"),
        ("2024-01-31", "date"),
        ("31.1.2024", "date"),
        ("1/2/24 10:30 PM", "date"),
        ("12:30", "date"),
        ("TRUE", "truth"),
        ("?", "none"),
        (" ", "none"),
        ("A11", "text"),
        ("E5", "text"),
    ],
)
def test_a_cell_is_of_a_kind(cell, expected):
    assert kind(cell) == expected


@pytest.mark.parametrize(
    ("first", "below", "expected"),
    [
        (["name", "age"], [["x", "1"]], True),
        (["x", "1"], [["y", "2"]], False),
        (["2024-01-01", "x"], [["2024-01-02", "y"]], False),
        (["name", "city"], [["x", "y"]], True),
        (["p", "x"], [["e", "x"], ["p", "y"], ["p", "x"], ["e", "b"], ["e", "y"]], False),
        (["country", "2019", "2020"], [["x", "1.5", "2"]], True),
        (["x", "2019", "2020"], [["y", "2018", "2019"]], False),
        (["", "0", "1"], [["0", "1.5", "2"]], True),
        (["0", "1", "2"], [["9", "8", "7"]], True),
        (["id", "17"], [[str(number), "3"] for number in range(5)], True),
        (["?", "5"], [["3", "6"]], False),
        (["a", "a"], [["a", "b"]] * 5, False),
    ],
    ids=[
        "a text above a number",
        "a number above a number",
        "a date above a date",
        "all texts",
        "values that occur again",
        "years that count up",
        "years above years",
        "an index and counted names",
        "counted names",
        "a name beside a number",
        "a missing value beside a number",
        "a name twice that occurs below",
    ],
)
def test_a_header_is_told_from_the_rows_below_it(first, below, expected):
    found, reason = has_header(first, below)
    assert (found, not reason) == (expected, expected)


def test_a_faulty_cell_of_a_first_row_is_no_name_where_its_numbers_occur_again() -> None:
    assert not has_header(["0", "5", ":"], [["0", "5", "1"]] * 6)[0]
    assert has_header(["10", "25", "x"], [["0.1", "0.3", "1"]] * 6)[0]


def test_a_single_number_among_missing_cells_makes_no_name_of_the_text_above_it() -> None:
    found, _ = has_header(["1", ":"], [["0", "0"], ["0", ""], ["0", ""], ["0", ""], ["0", ""]])
    assert not found
