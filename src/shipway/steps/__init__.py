"""The lifecycle: its steps, in order."""

from __future__ import annotations

from typing import Any

from shipway.core.step import Step
from shipway.steps.check import check
from shipway.steps.clean import clean
from shipway.steps.combine import combine
from shipway.steps.compile import compile
from shipway.steps.ingest import ingest
from shipway.steps.register import register
from shipway.steps.snapshot import snapshot
from shipway.steps.split import split
from shipway.steps.train import train
from shipway.steps.tune import tune
from shipway.steps.validate import validate

LIFECYCLE: tuple[Step[..., Any], ...] = (ingest, snapshot, combine, check, clean, split, tune, train, validate, compile, register)
