from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from tests.core.inference.tables import ROWS, cells, column, guess, reading, values

from shipway.core.contract import read
from shipway.core.inference import infer

LETTERS = "abcdefghijklmnop"


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        (cells(lambda draw, row: draw.randrange(1000)), "integer"),
        (cells(lambda draw, row: f"{draw.randrange(100)}.0"), "integer"),
        (cells(lambda draw, row: draw.randrange(2)), "integer"),
        (cells(lambda draw, row: 1990 + draw.randrange(30)), "integer"),
        (cells(lambda draw, row: draw.random()), "number"),
        (cells(lambda draw, row: f"{draw.random():.2e}"), "number"),
        (cells(lambda draw, row: draw.choice(["True", "False"])), "boolean"),
        (cells(lambda draw, row: draw.choice(["TRUE", "false", " True"])), "boolean"),
        (cells(lambda draw, row: draw.choice(["yes", "no"])), "category"),
        (cells(lambda draw, row: draw.choice(LETTERS)), "category"),
        (cells(lambda draw, row: f"{draw.randrange(1, 40):03}"), "category"),
        (cells(lambda draw, row: draw.choice(["C12", "C13", "D7"])), "category"),
        (cells(lambda draw, row: draw.choice(["€110.5M", "€565K", "€3M"])), "category"),
        (cells(lambda draw, row: draw.choice(["5 kg", "3 lb", "4 g"])), "category"),
        (cells(lambda draw, row: draw.choice(["0-5", "6-10", "11+"])), "category"),
        (cells(lambda draw, row: draw.choice(["12345678901234567890", "22345678901234567891"])), "category"),
        (cells(lambda draw, row: f"Mr {draw.choice(LETTERS)} of {draw.random()}"), "text"),
        (cells(lambda draw, row: " ".join(draw.choices(["so", "it", "was"], k=9))), "text"),
    ],
)
def test_the_type_is_guessed_from_the_cells(texts: list[str], type_: str) -> None:
    assert column(texts).type == type_


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (cells(lambda draw, row: f"{draw.random() * 9999:,.2f}"), {"thousands": ","}),
        (cells(lambda draw, row: f"{draw.randrange(1000, 10**7):,}"), {"thousands": ",", "type": "integer"}),
        (cells(lambda draw, row: f"{draw.random():.2f}".replace(".", ",")), {"decimal": ",", "thousands": None}),
        (cells(lambda draw, row: f"{draw.random():.3f}".replace(".", ",")), {"decimal": ",", "thousands": None}),
        (cells(lambda draw, row: f"{draw.randrange(10**6, 10**7):,}".replace(",", ".")), {"thousands": ".", "type": "integer"}),
        (cells(lambda draw, row: f"{draw.randrange(10**6, 10**7):,}".replace(",", "\u202f")), {"thousands": "\u202f"}),
        (cells(lambda draw, row: f"${draw.random() * 9999:,.2f}"), {"thousands": ",", "affixes": ("$",)}),
        (cells(lambda draw, row: f"-Rs. {draw.randrange(99)}.5"), {"affixes": ("Rs.",), "type": "number"}),
        (cells(lambda draw, row: f"{draw.randrange(1, 99)}%"), {"affixes": ("%",), "type": "integer"}),
        (cells(lambda draw, row: f" {draw.choice([36, 60])} months"), {"affixes": ("months",), "type": "integer"}),
        (cells(lambda draw, row: draw.choice(["1 year", "2 years", "7 years"])), {"affixes": ("year", "years")}),
        (cells(lambda draw, row: f"€{draw.randrange(10, 999)}.5M"), {"affixes": ("€", "M"), "type": "number"}),
        (cells(lambda draw, row: f"{draw.randrange(99)},5 °C"), {"decimal": ",", "affixes": ("°C",)}),
        (cells(lambda draw, row: f"{draw.randrange(1, 99)}.5 blips"), {"affixes": ("blips",)}),
        (cells(lambda draw, row: f"{'<' if row % 9 == 0 else ''}{draw.random():.2f}"), {"affixes": ("<",), "type": "number"}),
        (cells(lambda draw, row: f"{draw.random() - 0.5:.2f}".replace("-", "\u2212")), {"affixes": (), "type": "number"}),
        (cells(lambda draw, row: f"{row - 50} kg".replace("-", "\u2212")), {"affixes": ("kg",), "type": "integer"}),
        (cells(lambda draw, row: draw.choice(["<50K", ">=50K"])), {"affixes": (), "type": "category"}),
        (cells(lambda draw, row: f"{draw.choice('<>')}{draw.randrange(99)}"), {"affixes": (), "type": "text"}),
    ],
)
def test_how_numbers_are_written_is_guessed_and_read(texts: list[str], expected: dict[str, Any]) -> None:
    found = column(texts)
    assert {name: getattr(found, name) for name in expected} == expected
    assert reading(texts).breaches == []


def test_a_comma_that_could_be_either_follows_the_decimal_commas_of_other_columns() -> None:
    either = cells(lambda draw, row: f"{draw.randrange(1000, 9999):,}")
    assert column(either).thousands == ","
    commas = cells(lambda draw, row: f"{draw.random() * 9:.2f}".replace(".", ","))
    points = cells(lambda draw, row: f"{draw.randrange(1000, 9999):,}".replace(",", "."))
    columns = guess({"x": either, "p": points, "sure": commas}).contract.columns
    assert (columns["x"].decimal, columns["x"].thousands) == (",", None)
    assert (columns["p"].decimal, columns["p"].thousands, columns["p"].type) == (",", ".", "integer")


def test_a_comma_between_thousands_says_how_to_overrule_it() -> None:
    reasons = guess({"x": cells(lambda draw, row: f"{draw.randrange(1000, 9999):,}")}).reasons["x"]
    assert any('decimal = ","' in reason for reason in reasons)


@pytest.mark.parametrize(
    ("marker", "kept"),
    [
        *(
            (marker, True)
            for marker in ("?", "NA", "N/A", "n.a.", "#N/A", "NULL", "\\N", "<NA>", "unknown", "Unknown ", " ", "missing", "-")
        ),
        *((marker, False) for marker in ("None", "no", "other", "0", "★", "$", "\x93\x8c")),
    ],
)
def test_a_word_for_nothing_is_missing_in_a_category_unless_it_may_be_a_level(marker: str, kept: bool) -> None:
    texts = [marker if row % 9 == 0 else LETTERS[row % 5] for row in range(ROWS)]
    found = column(texts)
    assert (found.nullable, marker in found.missing) == (kept, kept)
    assert (marker in (found.levels or [])) is not kept


@pytest.mark.parametrize(
    "marker", ["?", "NA", "nan", "NaN", "None", "none", "null", "-", "--", ".", "unknown", "#DIV/0!", "  ", "NaT"]
)
@pytest.mark.parametrize(
    ("text", "type_"), [("{}.5", "number"), ("{}", "integer"), ("2026-01-{:02}", "datetime"), ("{}%", "integer")]
)
def test_a_word_for_nothing_is_missing_among_numbers_and_dates(marker: str, text: str, type_: str) -> None:
    texts = [marker if row % 4 == 0 else text.format(row % 28 + 1) for row in range(ROWS)]
    found = column(texts)
    assert (found.type, found.nullable, marker in found.missing) == (type_, True, True)
    assert reading(texts).breaches == []


def test_signs_and_codes_that_are_levels_are_not_missing() -> None:
    assert column(cells(lambda draw, row: draw.choice("+-"))).levels == ["+", "-"]
    assert "NA" in (column(cells(lambda draw, row: draw.choice(["NA", "EU", "AS", "AF", "SA", "OC"]))).levels or [])


def test_a_missing_word_behind_a_unit_is_missing() -> None:
    texts = ["null bhp" if row % 9 == 0 else f"{row}.5 bhp" for row in range(ROWS)]
    assert column(texts).missing == ("", "null bhp")
    assert reading(texts).frame["x"].null_count() == texts.count("null bhp")


@pytest.mark.parametrize(
    ("sentinel", "others"),
    [
        ("-999", range(100)),
        ("999", range(27)),
        ("9999", range(500)),
        ("-1", range(40)),
        ("-999.0", range(-20, 40)),
        ("99", range(1, 11)),
        ("-999.9", range(100)),
        ("999.99", range(27)),
    ],
)
def test_a_number_far_from_all_others_and_of_the_form_of_one_is_a_sentinel(sentinel: str, others: range) -> None:
    texts = [sentinel if row % 6 == 0 else str(others[row % len(others)]) for row in range(ROWS)]
    found = column(texts)
    assert (found.nullable, sentinel in found.missing) == (True, True)
    assert reading(texts).frame["x"].null_count() == texts.count(sentinel)


@pytest.mark.parametrize(
    ("value", "others"),
    [
        ("99", range(18, 97)),
        ("-1", range(2)),
        ("-1", range(-1, 60)),
        ("999", range(0, 998, 7)),
        ("9", range(10)),
        ("99999", range(0, 41310, 346)),
        ("-9", range(-30, 30)),
        ("100", range(3)),
        ("-1", range(10)),
    ],
)
def test_a_value_among_others_is_no_sentinel(value: str, others: range) -> None:
    texts = [value if row % 6 == 0 else str(others[row % len(others)]) for row in range(ROWS)]
    if value == "-1" and others.start == -1:
        texts[1] = "-2"
    assert column(texts).missing == ("",)


def test_few_rogue_cells_among_numbers_are_left_for_the_quarantine_and_named() -> None:
    texts = [*map(str, range(0, 2 * ROWS, 2)), "oops"]
    found = guess({"x": texts})
    assert (found.contract.columns["x"].type, found.bad) == ("integer", 1)
    assert any('"oops" in 1' in reason for reason in found.reasons["x"])


def test_a_word_in_many_cells_of_numbers_says_why_there_is_none() -> None:
    found = column(["cancelled" if row % 5 == 0 else str(row % 50) for row in range(ROWS)])
    assert (found.type, found.missing) == ("integer", ("", "cancelled"))


def test_many_columns_with_slips_do_not_add_up_to_a_run_that_stops() -> None:
    rows = 200
    columns = {
        f"x{place}": [f"slip {row}" if row % 100 == place else str(row % 60) for row in range(rows)] for place in range(30)
    }
    assert guess(columns).bad <= 0.03 * rows


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%Y-%m-%d", None),
        ("%Y-%m-%d %H:%M:%S", None),
        ("%Y-%m-%dT%H:%M:%SZ", None),
        ("%Y-%m-%d %H:%M:%S.%f+02:00", None),
        *(
            (form, form)
            for form in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%y", "%m/%d/%y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%d-%m")
        ),
        *(
            (form, form)
            for form in ("%d %b %Y", "%d-%b-%y", "%B %d, %Y", "%b %d, %Y", "%d. %B %Y", "%a, %d %b %Y", "%b-%Y", "%m/%Y")
        ),
        *((form, form) for form in ("%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y, %H:%M:%S.%f")),
        *((form, form) for form in ("%Y-%m-%d %H:%M:%S UTC", "%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")),
        *((form, None) for form in ("%Y%m%d %H:%M:%S", "%Y%m%dT%H%M")),
    ],
)
def test_dates_are_known_by_their_form_and_read(form: str, expected: str | None) -> None:
    moments = [datetime(2000 + row % 20, row % 12 + 1, row % 28 + 1, row % 24, 7 * row % 60, row % 60) for row in range(ROWS)]
    texts = [moment.strftime(form) for moment in moments]
    found = column(texts)
    assert (found.type, found.format) == ("datetime", expected)
    if "+02" not in form:
        assert values(texts) == [datetime.strptime(text, form) for text in texts]


@pytest.mark.parametrize(
    ("texts", "form", "words"),
    [
        (["03/04/2026", "05/06/2026", "07/08/2026"], "%m/%d/%Y", "usual"),
        (["03.04.2026", "05.06.2026", "07.08.2026"], "%d.%m.%Y", "usual"),
        (["03/04/2026", "05/06/2026", "13/08/2026"], "%d/%m/%Y", "only"),
        (["03/04/2026", "05/06/2026", "07/13/2026"], "%m/%d/%Y", "only"),
        (["01/04/2026", "01/06/2026", "01/08/2026"], "%d/%m/%Y", "always the same"),
    ],
)
def test_what_is_the_day_is_settled_by_the_data_or_said_to_be_a_custom(texts: list[str], form: str, words: str) -> None:
    found = guess({"x": texts * 20})
    assert found.contract.columns["x"].format == form
    assert any(words in reason for reason in found.reasons["x"])


def test_dates_that_could_be_either_follow_another_column() -> None:
    found = guess({"x": ["03/04/2026", "05/06/2026"] * 20, "sure": ["13/04/2026", "05/06/2026"] * 20})
    assert found.contract.columns["x"].format == "%d/%m/%Y"
    assert any('format = "%m/%d/%Y"' in reason for reason in found.reasons["x"])


def test_dates_that_say_never_are_missing() -> None:
    texts = ["0000-00-00", "9999-12-31", "1900-01-01", *(f"2026-01-{day:02}" for day in range(1, 28))] * 4
    assert set(column(texts).missing) == {"", "0000-00-00", "9999-12-31", "1900-01-01"}


@pytest.mark.parametrize("text", ["{}", "10.{}", "192.168.0.{}", "{}:30", "1.{}.3", "{}/7", "a-{}", "20{:02}-2{}"])
def test_what_only_looks_like_a_date_is_none(text: str) -> None:
    assert column(cells(lambda draw, row: text.format(draw.randrange(60), draw.randrange(60)))).type != "datetime"


@pytest.mark.parametrize(
    ("text", "form", "type_"),
    [
        ("{h:02}:{m:02}", "%H:%M", "integer"),
        ("{h:02}:{m:02}:{s:02}", "%H:%M:%S", "integer"),
        ("{h:02}:{m:02}:{s:02}.25", "%H:%M:%S", "number"),
        ("{h}:{m:02} pm", "%I:%M %p", "integer"),
        ("{s}:{m:02}", "%M:%S", "integer"),
        ("PT{m}M", "PT%HH%MM%SS", "integer"),
        ("PT{h}H{m}M", "PT%HH%MM%SS", "integer"),
        ("{m} days {h:02}:{m:02}:{s:02}", "%d days %H:%M:%S", "integer"),
        ("{h}h {m}m", "%Hh %Mm", "integer"),
    ],
)
def test_times_of_day_and_durations_are_numbers_and_no_levels(text: str, form: str, type_: str) -> None:
    texts = [text.format(h=row % 12 + 1, m=7 * row % 60, s=11 * row % 60) if row % 9 else "?" for row in range(ROWS)]
    found = guess({"x": texts})
    written = found.contract.columns["x"]
    assert (written.type, written.format, "?" in written.missing) == (type_, form, True)
    assert reading(texts).breaches == []
    assert any("seconds" in reason for reason in found.reasons["x"])


@pytest.mark.parametrize("text", ["{}:{}", "{} : {:02}", "a{}:{:02}", "{}/{:02}", "{}:{:02}:{:02}:00", "{}m{}"])
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert column(cells(lambda draw, row: text.format(draw.randrange(90), draw.randrange(90), draw.randrange(90)))).format is None


def test_classes_may_be_times() -> None:
    frame = pl.DataFrame({"x": [str(row % 7) for row in range(60)], "z": ["a", "b"] * 30, "y": ["08:00", "09:30"] * 30})
    assert infer(frame, target="y").contract.classes == ["08:00", "09:30"]


DAYS = [date(2019 + row % 5, row % 12 + 1, row % 28 + 1).strftime("%Y%m%d") for row in range(ROWS)]


@pytest.mark.parametrize(
    ("name", "texts", "is_date"),
    [
        ("v", DAYS, True),
        ("order_date", ["20260131", "20260201"] * 60, True),
        ("v", ["20260131", "20260201"] * 60, False),
        ("last_seen", [day if row % 5 else "0" for row, day in enumerate(DAYS)], True),
        ("date", [*DAYS[1:], "20261301"], False),
        ("amount", cells(lambda draw, row: draw.randrange(19_000_000, 21_000_000)), False),
        ("student", [f"201901{row % 31 + 1:02}" for row in range(ROWS)], False),
    ],
)
def test_digits_are_dates_where_more_than_their_form_says_so(name: str, texts: list[str], is_date: bool) -> None:
    assert (column(texts, name).format == "%Y%m%d") is is_date


def test_a_date_of_digits_may_be_sent_as_the_number_that_a_reader_of_csv_makes_of_it() -> None:
    found = guess({"day": [day if row % 5 else "0" for row, day in enumerate(DAYS)]}).contract
    sent = [{"day": day, "z": 1} for day in (20260131, 20260131.0, date(2026, 1, 31), "20260131", "2026-01-31", 0, "0", None)]
    read_back = read(found, sent, target=False)
    assert read_back.breaches == []
    assert read_back.frame["day"].to_list() == [datetime(2026, 1, 31)] * 5 + [None] * 3
    assert read(found, [{"day": 20261301, "z": 1}], target=False).breaches[0].rule == "type"


def test_levels_are_listed_where_they_are_few_and_never_closed() -> None:
    few = column([LETTERS[row % 3] for row in range(ROWS)])
    assert (few.levels, few.closed) == (["a", "b", "c"], False)
    assert column([f"town {row % 40}" for row in range(4 * ROWS)]).levels is None


def test_the_types_of_a_typed_frame_are_taken_as_they_are() -> None:
    rows = range(60)
    frame = pl.DataFrame(
        {
            "i": [row % 9 for row in rows],
            "f": [float(row % 9) for row in rows],
            "gap": [None if row % 5 == 0 else row for row in rows],
            "sentinel": [-999.0 if row % 5 == 0 else row / 2 for row in rows],
            "b": [row % 2 == 0 for row in rows],
            "at": [datetime(2026, 1, row % 28 + 1) for row in rows],
            "digits": [str(row % 20) for row in rows],
            "word": pl.Series([LETTERS[row % 3] for row in rows], dtype=pl.Categorical),
            "list": [[row] for row in rows],
            "y": [row % 3 == 0 for row in rows],
        }
    )
    contract = infer(frame, target="y").contract
    types = {name: contract.columns[name].type for name in contract.features}
    assert types == {
        "i": "integer",
        "f": "number",
        "gap": "integer",
        "sentinel": "number",
        "b": "boolean",
        "at": "datetime",
        "digits": "category",
        "word": "category",
    }
    assert [name for name in types if contract.columns[name].nullable] == ["gap", "sentinel"]
    assert contract.columns["y"].levels == [False, True]
