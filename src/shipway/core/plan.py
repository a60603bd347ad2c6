"""What would run and why: a step's key, and what changed since last time."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from shipway.core import fingerprint, serve
from shipway.core.artifacts import Document
from shipway.core.cache import Cache, Record
from shipway.core.contract import Contract
from shipway.core.conversion import convert
from shipway.core.errors import UsageError
from shipway.core.ports import Clock, DataVersions, ModelRegistry, Progress, Source, Staging
from shipway.core.project import FREE_SECTIONS, ProjectFolder, ProjectInfo, suggest
from shipway.core.step import Step

PORTS: tuple[Any, ...] = (Source, DataVersions, ModelRegistry, Clock, Progress, Staging)
INJECTED: tuple[Any, ...] = (*PORTS, Contract, ProjectInfo)


def check_chain(steps: Sequence[Step[..., Any]]) -> None:
    """Check that each result is written once and before it is read.

    Raises:
        UsageError: Naming the step and the result.
    """
    written: dict[str, str] = {}
    for step in steps:
        for name in step.reads:
            if name not in written:
                raise UsageError(f"step {step.name} reads {name!r}, which no earlier step writes; {suggest(name, written)}")
        for name in step.writes:
            if name in written:
                raise UsageError(f"steps {written[name]} and {step.name} both write {name!r}")
            written[name] = step.name


def settings_of(step: Step[..., Any], project: ProjectFolder) -> dict[str, Any]:
    """The settings of *step*: its section of the project file over its defaults, converted to their types."""
    section = project.section(step.name)
    ports = {name for name in step.parameters if step.annotations[name] in INJECTED}
    known = [name for name in step.parameters if name not in ports and name not in FREE_SECTIONS]
    for name in section:
        if name not in known and name not in ports:
            raise UsageError(f"{project.file}: [{step.name}] has no setting {name!r}; {suggest(name, known)}")
    settings = {}
    for name, default in step.parameters.items():
        if name in ports:
            continue
        free = name in FREE_SECTIONS
        given = project.section(name) if free else section.get(name, default)
        try:
            path = (name,) if free else (step.name, name)
            settings[name] = given if given is default else convert(given, step.annotations[name], *path)
        except UsageError as error:
            raise UsageError(f"{project.file}: {error}") from None
    return settings


def check_sections(steps: Iterable[Step[..., Any]], project: ProjectFolder) -> None:
    """Check every section of the project file against the steps' signatures, and the contract, before anything runs."""
    steps = list(steps)
    known = [*FREE_SECTIONS, *(step.name for step in steps)]
    for name in project.sections:
        if name not in known:
            raise UsageError(f"{project.file}: there is no section [{name}]; {suggest(name, [*known, 'variant'])}")
    settings = {}
    for step in steps:
        settings[step.name] = settings_of(step, project)
        for annotation in step.annotations.values():
            from_folder(annotation, project)
    serve.of(project)
    for step in steps:
        _check(step, settings, project, step.checks)


def rehearse(steps: Sequence[Step[..., Any]], chosen: Iterable[Step[..., Any]], project: ProjectFolder, cache: Cache) -> None:
    """Check what takes a library to check, before anything runs; a step that ran with the same settings needs none.

    Args:
        steps: The lifecycle.
        chosen: Those of its steps that would run.

    Raises:
        UsageError: As the step itself would raise it.
    """
    for step in chosen:
        if step.rehearsals:
            declared = declared_of(step, project, settings_of(step, project))
            if not any(declared.items() <= record.inputs.items() for record in cache.kept(step)):
                settings = {each.name: settings_of(each, project) for each in steps}
                _check(step, settings, project, step.rehearsals)


def _check(
    step: Step[..., Any],
    settings: Mapping[str, Mapping[str, Any]],
    project: ProjectFolder,
    checks: Iterable[Callable[..., None]],
) -> None:
    """Call *checks* with what they ask for by name: the step's *settings*, another step's, the contract."""
    known = {name: value for given in (*settings.values(), settings[step.name]) for name, value in given.items()}
    for check in checks:
        asked = inspect.signature(check).parameters
        given = {name: project.contract if name == "contract" else known[name] for name in asked}
        try:
            check(**given)
        except UsageError as error:
            raise UsageError(f"{project.file}: {error}") from None


def from_folder(annotation: Any, project: ProjectFolder) -> Contract | ProjectInfo | None:
    """What the project folder itself gives to a parameter of that type, where it gives anything."""
    if annotation is Contract:
        return project.contract
    return project.info if annotation is ProjectInfo else None


@functools.cache
def _code_of(module: str) -> dict[str, str]:
    return fingerprint.code_of(module)


def inputs_of(
    step: Step[..., Any], project: ProjectFolder, settings: Mapping[str, Any], keys: Mapping[str, str], ports: Mapping[str, Any]
) -> dict[str, str]:
    """All that *step*'s results depend on, by name.

    Args:
        keys: The key of each result that the step reads.
        ports: The adapter that each port parameter gets.
    """
    inputs = dict(_code_of(step.module))
    declared = declared_of(step, project, settings)
    for value in declared.values():
        inputs.update(fingerprint.library_of(value) if fingerprint.DOTTED.fullmatch(value) else {})
    inputs.update(declared)
    inputs.update({f"result {name}": keys[name] for name in step.reads})
    for name in step.parameters:
        if step.annotations[name] not in (Contract, ProjectInfo) and hasattr(ports.get(name), "fingerprint"):
            inputs[name] = ports[name].fingerprint()
    return inputs


def declared_of(step: Step[..., Any], project: ProjectFolder, settings: Mapping[str, Any]) -> dict[str, str]:
    """What the project folder itself says to *step*: its settings and the contract, by name."""
    declared = {}
    for name, value in flatten(settings):
        where = name if name.partition(".")[0] in FREE_SECTIONS else f"{step.name}.{name}"
        declared[f"setting {where}"] = value
    for annotation in step.annotations.values():
        if annotation is Contract:
            declared["contract"] = project.contract.fingerprint()
        elif annotation is ProjectInfo:
            declared.update({f"setting project.{key}": value for key, value in flatten(msgspec.to_builtins(project.info))})
    return declared


def flatten(value: Any, path: str = "") -> list[tuple[str, str]]:
    """A nested value as (dotted path, text) pairs, in the order of the paths."""
    value = msgspec.to_builtins(value)
    if isinstance(value, Mapping) and (value or not path):
        return [pair for key in sorted(value) for pair in flatten(value[key], f"{path}.{key}" if path else key)]
    return [(path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]


def key_of(inputs: Mapping[str, str]) -> str:
    """The cache key: sha256 of the inputs, its first 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Planned:
    """One step as it stands now: its key, and why it would run (no reason: its results are there)."""

    step: Step[..., Any]
    key: str
    inputs: dict[str, str]
    settings: dict[str, Any]
    ports: dict[str, Any]
    record: Record | None
    because: list[str] = field(default_factory=list)


def examine(
    step: Step[..., Any],
    project: ProjectFolder,
    cache: Cache,
    keys: Mapping[str, str],
    adapters: Callable[[Any], Any],
    *,
    forced: bool = False,
    renewed: Iterable[str] = (),
) -> Planned:
    """Find a step's key and whether it has to run.

    Args:
        keys: The key of each result so far.
        adapters: Gives the adapter for a port's type.
        forced: Run it whatever the key says.
        renewed: Results so far that would be made anew.
    """
    settings = settings_of(step, project)
    read = {name: keys[name] for name in step.reads}
    ports = {}
    for name in step.parameters:
        annotation = step.annotations[name]
        if annotation in PORTS:
            adapter = adapters(annotation)
            ports[name] = adapter.reading(read) if hasattr(adapter, "reading") else adapter
    inputs = inputs_of(step, project, settings, read, ports)
    key = key_of(inputs)
    record = cache.find(step, key)
    if forced:
        because = ["forced"]
    elif record is None:
        because = _differences(cache.latest(step), inputs, set(renewed))
    else:
        because = [
            f"{name} is no longer where it was kept"
            for name, kind in step.kinds.items()
            if isinstance(kind, type) and issubclass(kind, Document)
            for port in ports.values()
            if hasattr(port, "holds") and not port.holds(kind.load(cache.place(step, key, name)))
        ]
    return Planned(step, key, inputs, settings, ports, record, because)


def _differences(latest: Record | None, inputs: Mapping[str, str], renewed: set[str]) -> list[str]:
    if latest is None:
        return ["no result yet"]
    because = []
    for name in sorted({*inputs, *latest.inputs}):
        old, new = latest.inputs.get(name), inputs.get(name)
        if old == new:
            continue
        kind, _, rest = name.partition(" ")
        if kind == "result":
            because.append(f"{rest} would be made anew" if rest in renewed else f"{rest} is another than last time")
        elif kind == "code":
            because.append(f"the code of {rest} changed")
        elif kind == "contract":
            because.append("the contract changed")
        else:
            because.append(f"{name}: {old or 'nothing'} -> {new or 'nothing'}")
    return because or ["its result is no longer in the cache"]
