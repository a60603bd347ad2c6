"""What stands in `project.toml`, turned into the types that the code declares; what is wrong is named by its place."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from shipway.core.errors import UsageError
from shipway.core.project import suggest

WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    dict: "a table",
    list: "a list",
    tuple: "a list",
}
UNIONS = (Union, types.UnionType)


def convert(value: Any, kind: Any, *path: str) -> Any:
    """*value* as *kind*, as `msgspec.convert` has it.

    Args:
        path: The keys that lead to the value in the file; the last one is the key that it stands at, or a section's name.

    Raises:
        UsageError: Naming the table and key, what was expected, what was found, and for an unknown key the nearest.
    """
    _look(value, kind, path)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:  # what no rule here foresees
        raise UsageError(f"{_place(path)}: {error}; found {value!r}") from None


def table(path: tuple[str, ...]) -> str:
    """A table as its header stands in the file: `[tune.candidates.linear]`."""
    return f"[{'.'.join(path)}]"


def _look(value: Any, kind: Any, path: tuple[str, ...]) -> None:
    """Find the first wrong key or value, the outermost first."""
    choices = get_args(kind) if get_origin(kind) in UNIONS else (kind,)
    if isinstance(value, Mapping):
        for choice in choices:
            if isinstance(choice, type) and issubclass(choice, msgspec.Struct):
                return _look_into_struct(value, choice, path)
            if get_origin(choice) is dict:
                for key, inner in value.items():
                    _look(inner, get_args(choice)[1], (*path, key))
                return None
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        near = _nearest(value, choices)
        raise UsageError(f"{_place(path)}: expected {_expected(choices)}; found {value!r}{near}") from None


def _look_into_struct(value: Mapping[str, Any], struct: type[msgspec.Struct], path: tuple[str, ...]) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, inner in value.items():
        if key not in fields:
            raise UsageError(f"{table(path)} has no setting {key!r}; {suggest(key, fields)}")
        _look(inner, fields[key].type, (*path, key))
    for key, field in fields.items():
        if field.required and key not in value:
            raise UsageError(f"{table(path)} needs the key {key!r}: {_expected((field.type,))}")


def _place(path: tuple[str, ...]) -> str:
    return f"{table(path[:-1])} {path[-1]}" if len(path) > 1 else table(path)


def _expected(choices: tuple[Any, ...]) -> str:
    """The values that may stand there, in words."""
    said: list[str] = []
    for choice in choices:
        if choice is type(None):
            continue
        if get_origin(choice) is Annotated:
            said.append(_expected(get_args(choice)[:1]))
        elif get_origin(choice) in UNIONS:
            said.append(_expected(get_args(choice)))
        elif get_origin(choice) is Literal:
            values = get_args(choice)
            said.append(f"{'one of ' * (len(values) > 1)}{', '.join(map(str, values))}")
        elif isinstance(choice, type) and issubclass(choice, msgspec.Struct):
            said.append(f"a table with {', '.join(choice.__struct_fields__)}")
        else:
            outer, inner = get_origin(choice) or choice, [each for each in get_args(choice) if each is not ...]
            listed = f" of {_plural(inner[-1])}" if inner and outer is not dict else ""
            said.append(WORDS.get(outer, str(choice)) + listed)
    return " or ".join(dict.fromkeys(said))


def _plural(kind: Any) -> str:
    return {str: "texts", int: "whole numbers", float: "numbers"}.get(kind, "values")


def _nearest(value: Any, choices: tuple[Any, ...]) -> str:
    """A clause that names the nearest of the words that may stand there; empty where none is near."""
    known = [str(word) for choice in choices if get_origin(choice) is Literal for word in get_args(choice)]
    near = difflib.get_close_matches(value, known, n=1) if isinstance(value, str) else []
    return f"; did you mean {near[0]!r}?" if near else ""
