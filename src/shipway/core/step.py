"""The `@step` declaration: a plain function whose signature says what it reads, its settings and its ports."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints

P = ParamSpec("P")
R = TypeVar("R")
Check = Callable[..., None]


class Step(Generic[P, R]):
    """A step of the lifecycle. Calling it calls the function.

    Attributes:
        name: The function's name, and the section of `project.toml` that holds its settings.
        reads: Names of the results it takes, from its positional parameters.
        writes: Names of the results it makes.
        checks: What looks at its settings on every run, before anything runs.
        rehearsals: The same, where that takes a library to do; only for settings that the step did not run with yet.
    """

    def __init__(self, function: Callable[P, R], writes: tuple[str, ...]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = function.__name__
        self.module = function.__module__
        self.writes = writes
        parameters = inspect.signature(function).parameters.values()
        self.reads = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.checks: list[Check] = []
        self.rehearsals: list[Check] = []
        self.parameters = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<step {self.name}: {', '.join(self.reads) or 'nothing'} -> {', '.join(self.writes)}>"

    def check(self, function: Check) -> Check:
        """Have *function* check settings that agree with their types: it takes those that it names, this step's or another's, and
        the contract.

        It raises UsageError, and is called with every run, so that it may import no library.
        """
        self.checks.append(function)
        return function

    def rehearse(self, function: Check) -> Check:
        """As `check`, for what takes a library to check."""
        self.rehearsals.append(function)
        return function

    @functools.cached_property
    def annotations(self) -> dict[str, Any]:
        """The type of each parameter, resolved."""
        return get_type_hints(self.function)

    @functools.cached_property
    def kinds(self) -> dict[str, Any]:
        """The kind of each result it writes."""
        returned = self.annotations["return"]
        parts = returned.__args__ if len(self.writes) > 1 else (returned,)
        return dict(zip(self.writes, parts, strict=True))


def step(*, writes: str | tuple[str, ...]) -> Callable[[Callable[P, R]], Step[P, R]]:
    """Declare a function as a step that makes the result *writes* (or several, returned as a tuple)."""
    names = (writes,) if isinstance(writes, str) else writes

    def declare(function: Callable[P, R]) -> Step[P, R]:
        return Step(function, names)

    return declare
