"""The contract in the Open Data Contract Standard (https://bitol.io), version 3.1, which readers of later ones take as well.

Missing markers and levels become the standard's own quality metrics `missingValues` and `invalidValues`; what it has no word for
becomes custom properties.
"""

from __future__ import annotations

import re
from typing import Any

from shipway.core.contract import Column, Contract
from shipway.core.exports.json_schema import levels_of, required
from shipway.core.project import ProjectInfo

VERSION = "v3.1.0"
TYPES = {"category": "string", "text": "string", "datetime": "timestamp"}
"""Where the standard has another word for a type."""
SIGNS = {
    "%Y": "yyyy",
    "%y": "yy",
    "%m": "MM",
    "%d": "dd",
    "%H": "HH",
    "%I": "hh",
    "%M": "mm",
    "%S": "ss",
    "%f": "SSSSSS",
    "%p": "a",
    "%b": "MMM",
    "%B": "MMMM",
    "%a": "EEE",
    "%A": "EEEE",
    "%j": "DDD",
    "%z": "xx",
    "%%": "%",
}
"""strftime's directives as patterns of Java's DateTimeFormatter, which the standard asks for."""
DIRECTIVE = re.compile(r"%.|[A-Za-z]+|'|[^A-Za-z%']+")


def document(contract: Contract, name: str, info: ProjectInfo) -> dict[str, Any]:
    """A row of the project *name* as its source sends it, target and key included.

    The version is the start of the contract's fingerprint, so that it changes when a rule does.
    """
    described = {"purpose": info.description, "usage": info.intended_use}
    table = {
        "name": name,
        "logicalType": "object",
        "physicalType": "table",
        "properties": [_property(contract, column) for column in contract.columns],
        **_custom({"target": contract.target, "positive": contract.positive_class, "weight": contract.weight}),
    }
    head: dict[str, Any] = {"apiVersion": VERSION, "kind": "DataContract", "id": name, "name": info.title or name}
    head |= {"version": contract.fingerprint()[:12], "status": "active"}
    if said := {key: text for key, text in described.items() if text}:
        head["description"] = said
    return {**head, "schema": [table]}


def _property(contract: Contract, name: str) -> dict[str, Any]:
    column, role = contract.columns[name], contract.role(name)
    levels, closed = levels_of(contract, name)
    found: dict[str, Any] = {"name": name, "logicalType": TYPES.get(column.type, column.type)}
    if column.description:
        found["description"] = column.description
    if name in contract.key:
        found |= {"primaryKey": True, "primaryKeyPosition": contract.key.index(name) + 1}
    found["required"] = name in required(contract, target=True)
    if options := _options(column):
        found["logicalTypeOptions"] = options
    if levels and not closed:
        found["examples"] = levels
    if quality := _quality(column.missing if found["required"] else None, levels if closed else None):
        found["quality"] = quality
    spelt = {
        "role": role,
        "type": column.type,
        "unit": column.unit,
        "missing": list(column.missing),
        "decimal": column.decimal if column.decimal != "." else None,
        "thousands": column.thousands,
        "affixes": list(column.affixes) or None,
        "format": column.format,
    }
    return {**found, **_custom(spelt)}


def _options(column: Column) -> dict[str, Any]:
    """Bounds, and how dates are written."""
    options: dict[str, Any] = {"minimum": column.minimum, "maximum": column.maximum}
    if column.type == "integer":
        options["format"] = "i64"
    if column.type == "datetime":
        options["format"] = java_format(column.format) if column.format else None
        options["timezone"] = False
    return {key: value for key, value in options.items() if value is not None}


def java_format(written: str) -> str | None:
    """A strftime format as Java's DateTimeFormatter writes it; None where it has a directive without a counterpart.

    >>> java_format("%d/%m/%Y at %H:%M")
    "dd/MM/yyyy 'at' HH:mm"
    """
    parts = []
    for part in DIRECTIVE.findall(written):
        if part.startswith("%"):
            if part not in SIGNS:
                return None
            parts.append(SIGNS[part])
        else:
            parts.append("''" if part == "'" else f"'{part}'" if part.isalpha() else part)
    return "".join(parts)


def _quality(missing: tuple[str, ...] | None, levels: list[Any] | None) -> list[dict[str, Any]]:
    """Rules in the standard's own metrics, each a count of rows that must be none: no value missing, no other level."""
    rules = []
    if missing is not None:
        rules.append({"metric": "missingValues", "arguments": {"missingValues": [None, *missing]}, "mustBe": 0})
    if levels is not None:
        rules.append({"metric": "invalidValues", "arguments": {"validValues": levels}, "mustBe": 0})
    return rules


def _custom(values: dict[str, Any]) -> dict[str, Any]:
    """The standard's place for what it has no word for."""
    return {"customProperties": [{"property": key, "value": value} for key, value in values.items() if value is not None]}
