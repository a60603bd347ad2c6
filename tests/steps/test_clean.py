from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.steps.said import Said

from shipway.core import quarantine
from shipway.core import rows as rows_module
from shipway.core.artifacts import Checked, DataVersion, Origin, Page
from shipway.core.contract import Column, Contract
from shipway.core.errors import DataError
from shipway.core.findings import Examined
from shipway.core.ports import Staging
from shipway.core.rows import keep
from shipway.steps.clean import clean, tidy

CONTRACT = Contract(
    target="y",
    key=["id"],
    columns={
        "id": Column(type="integer"),
        "x": Column(type="number", nullable=True),
        "y": Column(type="category", levels=["a", "b"]),
    },
)
VERSION = DataVersion(name="visits/2026-11", hash="", path="data/visits", origin=Origin(source="visits.csv", rows=0))
SCHEMA = {"id": pl.Int64, "x": pl.Float64, "y": pl.String}


Row = tuple[int, float | None, str]


def cleaned(rows: list[Row], said: Said | None = None, size: int = 1000, **given: Any) -> list[Row]:
    """What is left of *rows*, kept in parts of *size* rows and gone through as many at a time; no report is drawn."""
    return through(rows, said, size, report=False, **given)[0]


def through(rows: list[Row], said: Said | None = None, size: int = 1000, **given: Any) -> tuple[list[Row], Page]:
    """The rows that are left, and the page."""
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "BATCH_ROWS", size)
        checked, staging = Path(scratch) / "checked", Path(scratch) / "staging"
        (checked / "rows").mkdir(parents=True)
        staging.mkdir()
        for place, part in enumerate(frame.iter_slices(size)):
            part.write_parquet(checked / "rows" / f"part-{place:05}.parquet")
        keep(quarantine.empty(), checked / "quarantine")
        examined = Examined(received=frame.height, quarantined=0)
        with_ports = {"contract": CONTRACT, "staging": Staging(staging), "progress": said or Said()}
        result, page = clean(Checked(checked, examined), VERSION, **with_ports, **given)
        return result.frame().rows(), page


def test_exact_duplicates_are_dropped_and_rows_equal_but_for_the_key_are_kept() -> None:
    said = Said()
    assert cleaned([(1, 1.0, "a"), (1, 1.0, "a"), (2, 1.0, "a")], said) == [(1, 1.0, "a"), (2, 1.0, "a")]
    assert said.notes == ["2 rows, 1 duplicates dropped"]
    assert [warning.partition(" (")[0] for warning in said.warnings] == ["1 group of rows"]  # twins, which split keeps together


def test_dropping_most_of_the_rows_is_warned_of() -> None:
    said = Said()
    cleaned([(1, 1.0, "a")] * 3, said)
    assert said.warnings[0].startswith("most rows (2 of 3)")


def test_duplicates_may_be_kept_or_refused() -> None:
    rows: list[Row] = [(1, None, "a"), (1, None, "a")]
    assert cleaned(rows, duplicates="keep") == rows
    with pytest.raises(DataError, match="1 rows repeat"):
        cleaned(rows, duplicates="fail")


CONFLICTING: list[Row] = [(1, None, "a"), (2, None, "b"), (3, 2.0, "a"), (4, 2.0, "a"), (5, None, "a")]


def test_conflicting_labels_are_counted_and_kept() -> None:
    said = Said()
    assert cleaned(CONFLICTING, said) == CONFLICTING
    conflicts, twins = said.warnings
    assert conflicts.startswith("1 group of rows (3 rows) have equal features and different labels of 'y', so 1 of 5 rows")
    assert twins.startswith("2 groups of rows (5 of 5 rows) have equal features")


def test_rows_with_conflicting_labels_may_all_be_dropped() -> None:
    said = Said()
    assert cleaned(CONFLICTING, said, conflicts="drop") == CONFLICTING[2:4]
    assert said.warnings[-1] == "the 3 rows of the groups with different labels were dropped"
    assert said.notes[-1] == "2 rows, 0 duplicates, 3 with conflicting labels dropped"


def test_the_data_report_is_about_the_rows_that_are_left() -> None:
    _, page = through([*CONFLICTING, CONFLICTING[0]], conflicts="drop")
    assert page.title.startswith("visits")
    assert "visits/2026-11" in page.text
    assert "1 group of rows (3 rows)" in page.text
    assert through(CONFLICTING, report=False)[1].text == ""


def test_conflicts_that_leave_no_row_are_refused() -> None:
    with pytest.raises(DataError, match="no row would be left"):
        cleaned(CONFLICTING[:2], conflicts="drop")


cells = st.tuples(st.integers(0, 2), st.sampled_from([None, 0.5, 1.0]), st.sampled_from(["a", "b"]))
tables = st.lists(cells, min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(tables, st.integers(1, 9))
def test_what_is_left_is_each_row_once_in_the_order_of_first_appearance(rows: list[Row], size: int) -> None:
    assert cleaned(rows, size=size) == list(dict.fromkeys(rows))


@settings(max_examples=40, deadline=None)
@given(tables, st.integers(1, 9), st.sampled_from(["drop", "keep"]))
def test_after_conflicts_are_dropped_equal_features_have_one_label_and_no_other_row_is_gone(
    rows: list[Row], size: int, duplicates: str
) -> None:
    unique = list(dict.fromkeys(rows)) if duplicates == "drop" else rows
    labels: dict[float | None, set[str]] = {}
    for _, x, y in rows:
        labels.setdefault(x, set()).add(y)
    left = [row for row in unique if len(labels[row[1]]) == 1]
    if left:
        assert cleaned(rows, size=size, duplicates=duplicates, conflicts="drop") == left
    else:
        with pytest.raises(DataError):
            cleaned(rows, size=size, duplicates=duplicates, conflicts="drop")


@settings(max_examples=40, deadline=None)
@given(tables, st.sampled_from(["drop", "keep"]), st.sampled_from(["report", "drop"]))
def test_every_row_is_kept_or_counted_as_a_duplicate_or_a_conflict(rows: list[Row], duplicates: Any, conflicts: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        given = keep(pl.DataFrame(rows, schema=SCHEMA, orient="row"), Path(folder) / "given")
        try:
            left, tally, _ = tidy(
                given,
                contract=CONTRACT,
                staging=Path(folder),
                progress=Said(),
                duplicates=duplicates,
                conflicts=conflicts,
            )
        except DataError:
            assert conflicts == "drop"
            return
        dropped = (tally.duplicates if duplicates == "drop" else 0) + (tally.conflict_rows if conflicts == "drop" else 0)
        assert tally.received == len(rows) == left.height + dropped
        assert tally.kept == left.height
