"""A contract as the text of `contract.toml`, with a comment at each guess."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from shipway.core.contract import Column, Contract
from shipway.core.inference.distinct import quoted
from shipway.core.inference.guess import Guess

BARE = re.compile(r"[A-Za-z0-9_-]+")
WIDTH = 130
"""Signs of a line from which a list stands on lines of its own."""

PREFACE = """\
# What a row must be, as its source or caller sends it. Guessed from {rows}: read it once, mend what is wrong, keep it.
# Of each column: its type, what means "missing", and rules. A row that breaks one goes to quarantine; a request is refused."""


def write(guess: Guess, *, schema: str | None = None) -> str:
    """The text of `contract.toml` for *guess*; `contract.load` gives back its contract.

    Args:
        schema: Address of the JSON Schema that editors check the file by, named in the first line.
    """
    contract = guess.contract
    lines = [] if schema is None else [f"#:schema {schema}"]
    lines.append(PREFACE.format(rows=f"{guess.rows:,} row{'' if guess.rows == 1 else 's'}"))
    lines += _comments(guess.remarks)
    lines += _lines(contract, exclude=("columns",))
    for name, column in contract.columns.items():
        lines += ["", f"[columns.{_key(name)}]", *_comments(guess.reasons.get(name, ())), *_lines(column)]
    return "\n".join(lines) + "\n"


def _lines(struct: Contract | Column, exclude: Iterable[str] = ()) -> list[str]:
    """A line for each key that does not hold its default."""
    lines = []
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if field.name not in exclude and value is not None and (field.required or value != default):
            lines.append(_line(field.name, value))
    return lines


def _line(key: str, value: object) -> str:
    line = f"{key} = {_value(value)}"
    if len(line) <= WIDTH or not isinstance(value, list | tuple):
        return line
    return "\n".join([f"{key} = [", *(f"    {_value(one)}," for one in value), "]"])


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case str():
            return quoted(value)
    return repr(value)


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else quoted(name)


def _comments(lines: Iterable[str]) -> list[str]:
    return [f"# {line}" for line in lines]
