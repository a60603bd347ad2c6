"""A fitted model as an MLflow model: the bundle, the code that serves it, signature, input example, requirements and wheel."""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
from pathlib import Path
from typing import Any

import msgspec

from shipway.core import fingerprint, wheel
from shipway.core.contract import Column, Level
from shipway.core.models import Bundle, ModelCard
from shipway.core.search import members_of
from shipway.scoring.predictor import SELF_TESTS, SelfTest

SERVING_NEEDS = ("mlflow", "msgspec", "numpy", "pandas", "polars", "pyarrow", "scikit-learn", "scipy", "skops")
WHEELS = "wheels"
"""Where MLflow itself keeps the wheels of a model; the requirements name them relative to the model's folder."""

UV_FILES = ("uv.lock", "pyproject.toml", ".python-version")
"""MLflow copies these from the current folder and then installs them instead of the requirements: they are not the model's."""

BUNDLE = "bundle"


def write(folder: Path, card: ModelCard, bundle: Bundle, *, model_id: str, run_id: str, location: str) -> None:
    """Write the MLflow model into *folder*, a new one in a folder of the caller's own.

    Args:
        model_id, run_id, location: How MLflow knows the model, the run that made it, and where its files will be.
    """
    import mlflow.pyfunc
    import pandas
    from mlflow.models import Model

    # MLflow keeps an artifact under the name of its folder: the same one for every bundle.
    named = folder.with_name(BUNDLE)
    named.mkdir()
    bundle.save(named)
    record = Model(model_id=model_id, model_uuid=model_id, run_id=run_id, artifact_path=location)
    # Requirements are given: MLflow would spend seconds on running the model to see what it imports.
    mlflow.pyfunc.save_model(
        str(folder),
        python_model=str(Path(__file__).with_name("served.py")),
        artifacts={BUNDLE: str(named)},
        signature=signature(card),
        input_example=pandas.DataFrame([example(card, bundle)]),
        pip_requirements=requirements(card),
        mlflow_model=record,
    )
    for name in UV_FILES:
        with contextlib.suppress(FileNotFoundError):
            (folder / name).unlink()
    wheel.build(folder / WHEELS)


def signature(card: ModelCard) -> Any:
    """What the model reads and what comes back, in MLflow's types.

    Columns that play no part are left out: MLflow passes over what its signature does not have, and a column of any type would
    keep it from reading CSV.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    contract = card.contract
    columns = {name: contract.columns[name] for name in contract.features}
    inputs = [ColSpec(_input_type(column), name, required=not column.nullable) for name, column in columns.items()]
    outputs = [ColSpec(_label_type(card.classes), "label")]
    outputs += [ColSpec("double", f"probability_{level}") for level in card.classes]
    return ModelSignature(Schema(inputs), Schema(outputs))


def example(card: ModelCard, bundle: Bundle) -> dict[str, Any]:
    """The bundle's typical record, nobody's row, in the types of the signature."""
    import pandas

    record = msgspec.json.decode((bundle.folder / SELF_TESTS).read_bytes(), type=list[SelfTest])[0].record
    for name, column in card.contract.columns.items():
        if name in record and column.type == "datetime":
            record[name] = pandas.Timestamp(record[name])
        elif name in record and column.type in ("integer", "number") and (column.nullable or column.type == "number"):
            record[name] = math.nan if record[name] is None else float(record[name])
    return record


def requirements(card: ModelCard) -> list[str]:
    """What serving needs, in the versions in use, and Shipway's own wheel."""
    versions = {name: importlib.metadata.version(name) for name in SERVING_NEEDS}
    for member in members_of(card.estimator, card.params):
        for name, version in fingerprint.library_of(member.estimator).items():
            versions[name.removeprefix("library ")] = version
    return [*(f"{name}=={versions[name]}" for name in sorted(versions)), f"{WHEELS}/{wheel.file_name()}"]


def _input_type(column: Column) -> Any:
    """MLflow has no missing integer or boolean: pandas holds the one as a float, the other as an object."""
    from mlflow.types.schema import AnyType

    types: dict[str, Any] = {
        "integer": "double" if column.nullable else "long",
        "number": "double",
        "boolean": AnyType() if column.nullable else "boolean",
        "datetime": "datetime",
    }
    return types.get(column.type, "string")


def _label_type(classes: list[Level]) -> str:
    kinds = {type(level) for level in classes}
    return {bool: "boolean", int: "long"}.get(kinds.pop(), "string") if len(kinds) == 1 else "string"
