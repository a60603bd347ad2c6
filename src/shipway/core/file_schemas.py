"""JSON Schemas for files that people write, made from the structs that the files are read into, so that editors help with them.

They are draft-07 and free of references, as editors read no less of JSON Schema than that. Taplo, and with it Even Better TOML
for Visual Studio Code, finds them by a comment in the first line (https://taplo.tamasfe.dev/configuration/directives.html).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from shipway.core.contract import Contract

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
FOLDER = "schemas"
"""In a workspace: where its files' schemas lie."""
ENTRY = re.compile(r"^(\w+(?:, \w+)*): ")


def directive(name: str) -> str:
    """The first line of `projects/PROJECT/NAME.toml`, which tells editors where the schema is (Taplo's `schema` directive)."""
    return f"#:schema {address(name)}"


def address(name: str) -> str:
    """Where the schema of `projects/PROJECT/NAME.toml` lies, as seen from that file."""
    return f"../../{FOLDER}/{name}.json"


def contract() -> Schema:
    """The schema of `contract.toml`."""
    return {"$schema": DIALECT, **of(Contract), "title": "A Shipway contract"}


def of(kind: Any, described: str | None = None) -> Schema:
    """What a value of the type *kind* may be; a struct's keys are described by the `Attributes` of its docstring."""
    (schema,), parts = msgspec.json.schema_components([kind], ref_template="{name}")
    found: Schema = msgspec.json.decode(msgspec.json.encode(_inlined(schema, parts, _structs(kind))))
    return {**found, "description": described} if described else found


def closed(properties: Mapping[str, Schema], **said: Any) -> Schema:
    """An object with *properties* and no others, none of which must be there."""
    return {"type": "object", **said, "properties": dict(properties), "additionalProperties": False}


def relaxed(schema: Any) -> Any:
    """*schema* without required keys, for a table that is laid over another one."""
    if isinstance(schema, dict):
        return {key: relaxed(value) for key, value in schema.items() if not (key == "required" and isinstance(value, list))}
    return [relaxed(each) for each in schema] if isinstance(schema, list) else schema


def descriptions(documented: Any) -> dict[str, str]:
    """The sentences on each name in the sections `Args` and `Attributes` of a docstring."""
    found: dict[str, str] = {}
    names: list[str] = []
    within = False
    for line in (inspect.getdoc(documented) or "").splitlines():
        text = line.strip()
        if not line.startswith(" "):
            within = text in ("Args:", "Attributes:") or (within and not text)
        elif within and (entry := ENTRY.match(text)) and len(line) - len(line.lstrip()) == 4:
            names = entry.group(1).split(", ")
            found.update(dict.fromkeys(names, text[entry.end() :]))
        elif within and text:
            found.update({name: f"{found[name]} {text}" for name in names})
    return found


def summary(documented: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def _inlined(schema: Any, parts: Mapping[str, Schema], structs: Mapping[str, Any]) -> Any:
    """*schema* with each reference replaced by the part that it names."""
    if isinstance(schema, list):
        return [_inlined(each, parts, structs) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"]
        part = _inlined(parts[name], parts, structs)
        if name in structs:
            said = descriptions(structs[name])
            properties = {key: _described(value, said.get(key)) for key, value in part.get("properties", {}).items()}
            # msgspec titles a part with the struct's name, which says nothing to the one who writes the file
            part = {key: value for key, value in part.items() if key != "title"}
            part |= {"description": summary(structs[name]), "properties": properties}
        return {**part, **{key: value for key, value in schema.items() if key != "$ref"}}
    return _plain({key: _inlined(value, parts, structs) for key, value in schema.items()})


def _plain(schema: Schema) -> Schema:
    """*schema* without what says nothing: TOML has no null, as a key that may be None is left out."""
    if schema.get("default", ...) is None:
        del schema["default"]
    if schema.get("required") == []:
        del schema["required"]
    choices = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        return {**choices[0], **schema}
    return {**schema, "anyOf": choices} if choices else schema


def _described(schema: Schema, text: str | None) -> Schema:
    return {**schema, "description": text} if text else schema


def _structs(kind: Any) -> dict[str, Any]:
    """The structs that a type names, by their names."""
    found: dict[str, Any] = {}
    todo = [kind]
    while todo:
        each = todo.pop()
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            if each.__name__ not in found:
                found[each.__name__] = each
                todo += [field.type for field in msgspec.structs.fields(each)]
        else:
            todo += [argument for argument in getattr(each, "__args__", ()) if not isinstance(argument, str)]
    return found
