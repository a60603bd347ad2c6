from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import time
import zipfile
from collections.abc import Sequence
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scoring import made

from shipway.core import profile, wheel
from shipway.core.contract import Column, Contract
from shipway.core.models import Interval, ModelCard
from shipway.serving.live import Live
from shipway.serving.pages import drawing, traffic
from shipway.serving.pages import project as project_page
from shipway.serving.pages.document import SCRIPTS
from shipway.serving.traffic import BUCKETS, Minute, Recent

if TYPE_CHECKING:
    import httpx

VOID = {"meta", "link", "input", "br"}
DRAWN = {"path", "rect", "circle"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
NOTHING = Recent(minutes=[])
ODD = "x</script><script>alert(1)</script>\"'&{}{0}\u202e💡\r\n\0"


class Reading(HTMLParser):
    """Reads a page: whether its tags close, which there are, their attributes and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in DRAWN
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data


def live(contract: Contract, rows: pl.DataFrame, **changed: Any) -> Live:
    """A release that was loaded by nobody, of a model that is not there."""
    card = ModelCard(
        contract=contract,
        profile=profile.measure(contract, rows),
        classes=contract.classes,
        positive=contract.positive_class,
        threshold=0.4 if len(contract.classes) == 2 else None,
        candidate="linear",
        estimator="sklearn.linear_model.LogisticRegression",
        params={},
        metric="accuracy",
        score=0.9,
        class_counts=[rows.height, *[0] * (len(contract.classes) - 1)],
    )
    release = msgspec.structs.replace(made.release("odd"), **changed)
    example = {name: None if rows[name].is_null().all() else rows[name].drop_nulls()[0] for name in contract.features}
    example = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in example.items()}
    return Live(release, Path(), card, example)


def project(found: Live, recent: Recent = NOTHING, order: Sequence[str] | None = None) -> str:
    features = found.card.contract.features if order is None else order
    return project_page.page(found, recent, features, record_limit=10_000)


def numbers(count: int) -> Live:
    names = [f"a column of usual length {place}" for place in range(count)]
    rows = pl.DataFrame({name: np.random.default_rng(place).normal(size=99) for place, name in enumerate(names)})
    columns = {name: Column(type="number", unit="metres", description="what it is, in a few words") for name in names}
    return live(Contract(target="y", columns=columns | {"y": Column(type="category", levels=["a", "b"])}), rows)


# what is sent


def test_a_browser_gets_the_page_of_a_model_and_any_other_client_the_model(client: httpx.Client) -> None:
    page = client.get("/visits", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert "Try it" in Reading(page.text).text
    assert (
        client.get("/visits", headers={"Accept": "application/json;q=0.1, text/html"}).headers["content-type"].startswith("text")
    )
    for accept in (
        "application/json",
        "*/*",
        "application/json, text/html",
        "text/html;q=0.2, application/json;q=0.9",
        "text/html;q=x",
    ):
        answer = client.get("/visits", headers={"Accept": accept})
        assert (answer.json()["name"], answer.headers["vary"]) == ("visits", "Accept")
    assert page.headers["vary"] == "Accept"
    assert client.get("/nobody", headers=BROWSER).status_code == 404


@pytest.mark.parametrize("path", ["/", "/docs", "/iris", "/visits", "/iris/traffic"])
def test_a_page_runs_what_its_policy_names_and_nothing_else(client: httpx.Client, path: str) -> None:
    page = client.get(path, headers=BROWSER)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in page.headers["content-security-policy"]
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        for text in re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", page.text, re.DOTALL):
            assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy[directive]
    read = Reading(page.text)
    assert read.open == []
    assert [name for _, name, _ in read.attributes if name.startswith("on") or name == "style"] == []
    assert {value.split("#")[0] for _, name, value in read.attributes if name in ("href", "src", "action")} <= {
        "", "docs", "openapi.json", "./", "data:,", "iris", "visits", "../iris",
    }  # fmt: skip


def test_the_traffic_of_a_project_is_told_to_programs(client: httpx.Client) -> None:
    before = sum(one["requests"] for one in client.get("/iris/traffic").json()["minutes"])
    client.post("/iris/predict", json={"SepalLengthCm": 5.1, "PetalLengthCm": 1.4})
    client.post("/iris/predict", json={"SepalLengthCm": "x"})
    found = client.get("/iris/traffic").json()
    assert sum(one["requests"] for one in found["minutes"]) == before + 2
    assert sum(one["errors"].get("contract", 0) for one in found["minutes"]) > 0
    assert sum(one["labels"].get("setosa", 0) for one in found["minutes"]) > 0
    assert {len(one["latency"]) for one in found["minutes"]} == {len(found["buckets"]) + 1}
    assert client.get("/nobody/traffic").status_code == 404


def test_styles_and_scripts_are_in_the_wheel(tmp_path: Path) -> None:
    there = set(zipfile.ZipFile(wheel.build(tmp_path)).namelist())
    assert {f"shipway/serving/pages/{name}.js" for name in SCRIPTS} | {"shipway/serving/pages/style.css"} <= there


# what is shown


def test_strangers_texts_stay_texts() -> None:
    columns = {
        ODD: Column(type="category", unit=ODD, description=ODD, levels=[ODD, "b"]),
        "": Column(type="text", nullable=True, missing=(ODD,)),
        "y": Column(type="category", levels=[ODD, "</style>"]),
    }
    rows = pl.DataFrame({ODD: [ODD, "b"] * 9, "": ["c"] * 18})
    found = live(
        Contract(target="y", columns=columns), rows, title=ODD, data_version=ODD, metrics={ODD: Interval(value=1, low=1, high=1)}
    )
    counted = Minute(
        start=int(time.time()) // 60 * 60,
        requests=1,
        errors={ODD: 1},
        records=1,
        labels={ODD: 1},
        latency=[1, *[0] * len(BUCKETS)],
    )
    page = project(found, Recent(minutes=[counted]))
    read = Reading(page)
    assert read.open == []
    assert read.tags.count("script") == len(re.findall("<script>", project(numbers(1))))
    assert json.dumps(ODD) in [value for _, name, value in read.attributes if name == "data-column"]
    assert "alert(1)" in read.text


def test_no_row_can_be_told_from_a_page() -> None:
    rows = made.visits().with_columns(pl.Series("town", ["Jane Doe", "John Doe", *["Ulm", "Bonn"] * 59]))
    columns = made.VISITS.columns | {"town": Column(type="category")}
    found = live(msgspec.structs.replace(made.VISITS, columns=columns), rows)
    found.example.update(town="Ulm", note="text")
    page = project(found)
    assert not re.search(r"Doe|note \d|\bv\d+\b", page)
    assert "2 more" in page
    assert "Bonn" in page


def test_the_first_fields_of_a_wide_form_are_those_that_the_model_heeds_most() -> None:
    found = numbers(300)
    order = found.card.contract.features[::-1]
    page = project(found, order=order)
    first, rest = page.split('<details id="rest">')
    assert [json.loads(value) for _, name, value in Reading(page).attributes if name == "data-column"] == order
    assert first.count('class="field"') == 12
    assert rest.count('class="field"') == 288
    assert "288 more features" in Reading(page).text


def test_a_page_of_thirty_columns_is_small() -> None:
    assert len(project(numbers(30)).encode()) < 100_000


def test_the_card_tells_the_version_its_figures_and_what_it_learned_from() -> None:
    text = " ".join(Reading(project(numbers(2), order=[])).text.split())
    for told in ("3 being loaded", "odd/2026-11", "Training rows99", "0.900", "0.850 to 0.950", "LogisticRegression", "0.4"):
        assert told in text
    assert "STAND-IN DATA" not in text
    assert "STAND-IN DATA" in project(live(made.VISITS, made.visits(), stand_in=True))


def test_traffic_is_told_in_figures() -> None:
    none = [0] * (len(BUCKETS) + 1)
    fast, slow = none.copy(), none.copy()
    fast[3], slow[-1] = 19, 1
    minutes = [
        Minute(start=60, requests=19, errors={}, records=38, labels={"a": 30, "b": 8}, latency=fast),
        Minute(start=180, requests=1, errors={"rate": 1}, records=0, labels={}, latency=slow),
    ]
    text = " ".join(Reading(str(traffic.section(numbers(2), Recent(minutes=minutes), address="", now=200))).text.split())
    for told in (
        "Requests20",
        "Records38",
        "Errors1 (5 %)",
        "rate 1",
        "a 78.9 % (100 % in training)",
        "00:01193807.5 ms",
        "00:03101over 10 s",
    ):
        assert told in text


def test_an_hour_of_errors_alone_has_no_latency() -> None:
    refused = Minute(start=60, requests=3, errors={"rate": 3}, records=0, labels={}, latency=[0] * (len(BUCKETS) + 1))
    text = " ".join(Reading(str(traffic.section(numbers(2), Recent(minutes=[refused]), address="", now=100))).text.split())
    assert "Errors3 (100 %)Median latency–95th percentile–" in text


@given(st.lists(st.integers(0, 50), min_size=len(BUCKETS) + 1, max_size=len(BUCKETS) + 1).filter(any), st.floats(0.01, 1))
def test_a_quantile_of_counts_lies_in_the_bucket_that_holds_it(counts: list[int], share: float) -> None:
    values = [bound for bound, count in zip((*BUCKETS, math.inf), counts, strict=True) for _ in range(count)]
    upper = values[max(math.ceil(share * len(values) - 1e-9), 1) - 1]
    lower = max((bound for bound in (0.0, *BUCKETS) if bound < upper), default=0.0)
    assert lower <= traffic.quantile(counts, share) <= upper


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=21, max_size=21).map(sorted))
def test_any_distribution_is_drawn_inside_its_plot(quantiles: list[float]) -> None:
    drawn = re.findall(r"-?[\d.]+(?:e[+-]?\d+)?|nan|inf", str(drawing.distribution(quantiles)).partition('d="')[2])
    assert all(-drawing.SMALL[1] <= float(number) <= drawing.SMALL[0] for number in drawn)


CELLS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "integer": (pl.Int64, st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)),
    "number": (pl.Float64, st.floats(allow_nan=False, allow_infinity=False)),
    "boolean": (pl.Boolean, st.booleans()),
    "category": (pl.String, st.text(max_size=3)),
    "text": (pl.String, st.text(max_size=20)),
    "datetime": (pl.Datetime("us"), st.datetimes()),
}


@settings(max_examples=60)
@given(st.data())
def test_any_contract_has_a_page(data: st.DataObject) -> None:
    height = data.draw(st.integers(1, 12))
    columns: dict[str, Column] = {}
    values = []
    for kind in data.draw(st.lists(st.sampled_from(sorted(CELLS)), max_size=4)):
        name = f"{data.draw(st.text(max_size=6))}{len(columns)}"
        dtype, cells = CELLS[kind]
        levels = data.draw(st.none() | st.lists(st.text(max_size=4), min_size=1, unique=True)) if kind == "category" else None
        columns[name] = Column(type=kind, nullable=data.draw(st.booleans()), levels=levels, closed=data.draw(st.booleans()))  # type: ignore[arg-type]
        values.append(pl.Series(name, data.draw(st.lists(st.none() | cells, min_size=height, max_size=height)), dtype=dtype))
    classes = data.draw(st.lists(st.text(max_size=5), min_size=2, max_size=9, unique=True))
    contract = Contract(target="y", columns=columns | {"y": Column(type="category", levels=list(classes))})
    frame = pl.DataFrame(values) if values else pl.DataFrame({"none": [0] * height})
    read = Reading(project(live(contract, frame)))
    assert read.open == []
    assert [json.loads(value) for _, name, value in read.attributes if name == "data-column"] == contract.features
