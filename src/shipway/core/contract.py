"""The contract: what a row must be, as its caller or source sends it, and the one reader of rows of any origin."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from shipway.core.errors import UsageError

if TYPE_CHECKING:
    import polars

Level = str | int | bool
Type = Literal["text", "category", "integer", "number", "boolean", "datetime"]
Role = Literal["feature", "target", "key", "weight", "ignored"]


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of a row, as it is sent.

    Attributes:
        type: What its values are. A category has few levels; text is free.
        role: Given here only to ignore a column; target and key are named once, in the contract.
        nullable: Whether the value may be missing.
        missing: Texts that mean "no value".
        decimal, thousands: How texts of integer and number columns are written: `decimal = ","` for "3,14"; `thousands = "."` for
            "1.234". Typed numbers are taken as they are.
        affixes: Texts before or after a number that play no part, such as "$", "%" or "kg".
        format: How texts of a datetime column are written, as strftime has it, such as "%d/%m/%Y"; ISO 8601 texts that start
            with the year are read beside it. Of an integer or number column: how times of day or durations are, such as "%H:%M",
            read as seconds; durations of ISO 8601 are read beside it.
        minimum, maximum: Rules that a person declared, both inclusive.
        levels: What a category may be; a rule where `closed`, else what is expected.
        closed: Whether a level that is not listed breaks the contract, instead of only warning.
        unit: What a number is counted in, for people and the service's documentation.
        description: What the column means, for people and the service's documentation.
    """

    type: Type
    role: Literal["feature", "ignored"] = "feature"
    nullable: bool = False
    missing: tuple[str, ...] = ("",)
    decimal: Literal[".", ","] = "."
    thousands: str | None = None
    affixes: tuple[str, ...] = ()
    format: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    levels: list[Level] | None = None
    closed: bool = False
    unit: str | None = None
    description: str | None = None


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns of a row and their rules.

    Attributes:
        target: The column to predict.
        columns: What each column is, in the order of the rows.
        positive: Two classes: the class whose probability the threshold is for; the last level where it is left out.
        key: Columns that identify a row; never a feature.
        weight: A column that says how much a training row counts; never a feature, and of no use at the service's door.
    """

    target: str
    columns: dict[str, Column]
    positive: Level | None = None
    key: list[str] = []
    weight: str | None = None

    @property
    def features(self) -> list[str]:
        """Names of the columns that a model may learn from, in the file's order."""
        return [name for name in self.columns if self.role(name) == "feature"]

    @property
    def classes(self) -> list[Level]:
        """The target's levels as declared."""
        levels = self.columns[self.target].levels
        if not levels:
            raise UsageError(f'the target {self.target!r} needs its levels, such as levels = ["No", "Yes"]')
        return levels

    @property
    def positive_class(self) -> Level | None:
        """The level that a binary model's threshold and curves speak of: the declared one, else the last of two."""
        if self.positive is not None:
            return self.positive
        return self.classes[-1] if len(self.classes) == 2 else None

    def role(self, name: str) -> Role:
        """What the column *name* is for."""
        if name == self.target:
            return "target"
        if name == self.weight:
            return "weight"
        return "key" if name in self.key else self.columns[name].role

    def ignoring(self, names: Iterable[str]) -> Contract:
        """This contract with the columns *names* ignored: accepted, and of no part in the model."""
        ignored = {name: msgspec.structs.replace(self.columns[name], role="ignored") for name in names}
        return msgspec.structs.replace(self, columns={**self.columns, **ignored})

    def fingerprint(self) -> str:
        """Changes when a rule does; comments and order of keys play no part.

        The order of the columns does, as it is the order of the features; units and descriptions do not.
        """
        document = msgspec.to_builtins(self)
        for column in document["columns"].values():
            column.update(unit=None, description=None, missing=sorted(column["missing"]))
        columns = list(document.pop("columns").items())
        return hashlib.sha256(msgspec.json.encode([columns, document], order="deterministic")).hexdigest()


def text_of(value: Level | float) -> str:
    """The text that a value is compared by: 84, 84.0 and "84" are all "84", and True is "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def load(path: Path) -> Contract:
    """Read and check `contract.toml`. Raises UsageError naming the file, the key, what was expected and the nearest name."""
    from shipway.core import contract_rules

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; a contract says what a row must be: its target and its columns") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    contract = contract_rules.convert(document, str(path))
    contract_rules.check(contract, str(path))
    return contract


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule: `row` counts from 0 in what was read; `message` tells the kind of the value, never the value."""

    row: int
    column: str
    rule: str
    message: str


@dataclass(frozen=True)
class Broken:
    """The cells of one column that broke one rule in one way: `rows` counts from 0 in what was read, ascending."""

    column: str
    rule: str
    message: str
    rows: polars.Series


@dataclass(frozen=True)
class Reading:
    """What came of reading rows.

    Attributes:
        frame: Every row, typed; cells that broke a rule are null.
        broken: What broke the rules, in the order of the columns.
        unknown: Columns that the contract does not have; left out of the frame.
        respelled: Of a frame's columns of numbers: the rows whose texts were no plain spelling of the value, such as " 84".
    """

    frame: polars.DataFrame
    broken: list[Broken]
    unknown: list[str] = field(default_factory=list)
    respelled: dict[str, polars.Series] = field(default_factory=dict)

    @cached_property
    def breaches(self) -> list[Breach]:
        """A `Breach` for each broken cell, in row order; for requests, where they are few."""
        found = [Breach(row, one.column, one.rule, one.message) for one in self.broken for row in one.rows.to_list()]
        return sorted(found, key=lambda breach: breach.row)


def read(
    contract: Contract,
    rows: polars.DataFrame | Sequence[Mapping[str, Any]],
    *,
    target: bool,
) -> Reading:
    """Read rows of any origin (CSV texts, typed frames, JSON records) into the contract's types.

    A cell is missing when it is null, NaN, a missing marker (exact text; a typed value by its canonical text) or absent. Else,
    by the column's type:

    - integer: whole numbers within 64 bits and their texts, in any spelling of a number ("84", " 84", "84.0", "8.4e1").
    - number: finite numbers and their texts; no booleans. Texts of both follow the column's decimal, thousands and affixes.
    - boolean: true, false, 1, 0, and the texts true, false, yes, no, 1, 0 in any case.
    - category, text: texts as they are; numbers and booleans become canonical text (84.0 is "84", true is "true").
    - datetime: texts as the format describes them, ISO 8601 texts and typed dates; an offset is turned to UTC and dropped.

    The rules that can break are `type`, `missing`, `required`, `minimum`, `maximum`, `level` and, for records at the service's
    door, `unknown`. Ignored columns never break one: what can't be read is null.

    Args:
        rows: A frame whose columns are texts or typed, or records as decoded from JSON.
        target: True at the door of training, where target and key are read and must be there; False at the service's door,
            where key, ignored and target columns are accepted and play no part.
    """
    from shipway.core.reading import reader

    return reader.read(contract, rows, target=target)
