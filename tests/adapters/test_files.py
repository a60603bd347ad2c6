"""CSV and Parquet files as a source."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipway.adapters.files import FilesSource, delimited
from shipway.core.errors import DataError, UsageError


class Silent:
    @contextlib.contextmanager
    def __call__(self, label: str, total: int | None = None) -> Iterator[Callable[..., None]]:
        yield lambda advance=1, note="": None

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "projects" / "shop"
    folder.mkdir(parents=True)
    return folder


def read(project: Path, path: str | list[str], **keys: str) -> list[tuple[str, int, polars.DataFrame]]:
    return list(FilesSource(project, path=path, **keys).batches(Silent()))


def test_cells_of_a_csv_file_stay_the_texts_that_they_are(project):
    (project / "a.csv").write_bytes(b'\xef\xbb\xbfid,price,note\r\n007,84.0, \r\n8,,"a, b"\r\n')
    ((name, first, table),) = read(project, "a.csv")
    assert (name, first, table.columns) == ("a.csv", 1, ["id", "price", "note"])
    assert table.rows() == [("007", "84.0", " "), ("8", None, "a, b")]


def test_columns_of_a_parquet_file_keep_their_types(project):
    kept = polars.DataFrame({"n": [1, None], "t": ["a", "b"]})
    kept.write_parquet(project / "a.parquet")
    ((_, _, table),) = read(project, "a.parquet")
    assert table.equals(kept)


def test_a_glob_gives_its_files_in_sorted_order_and_each_file_once(project):
    for name in ("b", "a", "c"):
        (project / f"{name}.csv").write_text(f"x\n{name}\n")
    assert [(name, table["x"].item()) for name, _, table in read(project, ["c.csv", "*.csv"])] == [
        ("c.csv", "c"),
        ("a.csv", "a"),
        ("b.csv", "b"),
    ]


def test_a_path_is_looked_for_in_the_project_then_in_its_workspace(project):
    (project.parents[1] / "raw").mkdir()
    (project.parents[1] / "raw" / "a.csv").write_text("x\nworkspace\n")
    assert read(project, "raw/*.csv")[0][0] == "raw/a.csv"
    (project / "raw").mkdir()
    (project / "raw" / "a.csv").write_text("x\nproject\n")
    assert read(project, "raw/*.csv")[0][2]["x"].item() == "project"


def test_an_absolute_path_is_read_and_the_name_does_not_tell_where_it_was(project, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    assert read(project, str(tmp_path / "*.csv"))[0][0] == "a.csv"


def test_rows_are_numbered_from_one_through_all_batches_of_a_file(project, monkeypatch):
    monkeypatch.setattr(delimited, "BATCH_ROWS", 100)
    (project / "a.csv").write_text("x\n" + "".join(f"{n}\n" for n in range(1, 251)))
    batches = read(project, "a.csv")
    assert len(batches) == 3
    for _, first, table in batches:
        assert table["x"][0] == str(first)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_or_given(project, separator):
    (project / "a.csv").write_text(separator.join(["a", "b", "c"]) + "\n" + separator.join("123") + "\n")
    for keys in ({}, {"separator": separator}):
        assert read(project, "a.csv", **keys)[0][2].rows() == [("1", "2", "3")]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_read_when_named(project, encoding):
    (project / "a.csv").write_bytes("naïve\nÜber\n".encode(encoding))
    assert read(project, "a.csv", encoding=encoding)[0][2].to_dict(as_series=False) == {"naïve": ["Über"]}


def test_lines_may_end_as_old_macs_ended_them(project):
    (project / "a.csv").write_bytes(b'x;"y"\r1;2\r3;4\r')
    assert read(project, "a.csv")[0][2].to_dict(as_series=False) == {"x": ["1", "3"], "y": ["2", "4"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.csv is empty"),
        (b"x,y,x\n1,2,3\n", "more than one column named 'x'"),
        (b"x,y\n1,2,3\n", "a.csv can't be read.*set separator"),
        ("é\n".encode() + b"\xe9\n", "a.csv can't be read.*row 0: byte 0xe9 is not utf-8.*set encoding"),
    ],
    ids=["empty", "column twice", "too many cells", "not UTF-8"],
)
def test_a_file_that_is_no_table_is_refused_by_name(project, content, message):
    (project / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(project, "a.csv")


def test_a_pattern_without_a_file_is_refused_with_the_nearest_name(project):
    (project / "customers.csv").write_text("x\n1\n")
    with pytest.raises(UsageError, match=r"'costumers.csv' matches no file .* did you mean 'customers.csv'"):
        read(project, "costumers.csv")


def test_a_wide_glob_does_not_reach_into_hidden_folders(project):
    hidden = project.parents[1] / ".shipway" / "cache"
    hidden.mkdir(parents=True)
    polars.DataFrame({"x": [1]}).write_parquet(hidden / "table.parquet")
    with pytest.raises(UsageError, match="matches no file"):
        read(project, "**/*.parquet")
    assert len(read(project, ".shipway/cache/*.parquet")) == 1


def test_a_file_of_another_kind_is_refused(project):
    (project / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"a.xlsx .* known are .csv"):
        read(project, "a.xlsx")


@pytest.mark.parametrize("keys", [{"encoding": "utf-ate"}, {"separator": "::"}, {"path": []}, {"path": 3}])
def test_a_key_that_can_not_be_right_is_refused_at_once(project, keys):
    with pytest.raises(UsageError, match=next(iter(keys))):
        FilesSource(project, **({"path": "a.csv"} | keys))


def test_the_fingerprint_follows_the_content_and_how_it_is_read_and_not_the_times(project):
    file = project / "a.csv"
    file.write_text("x\n1\n")
    seen = FilesSource(project, path="a.csv").fingerprint()
    os.utime(file, (1, 1))
    assert FilesSource(project, path="a.csv").fingerprint() == seen
    assert FilesSource(project, path="a.csv", separator=";").fingerprint() != seen
    file.write_text("x\n2\n")
    assert FilesSource(project, path="a.csv").fingerprint() != seen


def test_remembered_hashes_give_the_same_fingerprint_and_notice_a_change(project):
    file = project / "a.csv"
    file.write_text("x\n1\n")

    def remembered() -> str:
        return FilesSource(project, path="*.csv", state=project).fingerprint()

    assert remembered() == remembered() == FilesSource(project, path="*.csv").fingerprint()
    file.write_text("x\n20\n")
    assert remembered() == FilesSource(project, path="*.csv").fingerprint()


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(name=TEXTS, rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_any_names_and_texts_come_back_from_a_csv_file_as_they_were(project, name, rows):
    kept = polars.DataFrame(rows, schema={"first": polars.String, f"a\n{name}": polars.String}, orient="row")
    kept.write_csv(project / "a.csv", quote_style="always")
    assert read(project, "a.csv")[0][2].equals(kept)
