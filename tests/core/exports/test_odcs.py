from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from shipway.core import exports
from shipway.core import project as projects
from shipway.core.contract import Column, Contract
from shipway.core.exports import odcs
from shipway.core.project import ProjectInfo

PROJECTS = Path(__file__).parents[3] / "projects"
TRIPS = Contract(
    target="back",
    key=["line", "trip"],
    columns={
        "trip": Column(type="integer", minimum=1),
        "line": Column(type="text"),
        "day": Column(type="datetime", format="%d.%m.%Y %H:%M", nullable=True),
        "fare": Column(type="number", decimal=",", nullable=True, missing=("", "?"), unit="EUR"),
        "town": Column(type="category", levels=["Bonn", "Kiel"]),
        "note": Column(type="text", role="ignored"),
        "back": Column(type="boolean", levels=[False, True]),
    },
)


def strictly(contract: Contract, name: str, info: ProjectInfo) -> OpenDataContractStandard:
    """Read by the standard's own model, and held against its schema, which refuses unknown fields at every depth."""
    text = exports.write(contract, "odcs", name, info)
    jsonschema.Draft201909Validator(json.loads(OpenDataContractStandard.json_schema())).validate(yaml.safe_load(text))
    return OpenDataContractStandard.from_string(text)


@pytest.mark.parametrize("name", ["telco_churn", "iris", "airline_satisfaction"])
def test_the_case_studies_are_valid_to_the_standards_own_reader(name: str) -> None:
    folder = projects.load(PROJECTS / name)
    found = strictly(folder.contract, name, folder.info)
    assert found.name == folder.info.title
    assert found.schema_ is not None
    assert [column.name for column in found.schema_[0].properties or []] == list(folder.contract.columns)


def properties(contract: Contract) -> dict[str, Any]:
    found = strictly(contract, "trips", ProjectInfo())
    assert found.schema_ is not None
    return {str(column.name): column for column in found.schema_[0].properties or []}


def test_roles_rules_and_spelling_are_said_in_the_standards_words() -> None:
    found = properties(TRIPS)
    assert (found["trip"].primaryKeyPosition, found["line"].primaryKeyPosition) == (2, 1)
    assert found["trip"].logicalTypeOptions == {"minimum": 1, "format": "i64"}
    assert found["day"].logicalTypeOptions == {"format": "dd.MM.yyyy HH:mm", "timezone": False}
    assert [name for name, column in found.items() if column.required] == ["trip", "line", "town", "back"]
    assert found["town"].examples == ["Bonn", "Kiel"]
    assert found["back"].quality[1].arguments == {"validValues": [False, True]}
    custom = {each.property: each.value for each in found["fare"].customProperties}
    assert custom == {"role": "feature", "type": "number", "unit": "EUR", "missing": ["", "?"], "decimal": ","}


def test_the_version_changes_with_a_rule_and_not_with_prose() -> None:
    def version(**changed: Any) -> str | None:
        columns = {**TRIPS.columns, "trip": Column(type="integer", **{"minimum": 1, **changed})}
        return strictly(Contract(target="back", key=TRIPS.key, columns=columns), "trips", ProjectInfo()).version

    assert version(description="running number") == version()
    assert version(minimum=2) != version()


@pytest.mark.parametrize(
    ("written", "pattern"), [("%Y-%m-%dT%H:%M:%S", "yyyy-MM-dd'T'HH:mm:ss"), ("%d %b '%y", "dd MMM ''yy"), ("%U", None)]
)
def test_a_date_format_is_written_as_java_writes_it(written: str, pattern: str | None) -> None:
    assert odcs.java_format(written) == pattern
