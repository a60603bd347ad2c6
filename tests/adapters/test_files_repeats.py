"""Rows of files without those whose lines repeat settled ones."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.steps.said import Said

from shipway.adapters.files import FilesSource, repeats
from shipway.core.errors import DataError

Found = dict[int, tuple[object, ...]]


def unrepeated(file: Path, **keys: object) -> tuple[Found, int]:
    """The rows that come, by place, where rows that begin with "b" are never settled; and how many were left out."""
    found: Found = {}
    left_out = 0
    for batch in FilesSource(file.parent, path=file.name, **keys).unrepeated(Said()):  # type: ignore[arg-type]
        found |= dict(zip(batch.places.to_list(), batch.rows.rows(), strict=True))
        left_out += batch.left_out
        batch.settled = batch.rows.to_series().ne_missing(pl.Series(["b"]))
    return found, left_out


def every(file: Path, **keys: object) -> Found:
    found: Found = {}
    for _, first, table in FilesSource(file.parent, path=file.name, **keys).batches(Said()):  # type: ignore[arg-type]
        found |= dict(enumerate(table.rows(), first))
    return found


def test_a_repeated_line_comes_once_and_one_that_is_not_settled_each_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\na,1\nb,1\na,1\nb,1\na,1\nc,1\n")
    assert unrepeated(tmp_path / "a.csv") == ({1: ("a", "1"), 2: ("b", "1"), 4: ("b", "1"), 6: ("c", "1")}, 2)


def test_repeats_are_found_across_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "BATCH_LINES", 10)
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"a,{n % 30}\n" for n in range(90)))
    assert unrepeated(tmp_path / "a.csv") == ({n + 1: ("a", f"{n}") for n in range(30)}, 60)


def test_when_no_more_lines_can_be_held_rows_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "BATCH_LINES", 10)
    monkeypatch.setattr(repeats, "HELD_BYTES", 0)
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"a,{n % 30}\n" for n in range(60)))
    _, left_out = unrepeated(tmp_path / "a.csv")
    assert left_out == 10


def test_lines_that_meet_in_every_slot_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "SLOT_BITS", 1)
    text = "x,y\n" + "".join(f"a,{n % 30}\n" for n in range(60))
    (tmp_path / "a.csv").write_text(text)
    found, left_out = unrepeated(tmp_path / "a.csv")
    assert (set(found.values()), len(found) + left_out) == ({("a", f"{n}") for n in range(30)}, 60)


def test_rows_of_a_parquet_file_come_as_they_are(tmp_path: Path) -> None:
    pl.DataFrame({"x": ["a", "a"]}).write_parquet(tmp_path / "a.parquet")
    assert unrepeated(tmp_path / "a.parquet") == ({1: ("a",), 2: ("a",)}, 0)


CELLS = st.sampled_from(["a", "b", "", " ", '""', '"a"', '"a,b"', '"a\nb"', "a,b", "\ufeffa", "é", "a\r", '"', "a\rb"])
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=3).map(",".join), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    lines=LINES,
    times=st.integers(1, 3),
    size=st.integers(1, 12),
    end=st.sampled_from(["\n", "\r\n"]),
    tail=st.sampled_from(["", "\n", "\n\n"]),
    mark=st.booleans(),
    header=st.booleans(),
)
@example(lines=["a", "\ufeffa"], times=1, size=1, end="\n", tail="", mark=False, header=True)
def test_each_row_of_any_file_comes_or_equals_an_earlier_one_that_was_settled(
    tmp_path, monkeypatch, lines, times, size, end, tail, mark, header
):
    monkeypatch.setattr(repeats, "BATCH_LINES", size)
    file = tmp_path / "a.csv"
    file.write_bytes((b"\xef\xbb\xbf" if mark else b"") + (end.join(["x,y", *(lines * times)]) + tail).encode())
    keys = {"separator": ",", "quote": '"', "escape": "", "header": header, "skip": 0}
    try:
        wanted = every(file, **keys)
    except DataError as error:
        with pytest.raises(DataError) as raised:
            unrepeated(file, **keys)
        assert str(raised.value) == str(error)
        return
    found, left_out = unrepeated(file, **keys)
    assert len(found) + left_out == len(wanted)
    settled: set[tuple[object, ...]] = set()
    for place, row in wanted.items():
        assert found[place] == row if place in found else row in settled
        settled |= {row} if row[0] != "b" else set()
