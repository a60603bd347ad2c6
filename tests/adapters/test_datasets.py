"""Named tables: found at hand, downloaded, compared by value, or stood in for."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.adapters.datasets import DatasetSource, bundled, catalogue
from shipway.adapters.datasets.comparison import canonical, digest
from shipway.adapters.datasets.download import download
from shipway.core.errors import DataError, OutsideError, UsageError

DATA_DIR = os.environ.get("SHIPWAY_DATA_DIR")
Respond = Callable[[BaseHTTPRequestHandler, int], None]


class Notes:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.units = 0

    @contextlib.contextmanager
    def __call__(self, label: str, total: int | None = None) -> Iterator[Callable[..., None]]:
        def tick(advance: int = 1, note: str = "") -> None:
            self.units += advance

        yield tick

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@contextlib.contextmanager
def mirror(respond: Respond) -> Iterator[str]:
    """A real server on this machine; *respond* gets the request and its number, from 1."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            respond(self, len(seen))

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/table.csv"
        finally:
            server.shutdown()
            thread.join()


def answer(request: BaseHTTPRequestHandler, content: bytes, *, status: int = 200, promised: int | None = None) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(content) if promised is None else promised))
    request.end_headers()
    request.wfile.write(content)


def source(tmp_path: Path, content: bytes | None = None, *mirrors: str, file: str = "iris.csv") -> DatasetSource:
    """Iris from a folder that has *content*, or from mirrors of its own."""
    if content is not None:
        (tmp_path / file).write_bytes(content)
    made = DatasetSource("iris", data_dir=tmp_path, cache_dir=tmp_path / "cache", stand_in=False)
    made.dataset = msgspec.structs.replace(made.dataset, mirrors=list(mirrors))
    return made


def table_of(made: DatasetSource, notes: Notes | None = None) -> polars.DataFrame:
    ((_, first, table),) = made.batches(notes or Notes())
    assert first == 1
    return table


def test_iris_is_built_byte_equal_to_the_public_file():
    assert hashlib.sha256(bundled.iris()).hexdigest() == catalogue.load("iris").sha256


def test_iris_is_real_without_a_copy_even_where_a_stand_in_is_allowed(tmp_path):
    made = DatasetSource("iris", data_dir=None, cache_dir=tmp_path, stand_in=True)
    assert table_of(made).shape == (150, 6)
    assert made.describe()["stand_in"] is False


@pytest.mark.skipif(DATA_DIR is None, reason="SHIPWAY_DATA_DIR is not set")
@pytest.mark.parametrize("name", catalogue.names())
def test_the_catalogue_tells_the_truth_about_the_real_table(name, tmp_path):
    dataset = catalogue.load(name)
    content = Path(DATA_DIR or "", dataset.file).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (dataset.sha256, dataset.bytes)
    table = table_of(DatasetSource(name, data_dir=Path(DATA_DIR or ""), cache_dir=tmp_path, stand_in=True))
    assert len(table) == dataset.rows
    assert {column: digest(table[column], dataset.block) for column in table.columns} == dataset.digests


@pytest.mark.parametrize(
    "respell",
    [
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(b"\n1,", b"\n1.0,"),
        lambda content: content.replace(b",3.0,", b",3,").replace(b",0.2,", b",0.20,"),
        lambda content: content.rstrip(b"\n"),
    ],
    ids=["CRLF", "byte order mark", "Id as float", "other digits", "no last line end"],
)
def test_a_copy_with_the_same_values_in_another_spelling_is_accepted(respell, tmp_path):
    content = respell(bundled.iris())
    assert content != bundled.iris()
    assert table_of(source(tmp_path, content)).shape == (150, 6)


def test_columns_in_another_order_are_put_into_the_known_one(tmp_path):
    known = polars.read_csv(bundled.iris(), infer_schema=False)
    assert table_of(source(tmp_path, known.select(reversed(known.columns)).write_csv().encode())).columns == known.columns


def test_a_copy_under_the_name_that_another_place_gives_it_is_found(tmp_path):
    assert source(tmp_path, bundled.iris(), file="Iris.csv").path == tmp_path / "Iris.csv"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content.replace(b"\n150,", b"\n200,"), r"other values in Id, in rows 101 to 150"),
        (lambda content: content[: content.index(b"\n121,") + 1], r"it has 120 rows and not 150; the first 100 are the same"),
        (lambda content: content.replace(b"Species", b"species", 1), r"it lacks Species; it has besides species"),
        (lambda content: content.replace(b"Iris-setosa", b"0"), r"other values in Species, in rows 1 to 50"),
        (lambda content: b"", r"can't be read as a CSV file"),
    ],
    ids=["one cell", "cut short", "column renamed", "encoded labels", "empty"],
)
def test_a_copy_with_other_values_is_refused_with_what_differs(spoil, message, tmp_path):
    with pytest.raises(DataError, match=message):
        table_of(source(tmp_path, spoil(bundled.iris())))


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["{!r}", "{:.17e}", " {!r} ", "{:+.17g}"]))
def test_a_number_means_the_same_in_every_spelling(number, spelling):
    assert canonical(spelling.format(number)) == canonical(repr(number))
    assert float(canonical(repr(number))) == number


@given(st.text())
def test_the_meaning_of_a_cell_is_stable(text):
    assert canonical(canonical(text)) == canonical(text)


def test_a_download_is_kept_in_the_cache_alone_and_used_again(tmp_path):
    with mirror(lambda request, _: answer(request, bundled.iris())) as address:
        made = source(tmp_path, None, address)
        notes = Notes()
        assert len(table_of(made, notes)) == 150
    assert notes.units == len(bundled.iris())
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["iris.csv"]
    assert len(table_of(made)) == 150


def test_a_mirror_that_gives_other_values_is_skipped_and_named(tmp_path):
    wrong = bundled.iris().replace(b"5.1", b"9.9")
    with (
        mirror(lambda request, _: answer(request, wrong)) as bad,
        mirror(lambda request, _: answer(request, bundled.iris())) as good,
    ):
        notes = Notes()
        assert len(table_of(source(tmp_path, None, bad, good), notes)) == 150
    warning = notes.warnings[-1]
    assert bad in warning
    assert "other values in SepalLengthCm" in warning


def test_a_busy_or_broken_mirror_is_asked_again_after_longer_and_longer_pauses():
    def flaky(request: BaseHTTPRequestHandler, number: int) -> None:
        if number == 1:
            answer(request, b"", status=503)
        elif number == 2:
            answer(request, b"half of", promised=100)
        else:
            answer(request, b"whole")

    pauses: list[float] = []
    with mirror(flaky) as address:
        assert download([address], size=5, accept=lambda content: None, progress=Notes(), pause=pauses.append) == b"whole"
    assert pauses == sorted(pauses)
    assert len(pauses) == 2


def test_a_mirror_that_sends_far_more_than_the_file_is_cut_off():
    with (
        mirror(lambda request, _: answer(request, bytes(1000))) as address,
        pytest.raises(OutsideError, match="sends more than 10 bytes"),
    ):
        download([address], size=5, accept=lambda content: None, progress=Notes(), pause=lambda seconds: None)


def test_without_copy_or_mirror_the_error_names_every_way_to_get_the_table(tmp_path):
    with mirror(lambda request, _: answer(request, b"", status=404)) as address:
        made = source(tmp_path, None, address)
        with pytest.raises(OutsideError) as caught:
            table_of(made)
    for way in (f"{address}: answered 404", made.dataset.page, "Iris.csv", "SHIPWAY_DATA_DIR", "--stand-in"):
        assert way in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_folder_of_the_user_without_the_table_is_mentioned(tmp_path):
    made = DatasetSource("telco-customer-churn", data_dir=tmp_path, cache_dir=tmp_path / "cache", stand_in=True)
    notes = Notes()
    list(made.batches(notes))
    assert "SHIPWAY_DATA_DIR" in notes.warnings[0]
    assert "WA_Fn-UseC_-Telco-Customer-Churn.csv" in notes.warnings[0]


def test_a_stand_in_says_so_everywhere_and_gives_way_to_a_copy(tmp_path):
    made = DatasetSource("telco-customer-churn", data_dir=None, cache_dir=tmp_path, stand_in=True)
    notes = Notes()
    ((part, _, table),) = made.batches(notes)
    described, as_stand_in = made.describe(), made.fingerprint()
    assert table.columns == made.dataset.columns
    assert described["stand_in"] is True
    for text in (part, described["source"], *notes.warnings):
        assert text.startswith("STAND-IN DATA")
    (tmp_path / made.dataset.file).write_bytes(table.write_csv().encode())
    assert made.describe()["stand_in"] is False
    assert made.fingerprint() != as_stand_in
    with pytest.raises(DataError, match="other values in customerID"):
        table_of(made)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'telco-customer-churn'"):
        DatasetSource("telco-customer-chrun", data_dir=None, cache_dir=Path(), stand_in=False)


def test_the_fingerprint_of_an_unchanged_run_imports_nothing_heavy():
    code = (
        "import sys; from pathlib import Path; from shipway.adapters.datasets import DatasetSource;"
        "[DatasetSource(name, data_dir=None, cache_dir=Path(), stand_in=s).fingerprint()"
        " for name in ('iris', 'telco-customer-churn') for s in (False, True)];"
        "print(*{'polars', 'numpy', 'requests', 'sklearn', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
