from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from shipway.core.errors import UsageError
from shipway.core.journal import Labelled, export

TIME = 1_796_000_000_123_456


def labelled(record: dict[str, Any], **changed: Any) -> Labelled:
    known: dict[str, Any] = {
        "id": "0193",
        "project": "visits",
        "time": TIME,
        "model_version": "3",
        "data_version": "visits/2026-11",
        "record": json.dumps(record),
        "key": None,
        "label": "true",
        "probabilities": '{"false":0.25,"true":0.75}',
        "warnings": "[]",
        "latency": 1.5,
        "true_label": None,
        "labelled": None,
    }
    return Labelled(**known | changed)


PAGES = [
    [labelled({"age": 40, "town": "Ulm, \x00\n ü"}), labelled({"age": "41", "_id": "mine"}, true_label="false", labelled=TIME)],
    [labelled({"age": None, "more": [1]})],
]


def save(out: Path) -> Path:
    assert export.save(iter(PAGES), out) == 3
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    return out


def test_a_json_line_holds_the_record_as_it_was_kept(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in save(tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["record"] for line in lines] == [json.loads(one.record) for page in PAGES for one in page]
    assert [line["true_label"] for line in lines] == [None, False, None]
    assert datetime.fromisoformat(lines[0]["time"]) == datetime.fromtimestamp(TIME / 1e6, UTC)
    assert lines[0]["probabilities"] == {"false": 0.25, "true": 0.75}


def test_a_table_has_the_columns_of_all_records_as_text(tmp_path: Path) -> None:
    table = pl.read_parquet(save(tmp_path / "out.parquet"))
    assert table["age"].to_list() == ["40", "41", None]
    assert table["_id"].to_list() == [None, "mine", None]
    assert table["__id"].to_list() == ["0193"] * 3
    assert table["_true_label"].to_list() == [None, "false", None]
    assert table["_time"].dtype == pl.Datetime("us", "UTC")
    assert table["_labelled_at"].to_list()[1] == table["_time"].to_list()[1]
    assert table["_latency_ms"].to_list() == [1.5] * 3
    assert table["more"].to_list() == [None, None, "[1]"]


def test_a_csv_holds_the_same_cells(tmp_path: Path) -> None:
    with save(tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = pl.read_parquet(save(tmp_path.joinpath("other").joinpath("out.parquet")))
    assert list(rows[0]) == table.columns
    assert [row["town"] for row in rows] == ["Ulm, \x00\n ü", "", ""]


@pytest.mark.parametrize("ending", export.ENDINGS)
def test_no_predictions_make_a_file_without_lines(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out{ending}"
    assert export.save([], out) == 0
    if ending == ".parquet":
        assert pl.read_parquet(out).height == 0
    else:
        assert len(out.read_text().splitlines()) == (1 if ending == ".csv" else 0)


def test_a_journal_that_fails_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("old")

    def pages() -> Any:
        yield PAGES[0]
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        export.save(pages(), out)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.csv", "old")]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.parquet, \.csv, \.jsonl, not in '\.xlsx'"):
        export.save([], tmp_path / "out.xlsx")
