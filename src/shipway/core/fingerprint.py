"""What a step's code is: its module, the modules of ours that it imports, and the versions of the libraries named there.

All of it is read from the source without importing it, so that it costs milliseconds on the path of an unchanged run.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT.name
DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "PyYAML", "imblearn": "imbalanced-learn"}
"""Where the name that is imported and the name that is installed differ."""

DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
"""A library may also be named by a dotted path in a text, such as an estimator's."""


def code_of(module: str) -> dict[str, str]:
    """The inputs that *module*'s code puts into a step's key: `code MODULE` -> hash and `library NAME` -> version."""
    inputs: dict[str, str] = {"python": ".".join(map(str, sys.version_info[:3]))}
    todo, seen = [module], set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        digest, ours, libraries = _read(name)
        inputs[f"code {name}"] = digest
        for library in libraries:
            inputs.update(library_of(library))
        todo += ours
    return inputs


@functools.cache
def library_of(dotted: str) -> dict[str, str]:
    """`library NAME` -> version for the library that the dotted path *dotted* starts with; nothing where it is none."""
    top = dotted.partition(".")[0]
    if top in sys.stdlib_module_names or top == PACKAGE:
        return {}
    name = DISTRIBUTIONS.get(top, top)
    try:
        return {f"library {name}": importlib.metadata.version(name)}
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return {}


@functools.cache
def _read(module: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The hash of a module of ours with the files beside it that are called like it (a template, a style), the modules of ours
    that it imports, the libraries that it names."""
    path = _path(module)
    if path is None:
        return "", (), ()
    source = path.read_bytes()
    beside = sorted(each for each in path.parent.glob(f"{path.stem}.*") if each.suffix not in (".py", ".pyc"))
    digest = hashlib.sha256(b"".join([source, *(each.read_bytes() for each in beside)]))
    ours: set[str] = set()
    libraries: set[str] = set()
    for name in _names(ast.parse(source)):
        if name.partition(".")[0] != PACKAGE:
            libraries.add(name.partition(".")[0])
        elif (found := _nearest(name)) is not None and found != module:
            ours.add(found)
    return digest.hexdigest()[:16], tuple(sorted(ours)), tuple(sorted(libraries))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DOTTED.fullmatch(node.value):
            yield node.value


def _nearest(name: str) -> str | None:
    """The longest prefix of a dotted name that is a module of ours (`shipway.core.step.step` -> `shipway.core.step`)."""
    while name != PACKAGE and "." in name:
        if _path(name) is not None:
            return name
        name = name.rpartition(".")[0]
    return None


@functools.cache
def _path(module: str) -> Path | None:
    if not module.startswith(f"{PACKAGE}."):
        spec = sys.modules.get(module)
        return Path(spec.__file__) if spec is not None and spec.__file__ else None
    parts = module.split(".")[1:]
    for path in (ROOT.joinpath(*parts).with_suffix(".py"), ROOT.joinpath(*parts, "__init__.py")):
        if path.is_file():
            return path
    return None
