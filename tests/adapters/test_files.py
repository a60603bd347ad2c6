"""CSV and Parquet files as a source."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shipway.adapters.files import FilesSource, delimited, survey
from shipway.core.dialect import Dialect
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


def test_lines_may_end_as_on_windows_where_a_program_ended_them_too(project):
    (project / "a.csv").write_bytes(b"# of a program\r\r\nx,y\r\r\n" + b"1,a\r\r\n" * 50)
    ((_, _, table),) = read(project, "a.csv")
    assert (table.columns, table.rows()) == (["x", "y"], [("1", "a")] * 50)


@pytest.mark.parametrize("names", ["x^y", "x\x01^y"])
def test_a_table_that_starts_as_packed_data_does_is_read(project, names):
    (project / "a.csv").write_text(f"{names}\n" + "1^2\n" * 50)
    assert [table.rows() for _, _, table in read(project, "a.csv")] == [[("1", "2")] * 50]
    assert sum(batch.rows.height + batch.left_out for batch in FilesSource(project, path="a.csv").unrepeated(Silent())) == 50


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.csv is empty"),
        (b"x,y,x\n1,2,3\n", "more than one column named 'x'"),
        (b"x,y\n1,2,3\n", "a.csv can't be read.*set separator"),
        ("é\n".encode() + b"\xe9\n", "a.csv can't be read: line 2 has the byte 0xe9, which is not utf-8.*set encoding"),
    ],
    ids=["empty", "column twice", "too many cells", "not UTF-8"],
)
def test_a_file_that_is_no_table_is_refused_by_name(project, content, message):
    (project / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(project, "a.csv")


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "x")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n \n", "is empty"),
        (zipped("a.csv"), "a zip archive"),
        (zipped("xl/workbook.xml"), "an Excel workbook; save the sheet as CSV"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b'[{"a": 1}]', "JSON"),
        (b'{"a": 1}\n{"a": 2}\n', "JSON"),
        (pickle.dumps({"a": 1}), "a Python pickle"),
        (b"% a comment\n@RELATION iris\n@ATTRIBUTE x NUMERIC\n@DATA\n1\n", "ARFF"),
        (b"-- MySQL dump\n\nCREATE TABLE t (x INT, y TEXT);\nINSERT INTO t VALUES (1,'a'),(2,'b');\n", "an SQL script"),
        (b"+1 1:0.5 7:-3e2\n-1 2:1\n", "libsvm's sparse lines"),
        (b"| x | y |\n|---|:--|\n| 1 | a |\n", "a table of Markdown"),
        (random.Random(0).randbytes(4000), "is no text"),
        (gzip.compress(b"x\n1\n" * 100)[:-9], "can't be unpacked"),
    ],
    ids=[
        "empty",
        "blank",
        "zip",
        "Excel",
        "PDF",
        "PNG",
        "HTML",
        "JSON",
        "JSON lines",
        "pickle",
        "ARFF",
        "SQL",
        "libsvm",
        "Markdown",
        "noise",
        "half of a gzip file",
    ],
)
def test_a_file_of_another_kind_gets_one_sentence_with_what_it_is(project, content, message):
    (project / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"^a.csv [^\n]*{message}[^\n]*$"):
        read(project, "a.csv")


def test_parquet_is_read_whatever_it_is_called(project):
    kept = polars.DataFrame({"x": [1, 2]})
    kept.write_parquet(project / "a.csv")
    assert read(project, "a.csv")[0][2].equals(kept)


def test_what_is_called_parquet_and_is_not_is_refused(project):
    (project / "a.parquet").write_text("x\n1\n")
    with pytest.raises(DataError, match=r"a\.parquet is no Parquet file"):
        read(project, "a.parquet")


def test_a_header_without_rows_is_a_table_without_rows(project):
    (project / "a.csv").write_text("x,y\n")
    assert read(project, "a.csv") == []


def test_a_row_with_too_few_cells_misses_its_last_ones(project):
    (project / "a.csv").write_text("x,y,z\n1,2\n4,5,6\n7\n")
    assert read(project, "a.csv")[0][2].rows() == [("1", "2", None), ("4", "5", "6"), ("7", None, None)]


def test_a_row_with_too_many_cells_is_named_and_what_stands_before_it_is_read(project):
    (project / "a.csv").write_text("x,y\n" + "1,2\n" * 500 + "1,2,3\n" + "1,2\n" * 500)
    with pytest.raises(DataError, match="row 501 has 3 cells, and there are 2 columns"):
        read(project, "a.csv")


def test_cells_beyond_the_last_column_do_not_matter_when_they_are_empty(project):
    (project / "a.csv").write_text("x,y\n1,2\n3,4,,\n5,6\n")
    assert read(project, "a.csv")[0][2].rows() == [("1", "2"), ("3", "4"), ("5", "6")]


@pytest.mark.parametrize("text", ["x,y\n\n1,2\n\n3,4\n", "x,y\n1,2\n3,4\n\n\n", "x,y\r\n1,2\r\n3,4\r\n\r\n"])
def test_lines_with_nothing_in_them_are_no_rows(project, text):
    (project / "a.csv").write_bytes(text.encode())
    assert [(first, table.rows()) for _, first, table in read(project, "a.csv")] == [(1, [("1", "2"), ("3", "4")])]


def test_a_line_with_nothing_in_it_is_a_missing_cell_of_a_table_with_one_column(project):
    (project / "a.csv").write_text("x\n1\n\n2\n")
    assert read(project, "a.csv")[0][2]["x"].to_list() == ["1", None, "2"]


def test_a_quote_within_a_cell_is_a_sign_like_others(project):
    (project / "a.csv").write_text("x,y\n" + '1,"a, b"\n' * 200 + '2,5" pipe\n3,c\n')
    assert read(project, "a.csv")[0][2].rows()[-2:] == [("2", '5" pipe'), ("3", "c")]


def test_text_after_a_closing_quote_is_refused_and_its_row_named(project):
    (project / "a.csv").write_text("x,y\n" + '1,"a, b"\n' * 2000 + '2,"c"d\n')
    with pytest.raises(DataError, match=r'row 2001 has a cell whose quotes do not fit.* set quote = ""'):
        read(project, "a.csv")


def test_a_byte_that_is_not_utf_8_counts_however_late_it_comes(project):
    (project / "a.csv").write_bytes(b"x,y\n" + b"1,a\n" * 100_000 + "2,é\n".encode("cp1252"))
    assert read(project, "a.csv")[-1][2].rows()[-1] == ("2", "é")


@pytest.mark.parametrize("suffix", [".csv.gz", ".tsv", ".data"])
def test_other_usual_names_are_read(project, suffix):
    (project / f"a{suffix}").write_bytes(gzip.compress(b"x,y\n1,2\n") if suffix.endswith(".gz") else b"x\ty\n1\t2\n")
    assert read(project, f"a{suffix}")[0][2].rows() == [("1", "2")]


@pytest.mark.parametrize(
    ("text", "keys", "rows"),
    [
        ("1,2\n3,4\n", {"header": True}, [("3", "4")]),
        ("a,b\nc,d\n", {"header": False}, [("a", "b"), ("c", "d")]),
        ("u,v\nw,x\ny,z\n", {"skip": 1}, [("y", "z")]),
        ('a,b\n"c",d\n', {"quote": ""}, [('"c"', "d")]),
        ("a,b\nc!,d,e\n", {"escape": "!"}, [("c,d", "e")]),
        ("a,b\nc;d,e\n", {"separator": ";"}, [("c", "d,e")]),
    ],
)
def test_what_is_set_goes_before_what_is_guessed(project, text, keys, rows):
    (project / "a.csv").write_text(text)
    if "separator" in keys:
        (project / "a.csv").write_text(text.replace("a,b", "a;b"))
    assert read(project, "a.csv", **keys)[0][2].rows() == rows


def test_the_dialect_of_each_file_is_told_with_the_reasons_for_what_is_unusual(project):
    (project / "a.csv").write_text("x;y\n1,5;2\n")
    (project / "b.csv").write_text("x,y\n1,2\n")
    polars.DataFrame({"x": [1]}).write_parquet(project / "c.parquet")
    found = FilesSource(project, path="*.*").dialects()
    assert {name: (dialect, list(reasons)) for name, (dialect, reasons) in found.items()} == {
        "a.csv": (Dialect(separator=";"), ["separator"]),
        "b.csv": (Dialect(), []),
    }


@pytest.mark.parametrize("whole", [True, False], ids=["read whole", "left in the middle"])
def test_copies_that_are_made_for_reading_do_not_outlive_it(project, tmp_path, whole):
    state = tmp_path / "state"
    (project / "a.csv.gz").write_bytes(gzip.compress("x;y\n1;é\n".encode("utf-16")))
    batches = FilesSource(project, path="a.csv.gz", state=state).batches(Silent())
    next(batches)
    assert len(list(state.iterdir())) == 2
    if whole:
        list(batches)
    else:
        batches.close()
    assert list(state.iterdir()) == []


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


ROWS = st.lists(st.lists(st.text(st.sampled_from('ab",\n\r é'), max_size=5), min_size=2, max_size=2), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(rows=ROWS, chunk=st.integers(1, 40), tail=st.sampled_from(["", "\n", "\r\n\n"]))
def test_the_rows_of_a_file_are_counted_whatever_its_cells_and_where_its_parts_end(project, monkeypatch, rows, chunk, tail):
    monkeypatch.setattr(survey, "CHUNK_BYTES", chunk)
    text = polars.DataFrame(rows, schema=["a", "b"], orient="row").write_csv(quote_style="always")
    (project / "a.csv").write_bytes((text + tail).encode())
    counted = survey.rows_of(project / "a.csv", Dialect(), lines=1, width=2)
    assert counted == (None if "\r\r\n" in text + tail else len(rows))  # such ends of lines, if they are, are left to csv


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from('ab",\n'), max_size=12))
def test_what_polars_is_trusted_with_reads_the_same_by_csv(project, text):
    file = project / "a.csv"
    file.write_text(f"x,y,z\n1,2,3\n{text}")
    looked = delimited.look(file, "a.csv", {"separator": ",", "quote": '"', "escape": "", "header": True, "skip": 0})
    rows = survey.rows_of(file, looked.dialect, lines=1, width=3)
    assume(rows is not None)
    by_polars = polars.concat(list(looked._by_polars(file)) or [polars.DataFrame()])
    try:
        by_csv = polars.concat([table for _, table in looked._by_csv(file, 0)])
    except DataError:
        assert len(by_polars) < rows
    else:
        assert len(by_polars) < rows or by_polars.head(rows).with_columns(polars.all().replace("", None)).equals(by_csv)


def test_a_file_that_is_named_in_full_may_have_any_ending(tmp_path: Path) -> None:
    (tmp_path / "adult.names").write_text("a;b\n1;2\n3;4\n")
    (tmp_path / "LICENSE").write_text("a;b\n5;6\n7;8\n")
    source = FilesSource(tmp_path, path=["adult.names", "LICENSE"])
    assert [batch.rows() for _, _, batch in source.batches(Silent())] == [[("1", "2"), ("3", "4")], [("5", "6"), ("7", "8")]]
    with pytest.raises(UsageError, match="no file that can be read here"):
        FilesSource(tmp_path, path="*").files()
