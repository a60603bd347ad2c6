from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core import contract as contracts
from shipway.core import exports
from shipway.core.contract import Column, Contract
from shipway.core.exports import json_schema
from shipway.core.project import ProjectInfo

PROJECTS = Path(__file__).parents[3] / "projects"
VISITS = Contract(
    target="back",
    key=["visit"],
    weight="share",
    columns={
        "visit": Column(type="integer"),
        "pages": Column(type="integer", minimum=0, maximum=500),
        "grade": Column(type="integer", levels=[1, 2, 3], closed=True),
        "minutes": Column(type="number", nullable=True, missing=("", "?")),
        "device": Column(type="category", levels=["desk", "phone"], closed=True),
        "town": Column(type="category", levels=["Bonn", "Kiel"]),
        "member": Column(type="boolean"),
        "note": Column(type="text", role="ignored"),
        "share": Column(type="number", nullable=True),
        "back": Column(type="category", levels=["no", "yes"]),
    },
)
GOOD: dict[str, Any] = {
    "visit": 7, "pages": 3, "grade": 2, "minutes": None, "device": "desk", "town": "Jena", "member": True, "note": [1],
    "share": 0.5, "back": "no",
}  # fmt: skip
cells: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-5, 600) | st.floats(-10, 10)
cells |= st.sampled_from(["desk", "tablet", "yes", "maybe", "", "?", [], {}])


def validator(contract: Contract) -> jsonschema.Draft202012Validator:
    schema = json.loads(exports.write(contract, "json-schema", "visits", ProjectInfo()))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["telco_churn", "iris", "airline_satisfaction"])
def test_the_case_studies_are_written_as_valid_schemas(name: str) -> None:
    found = validator(contracts.load(PROJECTS / name / "contract.toml"))
    assert not found.is_valid({})


def test_a_row_as_its_source_sends_it_fits_and_may_have_columns_of_no_use() -> None:
    assert validator(VISITS).is_valid(GOOD)
    assert validator(VISITS).is_valid(GOOD | {"colour": "red"})


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(list(VISITS.columns)), cells, max_size=3),
    st.sets(st.sampled_from(list(VISITS.columns)), max_size=1),
)
def test_a_typed_row_fits_where_and_only_where_the_contract_reads_it(changed: dict[str, Any], absent: set[str]) -> None:
    row = {name: value for name, value in (GOOD | changed).items() if name not in absent}
    breaches = contracts.read(VISITS, [row], target=True).breaches
    texts = {name for name, value in row.items() if isinstance(value, str) and VISITS.columns[name].type in ("integer", "number")}
    assert validator(VISITS).is_valid(row) == (not breaches) or texts


def test_markers_that_are_no_numbers_of_json_stay_texts() -> None:
    minutes = Column(type="number", nullable=True, missing=("", "NaN", "inf", "-999"))
    schema = json_schema.column_schema(Contract(target="y", columns={"minutes": minutes, "y": VISITS.columns["back"]}), "minutes")
    json.dumps(schema, allow_nan=False)
    assert {"enum": ["", "NaN", "inf", "-999", -999], "description": "missing"} in schema["anyOf"]


def test_a_records_own_schema_and_the_services_are_one() -> None:
    at_the_door = json_schema.record(VISITS, GOOD)
    assert at_the_door["required"] == ["pages", "grade", "device", "town", "member"]
    assert not jsonschema.Draft202012Validator(at_the_door).is_valid(GOOD | {"colour": "red"})
    assert at_the_door["properties"]["pages"] == json_schema.record(VISITS, target=True)["properties"]["pages"]
