from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.steps.said import Said

from shipway.core.artifacts import DataVersion, Origin
from shipway.core.models import Bundle, ModelVersion, Verdict
from shipway.core.project import ProjectInfo
from shipway.steps.register import register

DATA = DataVersion(name="x/2026-11", hash="", path="data/x", origin=Origin(source="a.csv", rows=3))
INFO = ProjectInfo(title="Churn", description="Which customers leave.", intended_use="Ranking.")


class Registry:
    """A registry that has two versions already."""

    def register(self, *parts: Any, title: str, description: str, alias: str, pickle: bool) -> ModelVersion:
        self.description = description
        return ModelVersion(name=title, version="3", alias=alias, run_id="run", data_version=DATA.name)


@pytest.mark.parametrize(("passed", "alias"), [(True, "live"), (False, "challenger")])
def test_the_alias_is_given_only_where_the_gates_held(passed: bool, alias: str) -> None:
    said, registry = Said(), Registry()
    verdict = Verdict(rows=1, metrics={}, baseline={}, gates={}, passed=passed)
    bundle = Bundle(Path("bundle"), "digest")
    version = register(None, verdict, bundle, DATA, registry=registry, project=INFO, progress=said, alias="live")
    assert version.alias == alias
    assert said.notes == [f"version 3, {alias}"]
    assert registry.description == "Which customers leave.\n\nIntended use: Ranking."
