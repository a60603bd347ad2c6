from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from frictionless import Dialect, Resource, Schema
from frictionless.formats import CsvControl

from shipway.core import contract as contracts
from shipway.core import exports
from shipway.core.contract import Column, Contract
from shipway.core.project import ProjectInfo

PROJECTS = Path(__file__).parents[3] / "projects"
TRIPS = Contract(
    target="back",
    key=["trip"],
    columns={
        "trip": Column(type="integer"),
        "day": Column(type="datetime", format="%d/%m/%Y"),
        "left": Column(type="datetime"),
        "fare": Column(type="number", decimal=",", thousands=".", affixes=("€",), nullable=True, missing=("", "?"), minimum=0),
        "seats": Column(type="integer", maximum=9),
        "member": Column(type="boolean"),
        "device": Column(type="category", levels=["desk", "phone"], closed=True),
        "town": Column(type="category", levels=["Bonn", "Kiel"]),
        "code": Column(type="category", levels=[1, 2], closed=True),
        "note": Column(type="text", role="ignored"),
        "back": Column(type="category", levels=["no", "yes"]),
    },
)
HEADER = ";".join(TRIPS.columns)
GOOD = "1;31/01/2026;2026-01-31 08:00;€ 1.234,50;3;yes;desk;Jena;2;;no"


def schema(contract: Contract) -> Schema:
    return Schema.from_descriptor(json.loads(exports.write(contract, "table-schema", "trips", ProjectInfo(title="Trips"))))


def errors(folder: Path, *lines: str) -> list[tuple[str, str | None]]:
    (folder / "trips.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    separated = Dialect(controls=[CsvControl(delimiter=";")])
    report = Resource(path="trips.csv", basepath=str(folder), schema=schema(TRIPS), dialect=separated).validate()
    return [(kind, field) for kind, field in report.flatten(["type", "fieldName"])]


def test_a_table_that_keeps_the_contract_is_valid_to_the_standards_own_reader(tmp_path: Path) -> None:
    assert errors(tmp_path, GOOD, GOOD.replace("1;", "2;", 1).replace("€ 1.234,50", "?").replace("yes", "0")) == []


@pytest.mark.parametrize(
    ("old", "new", "kind", "column"),
    [
        ("31/01/2026;", "01-31-2026;", "type-error", "day"),
        ("€ 1.234,50", "cheap", "type-error", "fare"),
        ("€ 1.234,50", "-1,0", "constraint-error", "fare"),
        (";3;", ";12;", "constraint-error", "seats"),
        (";3;", ";;", "constraint-error", "seats"),
        (";yes;", ";maybe;", "type-error", "member"),
        (";desk;", ";tablet;", "constraint-error", "device"),
        (";2;", ";3;", "constraint-error", "code"),
        (";;no", ";;perhaps", "constraint-error", "back"),
    ],
)
def test_a_broken_rule_is_found_where_the_contract_finds_it(tmp_path: Path, old: str, new: str, kind: str, column: str) -> None:
    assert errors(tmp_path, GOOD.replace(old, new)) == [(kind, column)]


def test_a_key_that_comes_twice_is_an_error_of_the_primary_key(tmp_path: Path) -> None:
    assert errors(tmp_path, GOOD, GOOD) == [("primary-key", None)]


def test_whatever_the_standard_has_no_word_for_is_kept_under_our_own_keys() -> None:
    written = json.loads(exports.write(TRIPS, "table-schema", "trips", ProjectInfo()))
    fields = {field["name"]: field for field in written["fields"]}
    assert (written["shipway:target"], fields["town"]["shipway:levels"], fields["note"]["type"]) == (
        "back",
        ["Bonn", "Kiel"],
        "any",
    )


@pytest.mark.parametrize("name", ["telco_churn", "iris", "airline_satisfaction"])
def test_the_case_studies_read_rows_of_their_contract(name: str, tmp_path: Path) -> None:
    contract = contracts.load(PROJECTS / name / "contract.toml")
    row = {
        column: rules.levels[0] if rules.levels else "1" if rules.type in ("integer", "number") else "a"
        for column, rules in contract.columns.items()
    }
    pl.DataFrame([row]).write_csv(tmp_path / "rows.csv")
    report = Resource(path="rows.csv", basepath=str(tmp_path), schema=schema(contract)).validate()
    assert report.valid, report.flatten(["message"])
