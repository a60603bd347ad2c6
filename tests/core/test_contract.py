from __future__ import annotations

import math
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shipway.core.contract import Column, Contract, Reading, load, read
from shipway.core.errors import UsageError

TELCO = """
target = "Churn"
positive = "Yes"
key = ["customerID"]
[columns.customerID]
type = "text"
[columns.tenure]
type = "integer"
minimum = 0
[columns.TotalCharges]
type = "number"
nullable = true
missing = ["", " "]
[columns.SeniorCitizen]
type = "category"
levels = [0, 1]
[columns.Note]
type = "text"
role = "ignored"
[columns.Contract]
type = "category"
levels = ["Month-to-month", "One year", "Two year"]
closed = true
[columns.Churn]
type = "category"
levels = ["No", "Yes"]
"""
GOOD = {"tenure": 3, "TotalCharges": 29.85, "SeniorCitizen": 0, "Contract": "One year"}

COLUMNS = {
    "integer": Column(type="integer"),
    "number": Column(type="number"),
    "boolean": Column(type="boolean"),
    "category": Column(type="category"),
    "text": Column(type="text"),
    "datetime": Column(type="datetime"),
}


@pytest.fixture
def telco(tmp_path: Path) -> Contract:
    return load(written(tmp_path, TELCO))


def written(folder: Path, text: str) -> Path:
    path = folder / "contract.toml"
    path.write_text(text, encoding="utf-8")
    return path


def one_column(column: Column) -> Contract:
    return Contract(target="y", columns={"x": column, "y": Column(type="category", levels=["a", "b"])})


def cell(value: Any, column: Column) -> tuple[Any, str | None]:
    """What a single cell is read as, and the rule that it breaks."""
    reading = read(one_column(column), [{"x": value}], target=False)
    return reading.frame["x"][0], reading.breaches[0].rule if reading.breaches else None


def rules(reading: Reading) -> list[tuple[int, str, str]]:
    return [(breach.row, breach.column, breach.rule) for breach in reading.breaches]


# the file


def test_a_contract_names_its_features_classes_and_roles(telco: Contract) -> None:
    assert telco.features == ["tenure", "TotalCharges", "SeniorCitizen", "Contract"]
    assert telco.classes == ["No", "Yes"]
    assert telco.positive_class == "Yes"
    assert [telco.role(name) for name in ("Churn", "customerID", "Note", "tenure")] == ["target", "key", "ignored", "feature"]


def test_the_positive_class_is_the_last_of_two_levels_unless_declared() -> None:
    contract = one_column(Column(type="number"))
    assert contract.positive_class == "b"
    three = Contract(target="y", columns={"y": Column(type="category", levels=["a", "b", "c"])})
    assert three.positive_class is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("minimum = 0", "minimun = 0", ["columns.tenure", "'minimun'", "did you mean 'minimum'"]),
        ('key = ["customerID"]', 'keys = ["customerID"]', ["'keys'", "did you mean 'key'"]),
        ('target = "Churn"', 'target = "churn"', ["'churn'", "did you mean 'Churn'"]),
        ('key = ["customerID"]', 'key = ["customerId"]', ["'customerId'", "did you mean 'customerID'"]),
        ('type = "integer"', 'type = "int"', ["columns.tenure", "type", "int"]),
        ('type = "integer"', "", ["columns.tenure", "type"]),
        ("nullable = true", 'nullable = "yes"', ["columns.TotalCharges", "nullable", "bool"]),
        ("minimum = 0", "minimum = 9\nmaximum = 3", ["columns.tenure", "minimum", "maximum"]),
        ("minimum = 0", "minimum = nan", ["columns.tenure", "finite"]),
        ("minimum = 0", "closed = true", ["columns.tenure", "levels"]),
        ('positive = "Yes"', 'positive = "yes"', ["positive", "'yes'", "'Yes'"]),
        ('levels = ["No", "Yes"]', "", ["columns.Churn", "levels"]),
        ('levels = ["No", "Yes"]', 'levels = ["No", "Yes"]\nnullable = true', ["columns.Churn", "nullable"]),
        ("levels = [0, 1]", 'levels = [0, "0"]', ["columns.SeniorCitizen", "differ"]),
        ("levels = [0, 1]", 'levels = [0, ""]', ["columns.SeniorCitizen", "missing marker"]),
        ("levels = [0, 1]", "levels = [0, 1]\nminimum = 0", ["columns.SeniorCitizen", "minimum"]),
        ('key = ["customerID"]', 'key = ["Note"]', ["columns.Note", "ignored"]),
        ('key = ["customerID"]', 'key = ["Churn"]', ["key", "target"]),
        ("[columns.Note]", "[columns._shipway_row]", ["_shipway_row", "rename"]),
        ("[columns.tenure]", "[columns.tenure", ["not valid TOML"]),
    ],
)
def test_a_wrong_contract_is_refused_by_name(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    path = written(tmp_path, TELCO.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        load(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_a_numeric_target_is_refused_in_plain_words(tmp_path: Path) -> None:
    path = written(tmp_path, 'target = "y"\n[columns.x]\ntype = "text"\n[columns.y]\ntype = "number"\n')
    with pytest.raises(UsageError, match="Shipway learns classes"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        load(tmp_path / "nowhere.toml")


def test_the_fingerprint_follows_the_rules_and_not_the_prose(tmp_path: Path, telco: Contract) -> None:
    def fingerprint(text: str) -> str:
        return load(written(tmp_path, text)).fingerprint()

    same = TELCO.replace('type = "integer"\nminimum = 0', 'description = "months"  # since\nminimum = 0.0\ntype = "integer"')
    assert fingerprint(same) == telco.fingerprint()
    assert fingerprint(TELCO.replace("minimum = 0", "minimum = 1")) != telco.fingerprint()
    assert fingerprint(TELCO.replace('["No", "Yes"]', '["Yes", "No"]')) != telco.fingerprint()


# cells


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        ("integer", ["84", "84.0", " 84 ", "+84", "8.4e1", 84, 84.0, Decimal(84)], 84),
        ("number", ["84", "84.0", " 84 ", "8.4e1", 84, 84.0], 84.0),
        ("number", [10**30, 1e30, "1e30"], 1e30),
        ("boolean", [True, "true", "TRUE", "Yes", "1", "1.0", 1, 1.0], True),
        ("boolean", [False, "false", "no", "0", 0, 0.0], False),
        ("category", ["84", 84, 84.0], "84"),
        ("text", ["true", True], "true"),
        (
            "datetime",
            ["2026-11-23", "2026-11-23 00:00:00", "2026-11-23T00:00:00.000", "2026-11-23T00:00:00Z"],
            datetime(2026, 11, 23),
        ),
        ("datetime", ["2026-11-23T02:00:00+02:00", "20261123", date(2026, 11, 23), "2026-W48-1"], datetime(2026, 11, 23)),
    ],
)
def test_every_spelling_of_a_value_is_read_as_that_value(type_: str, values: list[Any], expected: Any) -> None:
    assert {cell(value, COLUMNS[type_]) for value in values} == {(expected, None)}


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (
            "integer",
            ["x", "84.5", 84.5, True, [1], {"a": 1}, "nan", "inf", 10**400, 2**63, "9223372036854775808", 1e300, "1_000", " "],
        ),
        ("number", ["x", "nan", "inf", "1e999", math.inf, -math.inf, True, [1], {"a": 1}, 10**400, "\ud800", "0x10", "1,5"]),
        ("boolean", ["x", "2", 2, 0.5, [True], {}, math.inf]),
        ("category", [[1], {"a": 1}, "\ud800", math.inf, 10**400]),
        ("text", [["a"], {}, "a\udfff"]),
        ("datetime", ["x", "2026-13-01", "2026-02-30", "23.11.2026", "2026-1-1", "99999-01-01", 20261123, 1e9, True, []]),
    ],
)
def test_what_is_not_of_the_type_breaks_it(type_: str, values: list[Any]) -> None:
    for value in values:
        assert cell(value, COLUMNS[type_]) == (None, "type"), value


def test_null_nan_markers_and_absence_mean_missing() -> None:
    column = Column(type="number", nullable=True, missing=("", "?", "-999"))
    reading = read(
        one_column(column), [{"x": None}, {"x": math.nan}, {"x": ""}, {"x": "?"}, {"x": "-999"}, {"x": -999.0}, {}], target=False
    )
    assert reading.breaches == []
    assert reading.frame["x"].null_count() == 7
    frame = pl.DataFrame({"x": [math.nan, -999.0, 1.0]})
    assert read(one_column(column), frame, target=False).frame["x"].to_list() == [None, None, 1.0]


def test_a_missing_value_where_there_must_be_one_is_told_from_an_absent_column() -> None:
    reading = read(one_column(Column(type="number")), [{"x": None}, {}, {"x": ""}], target=False)
    assert [breach.rule for breach in reading.breaches] == ["missing", "required", "missing"]
    assert reading.breaches[0].message == "expected a number, got nothing"


def test_a_missing_marker_may_be_a_date_that_means_never() -> None:
    column = Column(type="datetime", nullable=True, missing=("1900-01-01",))
    assert cell("1900-01-01", column) == (None, None)


def test_declared_bounds_are_rules_and_inclusive() -> None:
    column = Column(type="number", minimum=0, maximum=5)
    reading = read(one_column(column), [{"x": value} for value in (0, 5, -0.1, 5.1, None)], target=False)
    assert reading.frame["x"].to_list() == [0, 5, None, None, None]
    assert rules(reading) == [(2, "x", "minimum"), (3, "x", "maximum"), (4, "x", "missing")]


def test_only_closed_levels_are_a_rule(telco: Contract) -> None:
    reading = read(telco, [GOOD | {"SeniorCitizen": 7}, GOOD | {"Contract": "Ten years"}], target=False)
    assert rules(reading) == [(1, "Contract", "level")]
    assert "One year" in reading.breaches[0].message
    assert "Ten" not in reading.breaches[0].message


def test_levels_are_compared_by_canonical_text() -> None:
    column = Column(type="category", levels=[0, 1, True], closed=True)
    assert [cell(value, column)[1] for value in (0, "0", 1.0, "true", 2)] == [None, None, None, None, "level"]


# doors


def test_the_service_ignores_target_key_and_ignored_columns_in_any_form(telco: Contract) -> None:
    reading = read(telco, [GOOD | {"Churn": [1], "customerID": {"a": 1}, "Note": "\ud800"}], target=False)
    assert reading.breaches == []
    assert reading.frame.columns == telco.features


def test_the_service_names_unknown_columns_and_training_lists_them(telco: Contract) -> None:
    record = GOOD | {"Tenure": 1, "customerID": "1", "Churn": "No"}
    assert rules(read(telco, [record], target=False)) == [(0, "Tenure", "unknown")]
    at_training = read(telco, [record], target=True)
    assert at_training.breaches == []
    assert at_training.unknown == ["Tenure"]


def test_training_reads_every_column_and_closes_the_targets_levels(telco: Contract) -> None:
    rows = pl.DataFrame(
        [GOOD | {"customerID": "1", "Churn": "No", "Note": "a"}, GOOD | {"customerID": None, "Churn": "Maybe", "Note": ""}]
    )
    reading = read(telco, rows, target=True)
    assert reading.frame.columns == list(telco.columns)
    assert rules(reading) == [(1, "customerID", "missing"), (1, "Churn", "level")]


def test_hostile_records_break_rules_and_never_the_reader(telco: Contract) -> None:
    records: list[Any] = [{}, 5, None, [], {"\ud800": 1, 7: 2}, GOOD | {"tenure": 10**5000}, GOOD | {"tenure": [[[]]]}, GOOD]
    reading = read(telco, records, target=False)
    assert reading.frame.height == len(records)
    assert {breach.row for breach in reading.breaches} == set(range(7))
    assert [(breach.column, breach.rule) for breach in reading.breaches if breach.row == 1] == [("", "type")]
    assert all(breach.column.encode() and "\ud800" not in breach.column for breach in reading.breaches if breach.row == 4)
    assert read(telco, [], target=False).frame.schema == reading.frame.schema


def test_typed_texts_and_records_of_the_same_rows_are_read_alike(telco: Contract) -> None:
    texts = pl.DataFrame(
        {"tenure": ["1", "2"], "TotalCharges": [" ", "2.5"], "SeniorCitizen": ["0", "1"], "Contract": ["One year"] * 2}
    )
    typed = pl.DataFrame({"tenure": [1, 2], "TotalCharges": [None, 2.5], "SeniorCitizen": [0, 1], "Contract": ["One year"] * 2})
    typed = typed.with_columns(pl.col("tenure").cast(pl.UInt8), pl.col("Contract").cast(pl.Categorical))
    frames = [read(telco, rows, target=False).frame for rows in (texts, typed, texts.to_dicts(), typed.to_dicts())]
    assert all(frame.equals(frames[0]) for frame in frames)


@pytest.mark.parametrize("value", [pl.List(pl.Int64), pl.Struct({"a": pl.Int64}), pl.Binary, pl.Time, pl.Null])
def test_a_typed_frame_with_nested_or_odd_columns_breaks_the_type(value: Any) -> None:
    frame = pl.DataFrame(
        {"x": pl.Series([[1]] if value == pl.List else [{"a": 1}] if value == pl.Struct else [None], dtype=value)}
    )
    reading = read(one_column(Column(type="number")), frame, target=False)
    assert [breach.rule for breach in reading.breaches] in (["type"], ["missing"])


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["84", "84.0", "yes", "2026-11-23", "?"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from(list(COLUMNS)), st.lists(anything, min_size=1, max_size=6))
@example("number", ["\ud800", 1, 10**400, 2.5, True, None])
def test_a_cell_is_read_the_same_whatever_stands_beside_it(type_: str, values: list[Any]) -> None:
    contract = one_column(COLUMNS[type_])
    together = read(contract, [{"x": value} for value in values], target=False)
    alone = [cell(value, COLUMNS[type_]) for value in values]
    assert together.frame["x"].to_list() == [value for value, _ in alone]
    assert [breach.rule for breach in together.breaches] == [rule for _, rule in alone if rule]


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_and_its_text_are_read_alike(number: int) -> None:
    assert cell(number, COLUMNS["integer"]) == cell(str(number), COLUMNS["integer"]) == (number, None)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_and_its_text_are_read_alike(number: float) -> None:
    assert cell(number, COLUMNS["number"]) == cell(repr(number), COLUMNS["number"]) == (number, None)


@given(st.datetimes())
def test_a_time_and_its_iso_text_are_read_alike(moment: datetime) -> None:
    assert cell(moment, COLUMNS["datetime"]) == cell(moment.isoformat(), COLUMNS["datetime"]) == (moment, None)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_text_is_kept_as_it_is(text: str) -> None:
    assert cell(text, COLUMNS["text"]) == (text, None)


@pytest.mark.skipif("SHIPWAY_DATA_DIR" not in os.environ, reason="needs the real tables")
@pytest.mark.parametrize(
    ("project", "file", "rows", "missing"),
    [
        ("telco_churn", "telco-customer-churn.csv", 7043, {"TotalCharges": 11}),
        ("iris", "iris.csv", 150, {}),
        ("airline_satisfaction", "invistico-airline.csv", 129880, {"Arrival Delay in Minutes": 393}),
    ],
)
def test_the_case_studies_keep_their_contracts_however_spelt(project: str, file: str, rows: int, missing: dict[str, int]) -> None:
    contract = load(Path(__file__).parents[2] / "projects" / project / "contract.toml")
    path = Path(os.environ["SHIPWAY_DATA_DIR"]) / file
    texts = read(contract, pl.read_csv(path, infer_schema=False, empty_string_is_null=False), target=True)
    assert (texts.frame.height, texts.breaches, texts.unknown) == (rows, [], [])
    nulls = texts.frame.null_count().row(0, named=True)
    assert {name: count for name, count in nulls.items() if count} == missing
    typed = read(contract, pl.read_csv(path), target=True)
    assert typed.breaches == []
    assert typed.frame.equals(texts.frame)
    sample = texts.frame.sample(100, seed=0)
    assert read(contract, sample.to_dicts(), target=True).frame.equals(sample)
