from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from tests.cli.visits import BAD, HEADER, LINES

from shipway.core import exports
from shipway.core.errors import DataError, UsageError
from shipway.core.workspace import Workspace

if TYPE_CHECKING:
    from tests.conftest import CaseStudy

Call = Callable[..., tuple[int, str]]


def written(folder: Path, *lines: str, header: str = HEADER) -> str:
    file = folder / "new rows.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return str(file)


def test_show_names_every_column_with_its_role_and_rules(place: Workspace, call: Call) -> None:
    code, shown = call("contract", "show", "visits")
    lines = {line.split()[0]: line for line in shown.splitlines() if line}
    assert code == 0
    assert shown.startswith("visits predicts back: no, yes; positive is yes\n")
    assert "key" in lines["visit"]
    assert "at least 0" in lines["pages"]
    assert '"", "?"' in lines["minutes"]
    assert "one of no, yes" in lines["back"]


def test_show_as_json_is_the_contract_with_the_role_of_each_column(place: Workspace, call: Call) -> None:
    _, shown = call("contract", "show", "visits", "--json")
    found = json.loads(shown)
    assert [column["role"] for column in found["columns"]] == ["key", "feature", "feature", "feature", "target"]
    assert (found["project"], found["target"], found["positive"]) == ("visits", "back", "yes")


def test_a_file_that_keeps_the_contract_is_said_to(place: Workspace, call: Call, tmp_path: Path) -> None:
    code, shown = call("contract", "check", written(tmp_path, *LINES))
    assert (code, shown) == (0, "0 of 96 rows break the contract of visits\n")


def test_a_file_with_few_bad_rows_passes_with_its_reasons(place: Workspace, call: Call, tmp_path: Path) -> None:
    code, shown = call("contract", "check", written(tmp_path, *LINES, *BAD), "--project", "visits")
    assert code == 0
    assert "3 of 99 rows break the contract of visits (3.0%; a run allows 5.0%)" in shown
    assert "expected an integer, got text" in shown


def test_too_many_bad_rows_get_the_exit_code_of_a_run_that_stops(place: Workspace, call: Call, tmp_path: Path) -> None:
    code, shown = call("contract", "check", written(tmp_path, *LINES[:9], *BAD), "--json")
    found = json.loads(shown)
    assert code == DataError.exit_code
    assert (found["rows"], found["bad_rows"], found["held"]) == (12, 3, False)
    assert found["reasons"][0] == {"column": "pages", "rule": "minimum", "message": "expected at least 0, got less", "cells": 2}


def test_the_share_that_the_project_allows_decides(place: Workspace, call: Call, tmp_path: Path) -> None:
    with (place.projects / "visits/project.toml").open("a") as file:
        file.write("[check]\nmax_bad_share = 0.4\n")
    code, _ = call("contract", "check", written(tmp_path, *LINES[:9], *BAD))
    assert code == 0


def test_renamed_retyped_and_new_columns_are_named(place: Workspace, call: Call, tmp_path: Path) -> None:
    lines = [f"{line},x" for line in ["1,few,2,desk,no", "2,many,3,desk,yes"]]
    _, shown = call("contract", "check", written(tmp_path, *lines, header="visit,pages,Minutes,device,back,weather"), "--json")
    assert [(change["kind"], change["column"]) for change in json.loads(shown)["changes"]] == [
        ("renamed", "Minutes"),
        ("retyped", "pages"),
        ("new", "weather"),
    ]


def test_bad_rows_are_written_with_where_they_stood(place: Workspace, call: Call, tmp_path: Path) -> None:
    call("contract", "check", written(tmp_path, *LINES, *BAD), "--out", str(tmp_path / "bad.parquet"))
    bad = pl.read_parquet(tmp_path / "bad.parquet")
    assert bad.select("_source", "_row", "visit").rows() == [("new rows.csv", n + 1, str(n)) for n in (96, 97, 98)]


def test_good_rows_are_written_typed_and_once(place: Workspace, call: Call, tmp_path: Path) -> None:
    out = tmp_path / "clean.parquet"
    code, shown = call("contract", "check", written(tmp_path, *LINES, *LINES, *BAD), "--clean", str(out))
    assert (code, pl.read_parquet(out)["pages"].to_list()) == (0, [n % 7 for n in range(96)])
    assert f"96 clean rows are in {out}; 96 more repeated or contradicted them" in shown


def test_good_rows_are_written_as_parquet_only(place: Workspace, call: Call, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.parquet"):
        call("contract", "check", written(tmp_path, *LINES), "--clean", str(tmp_path / "clean.csv"))


def test_how_a_file_is_written_can_be_said(place: Workspace, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("\n".join([HEADER, *LINES]).replace(",", "#"), encoding="utf-16")
    code, _ = call("contract", "check", str(file), "--separator", "#", "--encoding", "utf-16")
    assert code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "nowhere.csv"], "no file nowhere.csv"),
        (["check", "shipway.toml", "--out", "bad.xlsx"], r"\.csv, \.parquet, \.jsonl"),
        (["show", "visit"], "did you mean 'visits'"),
        (["diff", "visits"], "no model yet to compare with"),
        (["diff", "visits", "nowhere.toml"], "nowhere.toml is not there"),
    ],
)
def test_what_can_not_be_done_says_why(place: Workspace, call: Call, words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call("contract", *words)


def test_a_contract_is_compared_with_another_file(place: Workspace, call: Call, tmp_path: Path) -> None:
    old = tmp_path / "old.toml"
    old.write_text((place.projects / "visits/contract.toml").read_text().replace("minimum = 0\n", "").replace('"?"', '"-"'))
    code, shown = call("contract", "diff", "visits", str(old))
    assert code == 0
    assert shown.splitlines() == [
        "'pages' was without bounds, and is at least 0",
        '\'minutes\' had the missing markers "", "-", and has "", "?"',
    ]


def test_of_a_table_its_columns_and_their_values_are_compared(place: Workspace, call: Call, tmp_path: Path) -> None:
    lines = [line.replace("desk", "desktop").rpartition(",")[0] for line in LINES]
    file = written(tmp_path, *lines, "96,-1,3,phone", header="visit,pages,minutes,device_type")
    _, shown = call("contract", "diff", "visits", file, "--json")
    found = {(change["kind"], change["column"], change["nearest"]) for change in json.loads(shown)["changes"]}
    assert found == {
        ("lost", "device", "device_type"),
        ("new", "device_type", "device"),
        ("lost", "back", None),
        ("bounds", "pages", None),
    }


def test_a_renamed_column_of_a_table_is_told_by_its_values(place: Workspace, call: Call, tmp_path: Path) -> None:
    file = written(tmp_path, *LINES, header="visit,pages,minutes,gadget,back")
    _, shown = call("contract", "diff", "visits", file)
    assert shown == (
        "'device' is renamed, as it seems: the rows have 'gadget' in its place, with the same levels \"desk\", \"phone\"\n"
    )


def test_a_table_with_nothing_else_is_said_to_be_as_expected(place: Workspace, call: Call, tmp_path: Path) -> None:
    file = written(tmp_path, *LINES)
    assert call("contract", "diff", "visits", file) == (0, f"{file} has what visits expects\n")


def test_a_projects_contract_is_compared_with_that_of_its_champion(
    case_study: Callable[[str], CaseStudy], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = case_study("iris")
    monkeypatch.chdir(study.workspace)
    assert call("contract", "diff", "iris") == (0, "iris has the contract of the champion, version 1\n")


@pytest.mark.parametrize("to", exports.FORMATS)
def test_an_export_goes_to_stdout_or_to_a_file(place: Workspace, call: Call, tmp_path: Path, to: str) -> None:
    _, shown = call("contract", "export", "visits", "--to", to)
    assert call("contract", "export", "visits", "--to", to, "--out", str(tmp_path / "made")) == (0, "")
    assert (tmp_path / "made").read_text() == shown
    assert "minutes" in shown


def test_the_process_ends_with_the_code_and_without_a_traceback_where_its_reader_leaves(place: Workspace, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "shipway", "contract", "check", written(tmp_path, *BAD), "--json"]
    done = subprocess.run(words, cwd=place.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (DataError.exit_code, "")
    read_end, write_end = os.pipe()
    os.close(read_end)
    left = subprocess.run(words, cwd=place.root, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert left.stderr == ""


def test_an_inferred_contract_is_a_contract_file(place: Workspace, call: Call, tmp_path: Path) -> None:
    pytest.importorskip("shipway.core.inference.document")
    _, shown = call("contract", "infer", written(tmp_path, *LINES), "--target", "back")
    assert shown.startswith("#:schema ../../schemas/contract.json\n")
    assert list(tomllib.loads(shown)["columns"]) == HEADER.split(",")
