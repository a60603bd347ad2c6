from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core.contract import Column, Contract
from shipway.core.findings import Change, Finding
from shipway.reporting import associations, data_report, facts, figures

VOID = {"meta", "link", "br", "input", "rect", "path"}
"""Tags that have no end; of SVG's, those that the drawings close at once."""

ODD = "x<script>alert(1)</script>\"'&{{ 7 * 7 }}"


class Reading(HTMLParser):
    """Reads a page: whether its tags close, its texts by tag, its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def all(self, tag: str) -> list[str]:
        return [text for of, text in self.texts if of == tag]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(text for tag, text in self.texts if tag not in ("style", "script")))


def table(rows: int = 400, seed: int = 0) -> tuple[pl.DataFrame, Contract]:
    """A column of each type and role, with gaps."""
    draw = np.random.default_rng(seed)
    left = draw.random(rows) < 0.25
    frame = pl.DataFrame(
        {
            "id": [f"secret-{row}" for row in range(rows)],
            "note": [f"private words {row}" for row in range(rows)],
            "ignored": [f"concealed {row % 5}" for row in range(rows)],
            "months": draw.integers(0, 72, rows),
            "price": pl.Series(draw.lognormal(3, 1, rows)).set(pl.Series(draw.random(rows) < 0.1), None),
            "rating": draw.integers(0, 6, rows),
            "plan": draw.choice(["month", "year"], rows),
            "remote": draw.random(rows) < 0.5,
            "since": pl.Series(draw.integers(1_600_000_000, 1_700_000_000, rows) * 1_000_000).cast(pl.Datetime("us")),
            "left": np.where(left, "Yes", "No"),
        }
    )
    types: dict[str, Any] = {"id": "text", "note": "text", "ignored": "category", "months": "integer", "price": "number"}
    types |= {"rating": "integer", "plan": "category", "remote": "boolean", "since": "datetime"}
    columns = {name: Column(type=kind, nullable=True) for name, kind in types.items()}
    columns["ignored"] = Column(type="category", role="ignored")
    columns["months"] = Column(type="integer", unit="months", description="how long they have been with us")
    columns["left"] = Column(type="category", levels=["No", "Yes"])
    return frame, Contract(target="left", columns=columns, key=["id"])


def page(**changes: Any) -> Reading:
    frame, contract = table()
    return Reading(data_report.make(frame, contract, **{"title": "Churn", **changes}))


# the page


def test_the_page_is_whole_html_with_every_link_leading_somewhere() -> None:
    read = page()
    assert read.open == []
    assert len(set(read.ids)) == len(read.ids)
    links = [value for tag, name, value in read.attributes if tag == "a" and name == "href"]
    assert links and {link.removeprefix("#") for link in links} <= set(read.ids)


def test_nothing_comes_from_elsewhere() -> None:
    frame, contract = table()
    text = data_report.make(frame, contract, title="Churn")
    assert "://" not in text and "url(" not in text and "@import" not in text
    assert not {name for _, name, _ in Reading(text).attributes} & {"src", "srcset", "action", "data", "xlink:href"}


def test_every_plot_says_what_it_shows() -> None:
    read = page()
    plots = [name for tag, name, value in read.attributes if tag == "svg" and (name, value) == ("role", "img")]
    titles = read.all("title")
    assert len(plots) >= 10
    assert len([title for title in titles if title]) >= len(plots)
    assert len(read.all("desc")) == len(plots)
    assert "months (months)" in read.all("text")


def test_strangers_texts_stay_texts() -> None:
    rows = 100
    frame = pl.DataFrame({ODD: ["a<b>c", "d&e"] * 50, "z": range(rows), "y": ["<i>", "</style>"] * 50})
    contract = Contract(
        target="y",
        columns={
            ODD: Column(type="category", unit="<u>", description="<em>"),
            "z": Column(type="integer", unit="<u>"),
            "y": Column(type="category", levels=["<i>", "</style>"]),
        },
    )
    quarantine = pl.DataFrame(
        {"source": ["s"], "row": [1], "column": [ODD], "rule": ["type"], "message": ["<tt>"], "record": ["<kbd>"]}
    )
    text = data_report.make(
        frame,
        contract,
        title=ODD,
        data_version="<var>",
        quarantine=quarantine,
        findings=[Finding(kind="key_like", columns=[ODD], message="<q>")],
        changes=[Change(column=ODD, what="<s>", cells=3)],
    )
    read = Reading(text)
    assert read.open == []
    assert ODD in read.all("h1") and ODD in read.all("h3")
    for tag in ("u", "em", "i", "tt", "var", "q", "s", "b", "kbd"):
        assert f"<{tag}>" not in text
    assert text.count("<script>") <= 1 and text.count("</style>") == 1


def test_no_value_of_a_key_a_text_or_an_ignored_column_is_shown() -> None:
    frame, contract = table()
    quarantine = pl.DataFrame(
        {
            "source": ["a.csv"] * 2,
            "row": [1, 2],
            "column": ["months", "months"],
            "rule": ["type"] * 2,
            "message": ["expected an integer, got text"] * 2,
            "record": ['{"id": "secret-x"}'] * 2,
        }
    )
    text = data_report.make(frame, contract, title="Churn", quarantine=quarantine)
    assert not re.search("secret|private|concealed|a\\.csv", text)


def test_a_level_that_one_row_has_is_counted_and_not_named() -> None:
    frame = pl.DataFrame({"x": ["often"] * 20 + ["Jane Doe"], "y": ["a", "b", "b"] * 7})
    columns = {"x": Column(type="category"), "y": Column(type="category", levels=["a", "b"])}
    read = Reading(data_report.make(frame, Contract(target="y", columns=columns), title="t"))
    assert "often" in read.all("text")
    assert "Jane Doe" not in read.text
    assert "1 more level in 1 row" in read.text


def test_three_hundred_columns_are_under_three_megabytes() -> None:
    draw = np.random.default_rng(0)
    levels = [f"a level of <usual> length {number}" for number in range(12)]
    names = [f"a column with a rather long name, number {number}" for number in range(300)]
    frame = pl.DataFrame({name: draw.choice(levels, 1_000) for name in names})
    frame = frame.with_columns(y=pl.Series(draw.choice(list("abcdef"), 1_000)))
    columns = {name: Column(type="category", description="what it is, in a sentence of usual length") for name in names}
    columns["y"] = Column(type="category", levels=list("abcdef"))
    text = data_report.make(frame, Contract(target="y", columns=columns), title="wide")
    assert len(text.encode()) < 3_000_000
    assert Reading(text).all("h3").count(names[299]) == 1


def test_the_page_is_the_same_for_the_same_rows() -> None:
    frame, contract = table()
    assert data_report.make(frame, contract, title="t") == data_report.make(frame, contract, title="t")


# what it tells


def test_it_tells_what_became_of_the_rows() -> None:
    quarantine = pl.DataFrame(
        {
            "source": ["a"] * 3,
            "row": [1, 1, 2],
            "column": ["months", "price", "months"],
            "rule": ["minimum", "type", "minimum"],
            "message": ["expected at least 0, got less", "expected a number, got text", "expected at least 0, got less"],
            "record": ["{}"] * 3,
        }
    )
    read = page(quarantine=quarantine, duplicates=7, conflicts=(2, 5))
    for tile in ("Rows received 409", "In quarantine 2", "Duplicates dropped 7", "Rows kept 400", "Rows in conflict 5"):
        assert tile in read.text
    assert "months minimum expected at least 0, got less 2 price type expected a number, got text 1" in read.text


def test_it_tells_findings_the_gravest_first_and_changes_the_largest_first() -> None:
    read = page(
        findings=[
            Finding(kind="copy", columns=["plan"], message="second sentence"),
            Finding(kind="copy_of_target", columns=["price"], message="first sentence"),
        ],
        changes=[Change(column="plan", what="few", cells=1), Change(column="price", what="many", cells=1_000)],
    )
    assert read.text.index("first sentence") < read.text.index("second sentence")
    assert "1,001 cells were changed" in read.text
    assert read.text.index("many") < read.text.index("few")


def test_stand_in_rows_are_called_so() -> None:
    assert "STAND-IN DATA" in page(stand_in=True).text
    assert "STAND-IN DATA" not in page().text


def test_a_sorted_file_is_called_ordered_and_a_shuffled_one_is_not() -> None:
    frame, contract = table()
    assert "The file is ordered" in Reading(data_report.make(frame.sort("left"), contract, title="t")).text
    assert "The file is ordered" not in page().text


def test_constant_empty_and_gappy_columns_are_named() -> None:
    frame, contract = table()
    frame = frame.with_columns(
        plan=pl.lit("month"), price=pl.lit(None, pl.Float64), rating=pl.when(pl.col("rating") == 0).then(pl.col("rating"))
    )
    text = Reading(data_report.make(frame, contract, title="t")).text
    assert "The same value in every row: plan" in text
    assert "No value at all: price" in text
    assert "Missing in more than half of the rows: rating" in text


# the figures


def facts_of(values: pl.Series, kind: Any = "number", labels: list[str] | None = None) -> facts.ColumnFacts:
    frame = pl.DataFrame({"x": values, "y": labels or ["a"] * len(values)})
    contract = Contract(
        target="y", columns={"x": Column(type=kind, nullable=True), "y": Column(type="category", levels=["a", "b"])}
    )
    return facts.measure(frame, contract).columns[0]


def test_outliers_are_those_beyond_the_fences() -> None:
    measured = facts_of(pl.Series([1.0, 2.0, 3.0, 4.0, 5.0, 50.0])).values
    assert isinstance(measured, facts.Numbers)
    assert measured.fences == (2.25 - 1.5 * 2.5, 4.75 + 1.5 * 2.5)
    assert measured.outliers == 1


def test_bars_hold_whole_points_of_a_grid() -> None:
    measured = facts_of(pl.Series([place / 10 for place in range(60)] * 3)).values
    assert isinstance(measured, facts.Numbers)
    assert set(measured.bars.sum(axis=0).tolist()) == {9}


def test_levels_are_counted_by_class_in_the_order_declared() -> None:
    frame = pl.DataFrame({"x": ["lo"] * 6 + ["hi"] * 4, "y": ["a", "b"] * 5})
    columns = {"x": Column(type="category", levels=["lo", "hi"]), "y": Column(type="category", levels=["a", "b"])}
    measured = facts.measure(frame, Contract(target="y", columns=columns)).columns[0].values
    assert isinstance(measured, facts.Levels)
    assert (measured.names, measured.counts.tolist()) == (["lo", "hi"], [[3, 3], [2, 2]])


def test_missing_values_are_counted_by_class() -> None:
    measured = facts_of(pl.Series([None, 1.0, float("nan"), None]), labels=["a", "a", "b", "b"])
    assert (measured.missing, measured.missing_by_class, measured.distinct) == (3, [0.5, 1.0], 1)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_every_number_is_in_a_bar_or_beyond_the_axis(values: list[float]) -> None:
    measured = facts_of(pl.Series(values, dtype=pl.Float64)).values
    assert isinstance(measured, facts.Numbers)
    assert measured.bars.sum() + measured.below + measured.above == len(values)


def associated(**columns: Any) -> np.ndarray[Any, Any]:
    frame = pl.DataFrame(columns)
    kinds = {name: "category" if values.dtype == pl.String else "number" for name, values in frame.to_dict().items()}
    declared = {name: Column(type=kind, nullable=True) for name, kind in kinds.items()}  # type: ignore[arg-type]
    declared["y"] = Column(type="category", levels=["a", "b"])
    return associations.measure(frame, Contract(target="y", columns=declared)).table


def test_numbers_are_correlated_over_the_rows_that_have_both() -> None:
    draw = np.random.default_rng(0)
    one = draw.normal(5, 3, 500)
    other = -2 * one + draw.normal(0, 4, 500)
    gone, also = draw.random(500) < 0.3, draw.random(500) < 0.2
    made = associated(y=["a", "b"] * 250, one=pl.Series(one).set(pl.Series(gone), None), other=np.where(also, np.nan, other))
    both = ~(gone | also)
    assert made[1, 2] == pytest.approx(np.corrcoef(one[both], other[both])[0, 1])


def test_what_follows_from_the_other_has_an_association_of_one_and_what_does_not_nearly_none() -> None:
    draw = np.random.default_rng(0)
    level = draw.choice(list("pqr"), 2_000)
    made = associated(
        y=draw.choice(["a", "b"], 2_000),
        level=level,
        renamed=np.char.add(level, "!"),
        number=np.where(level == "p", 1.0, np.where(level == "q", 5.0, 2.0)),
    )
    assert made[1:, 1:] == pytest.approx(np.ones((3, 3)), abs=1e-3)
    assert made[0, 1:] == pytest.approx(np.zeros(3), abs=0.06)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234.5, "1,234"), (0.1 + 0.2, "0.3"), (-0.5, "-0.5"), (1e-7, "1.00e-07"), (1e20, "1.00e+20"), (72.0, "72")],
)
def test_a_number_is_written_short(value: float, text: str) -> None:
    assert figures.number(value) == text


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    assert figures.shorten("temperature of the\nsensor 17", 16) == "temperatur…or 17"


@settings(max_examples=100)
@given(st.text(), st.integers(2, 30))
def test_a_short_text_is_as_short_as_asked(text: str, most: int) -> None:
    assert len(figures.shorten(text, most)) <= most


@settings(max_examples=100)
@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_ticks_are_few_and_within(one: float, other: float) -> None:
    low, high = sorted((one, other))
    made = figures.ticks(low, high)
    assert len(made) <= 11
    room = 1e-6 * (high - low)
    assert all(low - room <= tick <= high + room for tick in made)


# any table

CELLS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "integer": (pl.Int64, st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)),
    "number": (pl.Float64, st.floats() | st.sampled_from([0.0, 1e308, -1e308, 5e-324])),
    "boolean": (pl.Boolean, st.booleans()),
    "category": (pl.String, st.text(max_size=3)),
    "text": (pl.String, st.text(max_size=20)),
    "datetime": (pl.Datetime("us"), st.datetimes()),
}


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_table_has_a_report(data: st.DataObject) -> None:
    rows = data.draw(st.integers(0, 30))
    kinds = data.draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    columns: dict[str, Column] = {}
    values: list[pl.Series] = []
    for place, kind in enumerate(kinds):
        name = f"{data.draw(st.text(max_size=6))}{place}"
        dtype, cells = CELLS[kind]
        columns[name] = Column(type=kind, nullable=True)  # type: ignore[arg-type]
        values.append(pl.Series(name, data.draw(st.lists(st.none() | cells, min_size=rows, max_size=rows)), dtype=dtype))
    levels = [f"class {number}" for number in range(data.draw(st.sampled_from([2, 3, 9])))]
    columns["y"] = Column(type="category", levels=levels)  # type: ignore[arg-type]
    labels = data.draw(st.lists(st.sampled_from(levels), min_size=rows, max_size=rows))
    frame = pl.DataFrame([*values, pl.Series("y", labels, dtype=pl.String)])
    read = Reading(data_report.make(frame, Contract(target="y", columns=columns), title="t"))
    assert read.open == []
    assert len([value for tag, name, value in read.attributes if (tag, name, value) == ("article", "class", "card")]) == len(
        columns
    )


def test_a_browser_finds_nothing_wider_than_a_phone(tmp_path: Path, needs: Callable[[str], str]) -> None:
    frame, contract = table()
    wide = frame.rename({"months": "a_name_without_any_space_" * 6})
    columns = {"a_name_without_any_space_" * 6 if name == "months" else name: one for name, one in contract.columns.items()}
    text = data_report.make(wide, Contract(target="left", columns=columns, key=["id"]), title="W" * 80)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    # headless windows are at least 500 wide, so a frame stands for the phone
    (tmp_path / "phone.html").write_text(
        '<iframe src="page.html" style="width:390px;height:800px;border:0"></iframe><p id="wide"></p><script>'
        "onload = () => { wide.textContent = 'width ' + frames[0].document.documentElement.scrollWidth }</script>"
    )
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --hide-scrollbars --allow-file-access-from-files --dump-dom"
    )
    command = [needs("chromium"), *flags.split(), f"--user-data-dir={tmp_path / 'user'}", (tmp_path / "phone.html").as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert re.findall(r"width \d+", shown.stdout) == ["width 390"]
