from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.ports.entries import SECOND, label, prediction

from shipway import wiring
from shipway.cli.journal import journal
from shipway.core import journal as journals
from shipway.core.errors import UsageError
from shipway.core.workspace import Workspace

Call = Callable[..., str]

DAY = 24 * 3600


@pytest.fixture
def call(place: Workspace, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls a command; the journal has a prediction of a hundred days ago, one of two days ago and one of now."""
    place.journal.unlink(missing_ok=True)
    now = journals.now() // SECOND
    ages = [prediction(now - days * DAY, project="visits", model_version=str(days)) for days in (100, 2, 0)]
    kept = wiring.journal(place)
    kept.write(ages, [label(now, "no", project="visits", prediction=ages[1].id), label(now, project="visits", key="nobody")])
    kept.close()

    def called(*words: str) -> str:
        journal.main(list(words), standalone_mode=False)
        return capsys.readouterr().out

    return called


def lines(call: Call, out: Path, *words: str) -> list[str]:
    call("export", "visits", "--out", str(out), *words)
    return [json.loads(line)["model_version"] for line in out.read_text().splitlines()]


def test_an_export_has_the_predictions_of_a_span_by_time(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert lines(call, out) == ["100", "2", "0"]
    assert lines(call, out, "--since", "30d") == ["2", "0"]
    assert lines(call, out, "--since", "2020-01-01", "--until", "36h") == ["100", "2"]
    assert call("export", "visits", "--out", str(out)) == f"3 predictions are in {out}\n"


def test_a_moment_that_is_none_is_refused_with_examples(call: Call, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"such as 2026-11-01.*found 'yesterday'"):
        call("export", "visits", "--out", str(tmp_path / "out.csv"), "--since", "yesterday")


def test_the_stats_count_versions_classes_and_labels(call: Call) -> None:
    found = json.loads(call("stats", "visits", "--json"))
    assert (found["project"], found["predictions"], found["labelled"], found["waiting"]) == ("visits", 3, 1, 1)
    assert [share["model_version"] for share in found["shares"]] == ["100", "2", "0"]
    assert found["first"] < found["last"]
    shown = call("stats", "visits")
    assert "3 predictions of visits, 1 with a true label" in shown
    assert "wait for their prediction: 1" in shown


def test_shadows_are_exported_with_what_they_shadow_and_compared_apart(call: Call, place: Workspace, tmp_path: Path) -> None:
    kept = wiring.journal(place)
    answered = [one for page in kept.read("visits") for one in page]
    kept.write([prediction(1, project="visits", model_version="9", label='"no"', shadow_of=one.id) for one in answered])
    kept.close()
    out = tmp_path / "out.jsonl"
    assert len(lines(call, out)) == 6
    assert lines(call, out, "--only", "answered") == ["100", "2", "0"]
    assert lines(call, out, "--only", "shadow") == ["9"] * 3
    assert {json.loads(line)["shadow_of"] for line in out.read_text().splitlines()} == {one.id for one in answered}
    found = json.loads(call("stats", "visits", "--json"))
    assert found["predictions"] == 3
    assert [(one["answered"], one["records"]) for one in found["shadows"]] == [("100", 1), ("2", 1), ("0", 1)]
    shown = call("stats", "visits").splitlines()
    assert ["2", "9", "1", "0.0%", "1", "0.0%", "100.0%"] in [line.split() for line in shown]


def test_pruning_needs_a_yes_and_an_age(call: Call, place: Workspace) -> None:
    with pytest.raises(UsageError, match="--before 30d, or keep"):
        call("prune", "visits", "--yes")
    with pytest.raises(UsageError, match="--yes"):
        call("prune", "visits", "--before", "30d")
    assert call("prune", "visits", "--before", "30d", "--yes") == "predictions of visits that were deleted: 1\n"
    file = place.projects / "visits/project.toml"
    file.write_text(file.read_text() + '[serve.journal]\nkeep = "1d"\n')
    assert call("prune", "visits", "--yes") == "predictions of visits that were deleted: 1\n"
    assert json.loads(call("stats", "visits", "--json"))["predictions"] == 1
