from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.cli import visits

from shipway.core.errors import DataError, UsageError
from shipway.core.workspace import Workspace

Call = Callable[..., tuple[int, str]]


def edit(place: Workspace, old: str, new: str, file: str = "contract.toml") -> None:
    path = place.projects / "visits" / file
    path.write_text(path.read_text().replace(old, new))


def rows(call: Call, *words: str) -> list[tuple[int, str, str]]:
    _, shown = call("quarantine", "show", "visits", "--json", *words)
    return [(line["row"], line["column"], line["rule"]) for line in json.loads(shown)["lines"]]


def test_every_broken_rule_is_shown_with_the_row_as_received(place: Workspace, call: Call) -> None:
    code, shown = call("quarantine", "show", "visits")
    assert code == 0
    assert shown.startswith("3 rows of visits are in quarantine, for breaking minimum 2, type 2\n")
    assert '{"visit":"97","pages":"many","minutes":"4","device":"desk","back":"no"}' in shown
    assert "more;" not in shown


def test_the_result_of_check_and_the_rows_read_anew_are_the_same(place: Workspace, call: Call) -> None:
    kept = rows(call)
    assert kept == [(97, "pages", "minimum"), (98, "pages", "type"), (99, "pages", "minimum"), (99, "minutes", "type")]
    edit(place, "[ingest.source]", "[check]\nmax_bad_share = 0.3\n[ingest.source]", "project.toml")
    assert rows(call) == kept


def test_a_mended_contract_has_the_rows_back_before_the_next_run(place: Workspace, call: Call) -> None:
    edit(place, "minimum = 0", "minimum = -2")
    assert rows(call) == [(98, "pages", "type"), (99, "minutes", "type")]


def test_rows_of_a_check_that_failed_are_shown(place: Workspace, call: Call) -> None:
    edit(place, "minimum = 0", "minimum = 3")
    with pytest.raises(DataError):
        visits.run_to_check(place)
    assert len(rows(call, "--rule", "minimum")) > 30


def test_a_run_that_stops_for_bad_rows_changes_nothing_and_the_mended_contract_has_all_rows_back(
    place: Workspace, call: Call
) -> None:
    def results() -> dict[Path, float]:
        files = place.cache("visits").folder.rglob("*")
        return {path: path.stat().st_mtime_ns for path in files if path.is_file()}

    visits.run_to_check(place)
    before = results()
    edit(place, "minimum = 0", "minimum = 4")
    with pytest.raises(DataError, match="more than max_bad_share"):
        visits.run_to_check(place)
    assert results() == before
    edit(place, "minimum = 4", 'minimum = -9\nmissing = ["", "many"]\nnullable = true')
    edit(place, '["", "?"]', '["", "?", "soon"]')
    visits.run_to_check(place)
    assert rows(call) == []


def test_only_the_rule_and_column_that_were_asked_for_are_shown(place: Workspace, call: Call) -> None:
    assert rows(call, "--rule", "type") == [(98, "pages", "type"), (99, "minutes", "type")]
    assert rows(call, "--rule", "type", "--column", "minutes") == [(99, "minutes", "type")]
    with pytest.raises(UsageError, match="did you mean 'minimum'"):
        rows(call, "--rule", "minimun")


def test_a_long_list_is_cut_with_a_line_that_says_how_to_get_all(place: Workspace, call: Call) -> None:
    _, shown = call("quarantine", "show", "visits", "--limit", "1")
    assert shown.endswith("\nand 3 more; --limit 4 shows all, --out FILE writes the rows to mend\n")


def test_rows_to_mend_are_written_one_line_a_row(place: Workspace, call: Call, tmp_path: Path) -> None:
    call("quarantine", "show", "visits", "--out", str(tmp_path / "mend.csv"))
    table = pl.read_csv(tmp_path / "mend.csv", infer_schema=False)
    assert table.columns == ["_source", "_row", "_rules", "visit", "pages", "minutes", "device", "back"]
    assert table["_row"].to_list() == ["97", "98", "99"]


def test_a_project_that_keeps_its_contract_has_no_quarantine(place: Workspace, call: Call) -> None:
    edit(place, "minimum = 0", "minimum = -9")
    edit(place, 'type = "integer"\nminimum', 'type = "number"\nnullable = true\nmissing = ["", "many"]\nminimum')
    edit(place, '["", "?"]', '["", "?", "soon"]')
    assert call("quarantine", "show", "visits") == (0, "no row of visits is in quarantine\n")


def test_a_project_that_never_ran_says_what_to_run(place: Workspace, call: Call) -> None:
    other = place.projects / "fresh"
    other.mkdir(exist_ok=True)
    for file in ("project.toml", "contract.toml"):
        (other / file).write_bytes((place.projects / "visits" / file).read_bytes())
    try:
        with pytest.raises(UsageError, match="shipway run fresh --to check"):
            call("quarantine", "show", "fresh")
    finally:
        for file in other.iterdir():
            file.unlink()
        other.rmdir()
