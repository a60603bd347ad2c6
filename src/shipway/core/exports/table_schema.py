"""The contract as a Frictionless Table Schema (https://datapackage.org/standard/table-schema/, version 2).

What the standard has no word for stands under keys that start with `shipway:`, as it asks of additional ones. It reads texts a
little differently: a whole number written as 84.0 is an integer to the contract and none to Table Schema; with `bareNumber` off
it takes any text around a number, where the contract takes the declared affixes only.
"""

from __future__ import annotations

from typing import Any

from shipway.core.contract import Column, Contract
from shipway.core.exports.json_schema import levels_of, required
from shipway.core.project import ProjectInfo

PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
TYPES = {"category": "string", "text": "string"}
"""Where the standard has another word for a type."""
TRUE = ["true", "True", "TRUE", "yes", "Yes", "YES", "1", "1.0"]
FALSE = ["false", "False", "FALSE", "no", "No", "NO", "0", "0.0"]
DEFAULT_MISSING = ("",)
"""What the standard takes as missing where a field does not say."""
CLOCK = ("%H", "%I", "%M", "%S", "%f", "%p", "%T", "%R", "%X", "%c")
"""Directives of a format that has a time of day, so that the column is a datetime and not a date."""
EXTENSION = "shipway"

Field = dict[str, Any]


def document(contract: Contract, name: str, info: ProjectInfo) -> dict[str, Any]:
    """A row of the project *name* as its source sends it, target and key included."""
    schema: dict[str, Any] = {"$schema": PROFILE, "name": name}
    schema |= {key: text for key, text in (("title", info.title), ("description", info.description)) if text}
    schema["fields"] = [_field(contract, column) for column in contract.columns]
    if contract.key:
        schema["primaryKey"] = contract.key
    return schema | _extended({"target": contract.target, "positive": contract.positive_class, "weight": contract.weight})


def _field(contract: Contract, name: str) -> Field:
    column, role = contract.columns[name], contract.role(name)
    levels, closed = levels_of(contract, name)
    said = {"description": column.description} if column.description else {}
    about = _extended({"role": role, "unit": column.unit})
    if role == "ignored":
        return {"name": name, "type": "any", **said, **about}
    field: Field = {"name": name, "type": TYPES.get(column.type, column.type), **said, **_written(column)}
    if column.missing != DEFAULT_MISSING:
        field["missingValues"] = list(column.missing)
    timed = column.format is not None and column.type != "datetime"
    rules = {
        "required": True if name in required(contract, target=True) else None,
        "minimum": None if timed else _whole(column.minimum),
        "maximum": None if timed else _whole(column.maximum),
        "enum": levels if closed else None,
    }
    if rules := {rule: value for rule, value in rules.items() if value is not None}:
        field["constraints"] = rules
    return {**field, **about, **_extended({"levels": None if closed else levels})}


def _written(column: Column) -> Field:
    """How the texts of a column are written."""
    match column.type:
        case "boolean":
            return {"trueValues": TRUE, "falseValues": FALSE}
        case "datetime" if column.format is None:
            # any: the default is the one form 2026-11-23T09:30:00, where the contract takes all of ISO 8601
            return {"format": "any"}
        case "datetime":
            return {"type": _moment(column.format or ""), "format": column.format}
    if column.format is not None:
        return {"type": "string", **_extended({"format": column.format})}
    field: Field = {}
    if column.thousands is not None or column.decimal != ".":
        # readers of the standard's first version know these of numbers only
        field = {"type": "number", "decimalChar": column.decimal, "groupChar": column.thousands or ""}
    return {**field, "bareNumber": False} if column.affixes else field


def _moment(written: str) -> str:
    return "datetime" if any(directive in written for directive in CLOCK) else "date"


def _whole(bound: float | None) -> float | None:
    return int(bound) if bound is not None and bound % 1 == 0 else bound


def _extended(values: dict[str, Any]) -> Field:
    return {f"{EXTENSION}:{key}": value for key, value in values.items() if value is not None}
