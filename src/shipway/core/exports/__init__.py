"""The contract in the words of the standards: JSON Schema, Frictionless Table Schema, Open Data Contract Standard.

Each says as much of the contract as its standard can; what none has a word for goes where it lets others add some.
"""

from __future__ import annotations

import json

from shipway.core.contract import Contract
from shipway.core.project import ProjectInfo

FORMATS = ("json-schema", "table-schema", "odcs")


def write(contract: Contract, to: str, name: str, info: ProjectInfo) -> str:
    """The contract of the project *name* as a file of the format *to*, one of `FORMATS`: JSON, or YAML for `odcs`."""
    from shipway.core.exports import json_schema, odcs, table_schema

    if to == "odcs":
        import yaml  # type: ignore[import-untyped]

        text: str = yaml.safe_dump(odcs.document(contract, name, info), sort_keys=False, allow_unicode=True)
        return text
    written = (json_schema if to == "json-schema" else table_schema).document(contract, name, info)
    return json.dumps(written, indent=2, ensure_ascii=False) + "\n"
