"""How a file of delimited text is written, told from its first bytes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shipway.core.dialect import Dialect, columns, sniff


def lines(*head: str, row: str, rows: int = 20) -> bytes:
    return "".join(f"{line}\n" for line in [*head, *(row.replace("#", str(number)) for number in range(rows))]).encode()


def changed(start: bytes, **given: Any) -> dict[str, Any]:
    """What of the dialect of *start* is not the default."""
    dialect, _ = sniff(start, **given)
    return {key: value for key, value in msgspec.structs.asdict(dialect).items() if value != getattr(Dialect(), key)}


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (lines("a,b", row="#,x"), {}),
        (lines("a;b", row="1,#;2,#"), {"separator": ";"}),
        (lines(row="1,#;2,#"), {"separator": ";", "header": False}),
        (lines("a\tb", row="#,200.5\t1,#00"), {"separator": "\t"}),
        (lines("id,tags", row="#,a|b|c"), {}),
        (lines("a^b", row="#^x"), {"separator": "^"}),
        (lines(row="A1 # x 7"), {"separator": " ", "header": False}),
        (lines("id   name   n", row="#    bob    #"), {"separator": "  "}),
        (lines("when;n", row="2024-01-01 12:30:00;#"), {"separator": ";"}),
        (lines("name", row="John Smith #"), {}),
        (lines("price", row="1,#"), {"separator": ";"}),
        (lines("a,b,c,d", row="#,2"), {}),
        (b"a,b,c\n1,2\n1,2,3\n1\n", {}),
        (b"see here: all\nx y z\none two three\nand so on: more words\n" * 5, {"header": False}),
    ],
    ids=[
        "comma",
        "semicolons above decimal commas",
        "the same without a header",
        "tabs above thousands",
        "bars in cells",
        "carets",
        "blanks",
        "runs of blanks",
        "colons of times",
        "words of one column",
        "decimal commas of one column",
        "last cells left out",
        "last cells left out here and there",
        "prose",
    ],
)
def test_the_separator_cuts_all_lines_evenly(start, expected):
    assert changed(start) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (lines("'a','b'", row="'x, #','it''s'"), {"quote": "'"}),
        (lines("a,b", row="it's '#' here,x"), {}),
        (lines("a\tb", row='#" pipe\t"big" one'), {"separator": "\t", "quote": None}),
        (lines("a,b", row='#,"say \\"hi\\", no"'), {"escape": "\\"}),
        (lines("a,b", row="#,x\\, y"), {"escape": "\\"}),
        (lines("a,b", row='#,"C:\\dir\\"'), {}),
        (lines("a,b", row='#, "x, y"'), {"separator": ", "}),
    ],
    ids=["single", "apostrophes", "inches", "escaped quotes", "escaped separators", "a path", "a blank before quotes"],
)
def test_quotes_and_escapes_are_told_by_where_they_stand(start, expected):
    assert changed(start) == expected


def test_quotes_are_looked_for_beyond_the_first_hundred_rows():
    assert changed(lines("a,b", row="#,plain", rows=400) + b'7,"say \\"hi\\", no"\n') == {"escape": "\\"}


@pytest.mark.parametrize(
    ("head", "skip"),
    [
        (["sep=,"], 1),
        (["A report"], 1),
        (["A report", "by me", ""], 3),
        (["# made by x", "# on 2024, at noon"], 2),
        (["A report,,,", ",,,"], 2),
        (["", ""], 2),
    ],
)
def test_lines_before_the_table_are_skipped(head, skip):
    assert changed(lines(*head, "name,age,city,zip", row="x,#,y,7")) == {"skip": skip}


def test_the_line_that_tells_excel_the_separator_is_believed():
    assert changed(b"sep=|\na,b|c,d\n1,2|3,4\n") == {"separator": "|", "skip": 1}


def test_a_header_may_start_with_the_sign_of_a_comment():
    assert columns(b"#id,n\n1,2\n", Dialect()) == (["#id", "n"], 1)


def test_what_is_given_is_kept_and_needs_no_reason():
    dialect, reasons = sniff(b"1;2\n3;4\n", separator=",", header=True, quote="", escape="\\", encoding="latin-1", skip=1)
    assert dialect == Dialect(separator=",", encoding="latin-1", quote=None, escape="\\", skip=1)
    assert reasons == {}


def test_each_guess_that_is_not_the_default_has_a_reason_and_no_other_has():
    for start in (b"a,b\n1,2\n", "é;é\n".encode("cp1252"), b"x\n\n'a'\t'b'\n'1'\t'2'\n3\t4\n", b"1|2\n3|4\n"):
        assert sniff(start)[1].keys() == changed(start).keys()


@pytest.mark.parametrize(
    ("start", "names"),
    [
        (b",a\n0,x\n1,y\n", ["column_1", "a"]),
        (b",column_1\n0,x\n", ["column_1_", "column_1"]),
        (b"a,b,\n1,2,\n", ["a", "b", "column_3"]),
        (b'"a" "b"\n"1" 5 x\n"2" 6 y\n"3" 7 z\n', ["column_1", "a", "b"]),
        (b"a;b\n1;x;\n2;y;\n3;z;\n", ["a", "b", "column_3"]),
        (b"1,2,x\n3,4\n", ["column_1", "column_2", "column_3"]),
        (b'"a\n""x""",c\n1,2\n', ['a\n"x"', "c"]),
    ],
    ids=[
        "an index",
        "a name that is taken",
        "a separator at line ends",
        "R's row names",
        "at rows' ends",
        "no header",
        "two lines",
    ],
)
def test_a_column_without_a_name_is_called_by_its_place(start, names):
    assert columns(start, sniff(start)[0])[0] == names


def test_a_sample_that_ends_within_quotes_is_cut_there():
    start = lines("a,b", row='#,"two\nlines, of text"', rows=50)
    assert all(changed(start[:end], cut=True) == {} for end in range(400, 450))


@given(st.binary(max_size=300))
@example(b'"~')
def test_any_bytes_give_some_dialect(start):
    dialect, _ = sniff(start)
    columns(start, dialect)
