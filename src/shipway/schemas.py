"""The JSON Schemas of `project.toml` and `contract.toml` as a workspace keeps them, for editors.

That of the project comes from the signatures of the steps and of the sources' adapters, and from the structs of the sections that
belong to no step, as these are what the file is checked against.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from shipway.core import disk, file_schemas
from shipway.core.file_schemas import DIALECT, FOLDER, Schema, closed, descriptions, of, relaxed, summary
from shipway.core.plan import INJECTED
from shipway.core.ports import Source
from shipway.core.project import FREE_SECTIONS, ProjectInfo
from shipway.core.serve import Serve
from shipway.core.step import Step

TITLE = "A Shipway project"


def project(steps: Sequence[Step[..., Any]], sources: Mapping[str, str], given: Collection[str]) -> Schema:
    """The schema of `project.toml`.

    Args:
        steps: The lifecycle, whose settings are the file's sections.
        sources: Kind -> `module:attribute` of each adapter of ours for `[ingest.source]`; other distributions have others.
        given: Names of what such an adapter gets from the wiring and not from the file.
    """
    sections: dict[str, Schema] = {name: {"type": "object"} for name in FREE_SECTIONS}
    sections["project"], sections["serve"] = of(ProjectInfo), of(Serve)
    for step in steps:
        said = descriptions(step.function)
        settings = {}
        for name, default in step.parameters.items():
            annotation = step.annotations[name]
            if annotation is Source:
                settings[name] = _sources(sources, given)
            elif name in FREE_SECTIONS and annotation not in INJECTED:
                sections[name] = of(annotation)
            elif annotation not in INJECTED:
                settings[name] = _setting(annotation, default, said.get(name))
        sections[step.name] = closed(settings, description=summary(step.function))
    variants = {
        "type": "object",
        "description": "Sections by a name of their own, laid over the rest by --variant.",
        "additionalProperties": relaxed(closed(sections)),
    }
    return {"$schema": DIALECT, **closed({**sections, "variant": variants}, title=TITLE)}


def write(root: Path, found: Mapping[str, Schema]) -> list[Path]:
    """Keep the schemas *found*, by the name of the file that they are for, in the workspace *root*; gives their files.

    A file of that name that is somebody else's stays as it is, and is not among those given.
    """
    files = []
    for name, schema in found.items():
        file = root / FOLDER / f"{name}.json"
        content = (json.dumps(schema, indent=1, ensure_ascii=False) + "\n").encode()
        there = file.read_bytes() if file.exists() else None
        if there is not None and there != content and not _is_ours(there, schema):
            continue
        if there != content:
            disk.write_file(file, content)
        files.append(file)
    return files


def generate(steps: Sequence[Step[..., Any]], sources: Mapping[str, str], given: Collection[str]) -> dict[str, Schema]:
    """Both schemas, each by the name of the file that it is for."""
    return {"project": project(steps, sources, given), "contract": file_schemas.contract()}


def _is_ours(content: bytes, schema: Schema) -> bool:
    try:
        return bool(json.loads(content)["title"] == schema["title"])
    except (ValueError, KeyError, TypeError):
        return False


def _setting(annotation: Any, default: Any, text: str | None) -> Schema:
    schema = of(annotation, text)
    return schema if default is None else {**schema, "default": msgspec.json.decode(msgspec.json.encode(default))}


def _sources(sources: Mapping[str, str], given: Collection[str]) -> Schema:
    """`[ingest.source]`: the keys of each kind; those of a kind that is not ours are its own business."""
    kinds = [_source(kind, path, given) for kind, path in sources.items()]
    others = {
        "type": "object",
        "description": "A kind that another distribution offers.",
        "properties": {"kind": {"type": "string", "not": {"enum": list(sources)}}},
        "required": ["kind"],
    }
    return {"description": "Where the rows come from.", "anyOf": [*kinds, others]}


def _source(kind: str, path: str, given: Collection[str]) -> Schema:
    module, _, attribute = path.partition(":")
    adapter = getattr(importlib.import_module(module), attribute)
    said, types = descriptions(adapter), get_type_hints(adapter.__init__)
    parameters = {name: each for name, each in inspect.signature(adapter).parameters.items() if name not in given}
    keys = {"kind": {"enum": [kind]}}
    for name, each in parameters.items():
        default = None if each.default is inspect.Parameter.empty else each.default
        keys[name] = _setting(types.get(name, Any), default, said.get(name))
    needed = [name for name, each in parameters.items() if each.default is inspect.Parameter.empty]
    return {**closed(keys, description=summary(adapter)), "required": ["kind", *needed]}
