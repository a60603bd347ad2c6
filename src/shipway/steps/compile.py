"""Make the bundle that serves a model, and prove that it answers as the fitted pipeline does."""

from __future__ import annotations

import copy
import datetime
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core import contract as contracts
from shipway.core import disk
from shipway.core.artifacts import Table
from shipway.core.contract import Column, Contract
from shipway.core.errors import ShipwayError
from shipway.core.models import Bundle, Model
from shipway.core.ports import Progress, Staging
from shipway.core.step import step
from shipway.scoring.predictor import CARD, MANIFEST, PIPELINE, SELF_TESTS, Manifest, SelfTest

if TYPE_CHECKING:
    import polars

MADE_WITH = ("lightgbm", "numpy", "polars", "scikit-learn", "shipway", "skops")
SAMPLE = 2000
"""Training rows that the saved pipeline is compared on, beside all test rows; a sample keeps the step short on large tables."""
SELF_TEST_ROWS = 4


@step(writes="bundle")
def compile(training: Table, testing: Table, model: Model, *, staging: Staging, progress: Progress) -> Bundle:
    """Save *model* as the bundle that the service loads: the pipeline, its card, self-tests and a manifest of hashes.

    Args:
        training: Rows for the typical record that callers are shown, and for the comparison.
        testing: Rows for the other self-tests, and for the comparison.

    Raises:
        ShipwayError: The pipeline gives other probabilities once it was saved and loaded.
    """
    served = Model(_single_threaded(model.pipeline), model.card)
    served.save(staging)
    loaded = Model.load(staging)
    sample = training.sample(min(SAMPLE, training.height), seed=0)
    with progress("comparing", total=testing.height + sample.height) as tick:
        for name, rows in (("test", testing), ("training", sample)):
            _compare(served, loaded, rows, name)
            tick(rows.height)
    _write(staging / SELF_TESTS, _self_tests(loaded, training, testing))
    files = {name: disk.sha256_of(staging / name) for name in (CARD, PIPELINE, SELF_TESTS)}
    made_with = {name: importlib.metadata.version(name) for name in MADE_WITH}
    _write(staging / MANIFEST, Manifest(files=files, made_with=made_with))
    size = sum(file.stat().st_size for file in staging.iterdir())
    progress.note(f"{testing.height + sample.height:,} rows equal, {size / 1e6:.1f} MB")
    return Bundle.load(staging)


def _single_threaded(pipeline: Any) -> Any:
    """A copy that scores with one thread: starting more costs a request more time than they save, and forests then add up
    their trees in an order that differs from call to call."""
    pipeline = copy.deepcopy(pipeline)
    for part in _parts(pipeline, {}):
        if "n_jobs" in vars(part):
            part.n_jobs = 1
    return pipeline


def _parts(value: Any, seen: dict[int, Any]) -> Iterator[Any]:
    """The estimators in *value*: what was given to it as parameters and what it has fitted."""
    if id(value) in seen:
        return
    seen[id(value)] = value
    if isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item, seen)
    elif hasattr(value, "get_params") and not isinstance(value, type):
        yield value
        for attribute in vars(value).values():
            yield from _parts(attribute, seen)


def _compare(served: Model, loaded: Model, rows: polars.DataFrame, name: str) -> None:
    if not rows.height:
        return
    differ = (served.probabilities(rows) != loaded.probabilities(rows)).any(axis=1)
    if differ.any():
        raise ShipwayError(
            f"once saved, the pipeline gives other probabilities on {int(differ.sum())} of {rows.height} {name} rows; "
            f"{served.card.estimator} or a part before it does not survive saving: choose another estimator or transformer"
        )


def _self_tests(model: Model, training: polars.DataFrame, testing: polars.DataFrame) -> list[SelfTest]:
    """A typical record, then test rows: one with missing values where there is one, and the first ones."""
    import polars as pl

    contract = model.card.contract
    rows = testing.select(contract.features)
    incomplete = rows.filter(pl.any_horizontal(pl.all().is_null())).head(1)
    chosen = pl.concat([incomplete, rows.head(SELF_TEST_ROWS - incomplete.height)])
    records = [_typical(contract, training), *(_record(row) for row in chosen.to_dicts())]
    frame = contracts.read(contract, records, target=False).frame
    answers = model.probabilities(frame).tolist()
    return [SelfTest(record=record, probabilities=answer) for record, answer in zip(records, answers, strict=True)]


def _typical(contract: Contract, training: polars.DataFrame) -> dict[str, Any]:
    """A record of middle values and commonest levels. It is shown to any caller, so it is made up and no one's row."""
    return _record({name: _middle(contract.columns[name], training[name]) for name in contract.features})


def _middle(column: Column, values: polars.Series) -> Any:
    known = values.drop_nulls()
    if not len(known):
        return None
    if column.type in ("integer", "number", "datetime"):
        return known.sort()[len(known) // 2]
    counts = known.value_counts(sort=True)
    unique_text = column.type == "text" and counts["count"][0] == 1
    return "text" if unique_text else known.mode().sort()[0]


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """A typed row as JSON values."""
    return {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in row.items()}


def _write(path: Path, document: object) -> None:
    disk.write_file(path, msgspec.json.format(msgspec.json.encode(document), indent=1))
