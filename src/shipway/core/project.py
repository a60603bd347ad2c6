"""A project folder: `project.toml` with its variants and overrides laid over it, and the contract beside it."""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from shipway.core import contract
from shipway.core.contract import Contract
from shipway.core.errors import UsageError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""A project's name becomes part of a git tag, an address and a model's name."""

FREE_SECTIONS = ("project", "prepare", "preprocess", "serve")
"""Sections that belong to no step; a step that needs one names it as a parameter."""


class ProjectInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `[project]`: what people should know of the model, and the columns that it does not learn from.

    Attributes:
        title: What the model is called where people see it.
        description: What it predicts, and from what.
        intended_use: What it is for, and what not.
        ignore: Columns that are accepted and play no part, whatever the contract says of them: the answer to a column that gives
            the target away.
    """

    title: str = ""
    description: str = ""
    intended_use: str = ""
    ignore: list[str] = []


@dataclass(frozen=True)
class ProjectFolder:
    """A project folder, read. `sections` is the content of `project.toml` with variant and overrides laid over it."""

    folder: Path
    sections: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def file(self) -> Path:
        return self.folder / "project.toml"

    @functools.cached_property
    def contract(self) -> Contract:
        """The contract beside the project file, less the columns that `[project] ignore` names."""
        found = contract.load(self.folder / "contract.toml")
        for name in self.info.ignore:
            if name not in found.columns:
                raise UsageError(f"{self.file}: [project] ignore: there is no column {name!r}; {suggest(name, found.columns)}")
            if found.role(name) not in ("feature", "ignored"):
                raise UsageError(f"{self.file}: [project] ignore: {name!r} is the {found.role(name)}, which can't be ignored")
        ignoring = found.ignoring(self.info.ignore)
        if not ignoring.features:
            raise UsageError(f"{self.file}: [project] ignore leaves no column to learn from")
        return ignoring

    @functools.cached_property
    def info(self) -> ProjectInfo:
        from shipway.core.conversion import convert  # which needs `suggest` from here

        try:
            found: ProjectInfo = convert(self.section("project"), ProjectInfo, "project")
        except UsageError as error:
            raise UsageError(f"{self.file}: {error}") from None
        return found

    def section(self, name: str) -> dict[str, Any]:
        found = self.sections.get(name, {})
        if not isinstance(found, dict):
            raise UsageError(f"{self.file}: {name} must be a section, [{name}], not a value")
        return found


def load(folder: Path, *, variant: str | None = None, overrides: Iterable[str] = ()) -> ProjectFolder:
    """Read a project folder.

    Args:
        folder: Where `project.toml` is.
        variant: Name of a `[variant.NAME]` table to lay over the rest.
        overrides: Texts `section.key=value`, laid over last; the value is TOML, or a text where it is none.

    Raises:
        UsageError: The folder is no project, the file is no TOML, the variant is not there, an override has no `=`.
    """
    folder = folder.resolve()
    file = folder / "project.toml"
    try:
        sections = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{folder} has no project.toml, so it is no project") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
    if not NAME.fullmatch(folder.name):
        raise UsageError(f"{folder}: a project's folder is its name, of letters, digits, - and _; rename {folder.name!r}")
    variants = sections.pop("variant", {})
    if variant is not None:
        if variant not in variants:
            raise UsageError(f"{file} has no [variant.{variant}]; {suggest(variant, variants)}")
        sections = lay_over(sections, variants[variant])
    for override in overrides:
        sections = lay_over(sections, _parse_override(override))
    return ProjectFolder(folder, sections)


def lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one nested table over another; a table that names another `kind` replaces the one below whole."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and value.get("kind", old.get("kind")) == old.get("kind"):
            merged[key] = lay_over(old, value)
        else:
            merged[key] = value
    return merged


def suggest(name: str, known: Iterable[str]) -> str:
    """A clause that names the nearest of *known*, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are: {', '.join(names)}" if names else "there are none"


def _parse_override(text: str) -> dict[str, Any]:
    path, equals, value = text.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or len(keys) < 2 or not all(keys):
        raise UsageError(f"--set takes section.key=value, such as split.seed=1, not {text!r}")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    for key in reversed(keys):
        parsed = {key: parsed}
    return dict(parsed)
