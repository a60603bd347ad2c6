"""Classifiers by dotted path: found, checked, and made with defaults that a search in threads needs."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from shipway.core.errors import OutsideError, UsageError
from shipway.core.project import suggest
from shipway.modelling.preprocessing import Form

INSTALLS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}
"""Where a package is installed by another name than it is imported by."""

QUIET: dict[str, dict[str, Any]] = {
    "lightgbm": {"verbose": -1, "deterministic": True, "force_row_wise": True},
    "xgboost": {"verbosity": 0},
    "catboost": {"verbose": False, "allow_writing_files": False},
}
"""Parameters by library that hold unless a project gives others: no chatter, and the same result with any number of threads."""


def find(path: str, where: str) -> type[Any]:
    """The class that *path* names.

    Args:
        where: The place in the project file, for the message.

    Raises:
        UsageError: There is no such class, its package is not installed, or it is no classifier with probabilities.
        OutsideError: Its package needs a library that the system does not have.
    """
    module_name, dot, name = path.rpartition(".")
    if not dot:
        raise UsageError(f'{where}: {path!r} is no dotted path of a class, such as "sklearn.linear_model.LogisticRegression"')
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        package = module_name.partition(".")[0]
        if error.name == package:
            raise UsageError(f"{where}: {package} is not installed; pip install {INSTALLS.get(package, package)}") from None
        raise UsageError(f"{where}: there is no module {module_name!r}; {_siblings(module_name)}") from None
    except OSError as error:
        raise OutsideError(
            f"{where}: {module_name} can't be loaded, as a library of the system is missing ({error}); for libgomp: "
            "apt-get install libgomp1, or brew install libomp on a Mac"
        ) from None
    found = getattr(module, name, None)
    if found is None:
        classes = [key for key, value in inspect.getmembers(module, inspect.isclass) if hasattr(value, "fit")]
        raise UsageError(f"{where}: {module_name} has no {name!r}; {suggest(name, classes)}")
    if not (inspect.isclass(found) and hasattr(found, "fit") and hasattr(found, "get_params")):
        raise UsageError(f"{where}: {path} is no scikit-learn estimator; name a classifier class")
    return found


def make(path: str, params: Mapping[str, Any], *, seed: int, threads: int = 1, where: str = "estimator") -> Any:
    """An estimator, not fitted. *params* go before our own defaults: seed, threads, silence.

    Raises:
        UsageError: As `find` does; and for a parameter that it does not have, with the nearest.
    """
    found = find(path, where)
    known = inspect.signature(found.__init__).parameters
    names = [name for name, parameter in known.items() if name != "self" and parameter.kind != parameter.VAR_KEYWORD]
    open_ended = any(parameter.kind == parameter.VAR_KEYWORD for parameter in known.values())
    for name in params:
        if name not in names and not open_ended:
            raise UsageError(f"{where}: {path} has no parameter {name!r}; {suggest(name, names)}")
    defaults: dict[str, Any] = {"random_state": seed, "n_jobs": threads}
    given = {name: value for name, value in defaults.items() if name in names}
    if path.startswith("sklearn.linear_model."):
        # those that still have it do nothing with it, and warn
        given.pop("n_jobs", None)
    given.update(QUIET.get(path.partition(".")[0], {}))
    try:
        estimator = found(**{**given, **params})
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {path} can't be made with these parameters: {error}") from None
    if not _gives_probabilities(estimator):
        raise UsageError(
            f"{where}: {path} is no classifier with predict_proba, which a model needs to answer with probabilities; "
            'choose one that has it, such as "sklearn.linear_model.LogisticRegression"'
        )
    return estimator


def form_of(estimator: Any) -> Form:
    """What matrix the estimator is given: by what its tags say of NaN (trees take it) and of sparse matrices."""
    from sklearn.utils import get_tags

    if type(estimator).__module__.startswith("lightgbm."):
        return "codes"
    tags = get_tags(estimator).input_tags
    if tags.allow_nan:
        return "gaps"
    return "sparse" if tags.sparse and type(estimator).__module__.startswith("sklearn.linear_model.") else "dense"


def takes_weights(estimator: Any) -> bool:
    """Whether the estimator can be told how much each row counts."""
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(estimator, "sample_weight"))


def _gives_probabilities(estimator: Any) -> bool:
    from sklearn.base import is_classifier

    return bool(is_classifier(estimator)) and hasattr(estimator, "predict_proba")


def _siblings(module_name: str) -> str:
    package, _, name = module_name.rpartition(".")
    try:
        parent = importlib.import_module(package)
    except ModuleNotFoundError:
        return _siblings(package) if "." in package else f"see the documentation of {package}"
    return suggest(name, [key for key in getattr(parent, "__all__", dir(parent)) if not key.startswith("_")])
