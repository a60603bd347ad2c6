"""A file that is checked and cleaned by itself, beside the steps that would do it in a run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shipway import inspection
from shipway.adapters.files import FilesSource, repeats
from shipway.core import project, quarantine
from shipway.core.artifacts import DataVersion
from shipway.core.errors import DataError
from shipway.core.ports import Staging
from shipway.core.project import ProjectFolder
from shipway.core.rows import Rows
from shipway.steps.check import check
from shipway.steps.clean import clean
from shipway.steps.ingest import ingest
from tests.steps.said import Said

if TYPE_CHECKING:
    from shipway.core.artifacts import Table

CONTRACT = """\
target = "y"
[columns.n]
type = "integer"
minimum = 0
maximum = 5
[columns.x]
type = "number"
nullable = true
missing = ["", "?", "-1"]
[columns.level]
type = "category"
levels = ["a", "b"]
closed = true
nullable = true
[columns.note]
type = "text"
nullable = true
[columns.y]
type = "category"
levels = ["no", "yes"]
"""


def a_project(root: Path, contract: str = CONTRACT, clean: str = "") -> ProjectFolder:
    folder = root / "projects" / "visits"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.toml").write_text(f"[check]\nmax_bad_share = 0.9\n[clean]\n{clean}\n")
    (folder / "contract.toml").write_text(contract)
    return project.load(folder)


def by_steps(file: Path, folder: ProjectFolder, scratch: Path, settings: Mapping[str, Any]) -> tuple[Table, Table]:
    """What a run keeps of *file*, and its quarantine."""
    for name in ("ingest", "check", "clean"):
        (scratch / name).mkdir(parents=True)
    ports: dict[str, Any] = {"contract": folder.contract, "progress": Said()}
    received = ingest(
        source=FilesSource(file.parent, path=file.name), staging=Staging(scratch / "ingest"), progress=ports["progress"]
    )
    checked = check(Rows(received.folder), staging=Staging(scratch / "check"), **ports, audit=False, max_bad_share=0.9)
    version = DataVersion(name="visits/1", hash="", path="", origin=received.origin)
    kept, _ = clean(checked, version, staging=Staging(scratch / "clean"), **ports, report=False, **settings)
    return kept.frame(), checked.quarantine


def by_file(file: Path, folder: ProjectFolder, scratch: Path) -> tuple[Table, Table]:
    out = scratch / "clean.parquet"
    found = inspection.check_file(folder, file, Said(), keep=scratch / "bad", clean=out)
    if not out.exists():
        raise DataError("a run would stop")
    assert found.quarantine is not None
    assert (found.clean_rows, found.bad_rows) == (pl.read_parquet(out).height, quarantine.rows_of(found.quarantine.frame()))
    return pl.read_parquet(out), found.quarantine.frame()


ROWS = st.tuples(
    st.sampled_from(["1", "2", "3", " 1", "+1", "1.0", "1e0", "-0", "6", "", "two", '"1"', '""', " "]),
    st.sampled_from(["1", "1.50", "1.5", ".5", "-1", "-1.0", "?", "", "inf", "nan", "1e400", '" 2"']),
    st.sampled_from(["a", "b", '"a"', "", "c", " a"]),
    st.sampled_from(["", '""', "a", '"a, b"', '"a\nb"', '"a""b"', "é"]),
    st.sampled_from(["no", "yes", '"no"']),
).map(",".join)
GOOD = ["0,1,a,first,no", "0,1,b,second,yes"]


@pytest.mark.parametrize("how", ["", 'duplicates = "keep"', 'conflicts = "drop"'])
@settings(max_examples=25)
@given(rows=st.lists(ROWS, max_size=8), times=st.integers(1, 3), size=st.integers(1, 10), end=st.sampled_from(["\n", "\r\n"]))
def test_a_file_by_itself_comes_to_what_check_and_clean_come_to(how, rows, times, size, end):
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "BATCH_LINES", size)
        folder = a_project(Path(scratch), clean=how)
        file = Path(scratch) / "rows.csv"
        file.write_bytes((end.join(["n,x,level,note,y", *GOOD, *(rows * times)]) + end).encode())
        try:
            kept, aside = by_steps(file, folder, Path(scratch) / "steps", folder.section("clean"))
        except DataError:
            with pytest.raises(DataError):
                by_file(file, folder, Path(scratch))
            return
        found, set_apart = by_file(file, folder, Path(scratch))
    assert_frame_equal(found, kept)
    assert_frame_equal(set_apart, aside)


def test_the_airline_table_twice_comes_to_what_check_and_clean_come_to(real_data: bool, tmp_path: Path) -> None:
    if not real_data:
        pytest.skip("needs the real tables; set SHIPWAY_DATA_DIR")
    import os

    source = Path(os.environ["SHIPWAY_DATA_DIR"]) / "invistico-airline.csv"
    header, _, lines = source.read_bytes().partition(b"\n")
    file = tmp_path / "rows.csv"
    file.write_bytes(header + b"\n" + lines * 2 + lines.splitlines(keepends=True)[0].replace(b"Female", b""))
    contract = Path(__file__).parents[1] / "projects" / "airline_satisfaction" / "contract.toml"
    folder = a_project(tmp_path, contract.read_text())
    kept, aside = by_steps(file, folder, tmp_path / "steps", {})
    found, set_apart = by_file(file, folder, tmp_path)
    assert_frame_equal(found, kept)
    assert_frame_equal(set_apart, aside)


def test_nothing_is_written_where_a_run_would_stop(tmp_path: Path) -> None:
    folder = a_project(tmp_path)
    (tmp_path / "rows.csv").write_text("n,x,level,note,y\n" + "9,1,a,note,no\n" * 3)
    inspection.check_file(folder, tmp_path / "rows.csv", Said(), clean=tmp_path / "clean.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["projects", "rows.csv"]


def test_repeated_lines_are_refused_where_duplicates_are_to_fail(tmp_path: Path) -> None:
    folder = a_project(tmp_path, clean='duplicates = "fail"')
    (tmp_path / "rows.csv").write_text("n,x,level,note,y\n" + "1,1,a,note,no\n" * 3)
    with pytest.raises(DataError, match="2 rows repeat"):
        inspection.check_file(folder, tmp_path / "rows.csv", Said(), clean=tmp_path / "clean.parquet")
