"""Adapters by name: Shipway's own, and others' by entry point, each imported when it is first used."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from shipway.core.errors import OutsideError, UsageError
from shipway.core.project import suggest


def find(group: str, name: str, own: Mapping[str, str]) -> Callable[..., Any]:
    """The adapter called *name*.

    Args:
        group: Entry point group in which other distributions may offer more.
        own: Name -> `module:attribute` of Shipway's own, which need no look-up of entry points.

    Raises:
        UsageError: No adapter of that name, naming the nearest.
        OutsideError: It is there, but a library that it needs is not installed.
    """
    if name in own:
        path = own[name]
    else:
        others = {entry.name: entry.value for entry in importlib.metadata.entry_points(group=group)}
        if name not in others:
            raise UsageError(f"there is no {name!r} in {group}; {suggest(name, [*own, *others])}")
        path = others[name]
    module, _, attribute = path.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise OutsideError(f"{name!r} needs the library {error.name!r}: pip install {error.name}") from None
    return found


def build(adapter: Callable[..., Any], where: str, given: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
    """Make an adapter from the user's keys *given* and from what of *context* it asks for by name.

    Raises:
        UsageError: A key that it does not take, or one that it needs and was not given.
    """
    parameters = inspect.signature(adapter).parameters
    known = [name for name in parameters if name not in context]
    for name in given:
        if name not in known:
            raise UsageError(f"{where} has no key {name!r}; {suggest(name, known)}")
    for name in known:
        if parameters[name].default is inspect.Parameter.empty and name not in given:
            raise UsageError(f"{where} needs the key {name!r}")
    return adapter(**given, **{name: value for name, value in context.items() if name in parameters})
