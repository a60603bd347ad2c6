"""The pages of the three case studies in a real Chromium."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import CASE_STUDIES, CaseStudy
from tests.scoring import made
from tests.serving.pages.chromium import HEIGHT, WIDTHS, opened, photograph
from tests.serving.served import serving
from tests.test_endpoints import received

from shipway.core.contract import Column, Contract
from shipway.serving.app import create_app

if TYPE_CHECKING:
    import httpx
    from playwright.sync_api import Browser, Page

AUDIT = Path(__file__).with_name("audit.js").read_text(encoding="utf-8")

CHANGED = {"telco_churn": ("tenure", "1000"), "iris": ("PetalLengthCm", "1.5"), "airline_satisfaction": ("Seat comfort", "1")}
"""A feature of each study and a value that is not the typical one."""

SCHEMES: tuple[Any, ...] = ("light", "dark")


def address(service: httpx.Client, path: str = "") -> str:
    return f"{service.base_url}/{path}"


def example(service: httpx.Client, name: str) -> dict[str, Any]:
    document = service.get("/openapi.json").json()
    found: dict[str, Any] = document["components"]["schemas"][f"{name}.Record"]["examples"][0]
    return found


def field(page: Page, column: str) -> Any:
    """The field of a feature."""
    return page.locator(".field").filter(has=page.get_by_text(column, exact=True))


def change(page: Page, name: str) -> tuple[str, str]:
    """Load the example and change one value of it."""
    page.get_by_role("button", name="Load an example").click()
    column, value = CHANGED[name]
    control = field(page, column).locator("select, input").first
    if control.evaluate("element => element.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)
    return column, value


def predict(page: Page) -> None:
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("heading", name="What moved it").wait_for()


@pytest.mark.parametrize("name", CASE_STUDIES)
def test_the_form_shows_what_the_service_answers_and_what_moved_it(browser: Browser, service: httpx.Client, name: str) -> None:
    with opened(browser, address(service, name)) as page:
        column, value = change(page, name)
        predict(page)
        record = example(service, name) | {column: value}
        answer = service.post(f"/{name}/explain", json=record).json()
        prediction, told = answer["prediction"], answer["explanation"]
        assert page.locator("#answer .label strong").inner_text() == str(prediction["label"])
        rows = [row.inner_text().split("\t") for row in page.locator("#answer .bars").first.locator("tbody tr").all()]
        assert {row[0].strip() for row in rows} == set(prediction["probabilities"])
        shown = page.locator("#answer .moved tbody tr").all_inner_texts()
        assert [text.split()[0] for text in shown] == [one["column"].split()[0] for one in told["effects"][: len(shown)]]
        assert page.locator("#answer .moved tbody tr").first.locator(".figure").inner_text().lstrip("+−") == (
            f"{100 * abs(told['effects'][0]['effect']):.1f}"
        )
        assert len(prediction["warnings"]) == page.locator(".warning:not(:empty)").count()


@pytest.mark.parametrize("name", CASE_STUDIES)
def test_errors_stand_beside_their_fields(browser: Browser, service: httpx.Client, name: str) -> None:
    required = {error["column"]: error["message"] for error in service.post(f"/{name}/predict", json={}).json()["errors"]}
    with opened(browser, address(service, name)) as page:
        page.get_by_role("button", name="Predict").click()
        page.locator(".field .error:not(:empty)").first.wait_for()
        shown = {
            json.loads(one.get_attribute("data-column") or ""): one.locator(".error").inner_text()
            for one in page.locator(".field").filter(has=page.locator(".error:not(:empty)")).all()
        }
        assert shown == required
        focused = page.evaluate("() => document.activeElement.closest('.field').dataset.column")
        assert json.loads(focused) == next(iter(required))
        invalid = page.locator("[aria-invalid=true]")
        assert invalid.count() == len(required)


def test_a_value_that_breaks_a_rule_is_told_at_its_field_alone(browser: Browser, service: httpx.Client) -> None:
    with opened(browser, address(service, "telco_churn")) as page:
        page.get_by_role("button", name="Load an example").click()
        field(page, "tenure").locator("input").first.fill("-1")
        page.get_by_role("button", name="Predict").click()
        told = page.locator(".field .error:not(:empty)")
        told.wait_for()
        assert (told.count(), told.inner_text()) == (1, "expected at least 0, got less")
        field(page, "tenure").locator("input").first.fill("5")
        assert told.count() == 0


def examine(page: Page, name: str, width: int) -> None:
    """Keep pictures of the page, light and dark, and audit it."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        photograph(page, f"{name}-{scheme}")
        assert page.evaluate(AUDIT) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("kind", "width"), WIDTHS.items())
@pytest.mark.parametrize("name", CASE_STUDIES)
def test_a_models_page_is_fit_for_everyone(browser: Browser, service: httpx.Client, name: str, kind: str, width: int) -> None:
    with opened(browser, address(service, name), viewport={"width": width, "height": HEIGHT}) as page:
        change(page, name)
        predict(page)
        examine(page, f"{name}-{kind}", width)


@pytest.mark.parametrize(("kind", "width"), WIDTHS.items())
@pytest.mark.parametrize("path", ["", "docs", "iris/traffic"])
def test_the_other_pages_are_fit_for_everyone(browser: Browser, service: httpx.Client, path: str, kind: str, width: int) -> None:
    with opened(browser, address(service, path), viewport={"width": width, "height": HEIGHT}) as page:
        examine(page, f"{path.replace('/', '-') or 'home'}-{kind}", width)


def test_a_prediction_is_made_with_the_keyboard_alone(browser: Browser, service: httpx.Client) -> None:
    with opened(browser, address(service, "iris")) as page:

        def tab_to(name: str) -> None:
            for _ in range(60):
                page.keyboard.press("Tab")
                if page.evaluate("() => document.activeElement.textContent") == name:
                    return
            pytest.fail(f"Tab never comes to {name!r}")

        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
        tab_to("Load an example")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type("7.1")
        assert page.evaluate("() => document.activeElement.value") == "7.1"
        tab_to("Predict")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="What moved it").wait_for()
        assert page.locator("#answer").get_attribute("aria-live") == "polite"


def scored(page: Page) -> tuple[str, list[dict[str, str]]]:
    """The file that comes back, as text and as rows."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the scored file").click()
    text = Path(waiting.value.path()).read_bytes().decode()
    return text, list(csv.DictReader(io.StringIO(text, newline="")))


def table(rows: list[dict[str, Any]], **how: Any) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), **how)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


@pytest.mark.parametrize("name", CASE_STUDIES)
def test_a_file_comes_back_with_the_answers_of_the_service(
    browser: Browser, service: httpx.Client, case_study: Callable[[str], CaseStudy], name: str
) -> None:
    rows = received(case_study(name)).to_dicts()
    target = service.get(f"/{name}").json()["target"]
    answers = service.post(f"/{name}/predict", json={"records": rows}).json()["predictions"]
    with opened(browser, address(service, name)) as page:
        page.get_by_label("Drop a CSV here").set_input_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": table(rows)})
        page.get_by_text(f"{len(rows)} of {len(rows)} rows scored").wait_for()
        photograph(page, f"{name}-scored")
        assert page.evaluate(AUDIT) == []
        _, found = scored(page)
    for row, answer, back in zip(rows, answers, found, strict=True):
        assert {column: back[column] for column in row} == {column: value or "" for column, value in row.items()}
        assert back[f"predicted {target}"] == str(answer["label"])
        chances = {level: float(back[f"probability {level}"]) for level in answer["probabilities"]}
        assert chances == pytest.approx(answer["probabilities"], abs=1e-12)
        assert bool(back["warnings"]) == bool(answer["warnings"])


def test_bad_rows_of_a_file_spoil_no_others_and_say_why(browser: Browser, service: httpx.Client) -> None:
    good = {
        "Id": "=1+1",
        "SepalLengthCm": "5.1",
        "SepalWidthCm": "3.5",
        "PetalLengthCm": "1.4",
        "PetalWidthCm": "0.2",
        "more": 'a;"b\nc',
    }
    rows = [good, good | {"SepalLengthCm": "-1"}, good, good | {"PetalWidthCm": "wide", "SepalWidthCm": ""}] * 400
    text = b"\xef\xbb\xbf" + table(rows, delimiter=";", lineterminator="\r\n") + b"5;6\r\n\r\n"
    with opened(browser, address(service, "iris")) as page:
        page.get_by_label("Drop a CSV here").set_input_files({"name": "rows.v2.csv", "mimeType": "text/csv", "buffer": text})
        page.get_by_text("800 of 1,601 rows scored").wait_for()
        assert "801 rows refused" in page.locator("#scored summary").inner_text()
        assert "Not in the contract, so not sent: more." in page.locator("#scored").inner_text()
        photograph(page, "iris-refused")
        text, _ = scored(page)
    assert text.startswith("\ufeffId;")
    found = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert [row["predicted Species"] for row in found[:4]] == ["Iris-setosa", "", "Iris-setosa", ""]
    assert [bool(row["refused"]) for row in found[:1600]] == [False, True, False, True] * 400
    assert found[1]["refused"] == "SepalLengthCm: expected at least 0, got less"
    assert "PetalWidthCm: expected a number, got text" in found[3]["refused"]
    assert found[0]["more"] == good["more"]
    assert text.rstrip("\r\n").endswith("2 cells where the header has 6")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"a,b\n1,2\n", "The header lacks the columns SepalLengthCm"),
        (b"SepalLengthCm,SepalWidthCm,PetalLengthCm,PetalWidthCm\n", "a header and no rows"),
        (b"SepalLengthCm,SepalLengthCm,SepalWidthCm,PetalLengthCm,PetalWidthCm\n1,1,1,1,1\n", "names SepalLengthCm twice"),
        (b"PK\x03\x04...", "spreadsheet"),
        (bytes(range(9)) * 9 + bytes(40), "no table of text"),
    ],
    ids=["empty", "other", "header", "twice", "archive", "binary"],
)
def test_a_file_that_can_not_be_scored_is_refused_with_its_reason(
    browser: Browser, service: httpx.Client, content: bytes, said: str
) -> None:
    with opened(browser, address(service, "iris")) as page:
        page.get_by_label("Drop a CSV here").set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": content})
        page.locator("#scored .error").wait_for()
        assert said in page.locator("#scored .error").inner_text()


def test_a_dropped_file_waits_while_the_service_is_busy_and_can_be_cancelled(browser: Browser, service: httpx.Client) -> None:
    rows = [{"SepalLengthCm": "5.1", "SepalWidthCm": "3.5", "PetalLengthCm": "1.4", "PetalWidthCm": "0.2"}] * 2500
    busy = {"status": 503, "headers": {"Retry-After": "0"}, "content_type": "application/problem+json", "body": "{}"}
    with opened(browser, address(service, "iris")) as page:
        statuses = [busy, None, busy, busy, None]

        def refuse(route: Any) -> None:
            status = statuses.pop(0) if statuses else {**busy, "headers": {"Retry-After": "3600"}}
            route.fulfill(**status) if status else route.continue_()

        page.route("**/iris/predict", refuse)
        page.locator(".drop").evaluate(
            """(place, text) => {
              const carried = new DataTransfer();
              carried.items.add(new File([text], "rows.csv"));
              place.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
            }""",
            table(rows).decode(),
        )
        page.get_by_text("The service is busy; going on in 60 s.").wait_for()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_text("Cancelled. 2,000 of 2,000 rows scored").wait_for()
        assert len(scored(page)[1]) == 2000


def test_recent_traffic_renews_itself(browser: Browser, service: httpx.Client) -> None:
    with opened(browser, address(service, "airline_satisfaction")) as page:
        page.clock.install()
        page.reload()
        service.post("/airline_satisfaction/predict", json={"no such column": 1})
        before = page.locator("#traffic .reasons").inner_text() if page.locator("#traffic .reasons").count() else ""
        service.post("/airline_satisfaction/predict", json={"no such column": 1})
        page.clock.fast_forward(11_000)
        page.wait_for_function("before => document.querySelector('#traffic .reasons')?.innerText !== before", arg=before)
        assert "contract" in page.locator("#traffic .reasons").inner_text()


cells = st.text(st.sampled_from("ab ;,\t\"'\r\n\ufeffé💡="), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=5), st.sampled_from(",;\t"), st.integers(1, 7))
def test_a_table_is_read_as_it_was_written_in_pieces_of_any_size(
    page_of_iris: Page, rows: list[list[str]], sign: str, size: int
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=sign, quoting=csv.QUOTE_ALL).writerows(rows)
    script = """([text, sign, size]) => {
      const reader = new Cells(sign), signs = [...text], rows = [];
      for (let at = 0; at < signs.length; at += size) rows.push(...reader.push(signs.slice(at, at + size).join("")));
      rows.push(...reader.end());
      return [rows, rows.map((row) => row.map((cell) => quoted(cell, sign)).join(sign)).join("\\r\\n")];
    }"""
    found, written = page_of_iris.evaluate(script, [out.getvalue(), sign, size])
    assert found == rows
    assert [one for one in csv.reader(io.StringIO(written, newline=""), delimiter=sign) if one] == rows


@pytest.fixture(scope="module")
def page_of_iris(browser: Browser, service: httpx.Client) -> Any:
    with opened(browser, address(service, "iris")) as page:
        yield page


def test_what_is_added_to_a_table_is_no_formula(page_of_iris: Page) -> None:
    texts = ["=1+1", "+1", "-1", "-1.5", "@x", "-x", "plain", "\tx", ""]
    assert page_of_iris.evaluate("texts => texts.map(harmless)", texts) == [
        "'=1+1", "'+1", "-1", "-1.5", "'@x", "'-x", "plain", "'\tx", "",
    ]  # fmt: skip


ODD = [
    "</script><img src=x onerror=alert(1)>",
    "__proto__",
    "constructor",
    "two\r\nlines\0",
    "\u202eright to left",
    "💡 'quoted' \"twice\" a.b",
    "",
    " ",
]
"""Names of columns that try to be something else."""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """A served model whose columns and classes have odd names; and a record with a level that is as odd."""
    draw = np.random.default_rng(0)
    levels = ["<b>bold</b>", "=1+1", "{{7*7}}"]
    rows = pl.DataFrame({name: draw.choice(levels, 200) for name in ODD} | {"y": draw.choice(["<i>yes</i>", "-no"], 200)})
    columns = {name: Column(type="category") for name in ODD}
    contract = Contract(target="y", columns=columns | {"y": Column(type="category", levels=["<i>yes</i>", "-no"])})
    bundle = made.bundle(tmp_path_factory.mktemp("odd") / "bundle", contract, rows)
    with serving(create_app([(made.release("odd"), bundle)], record_limit=300)) as client:
        yield f"{client.base_url}/odd", dict.fromkeys(ODD, "\u2028<u>")


def test_odd_names_of_columns_and_levels_stay_texts_and_are_sent_as_they_are(
    browser: Browser, odd: tuple[str, dict[str, Any]]
) -> None:
    where, record = odd
    with opened(browser, where) as page:
        page.get_by_role("button", name="Load an example").click()
        for one in page.locator(".field").all():
            one.locator("select").select_option(label="other…")
            one.locator("input.other").fill("\u2028<u>")
        with page.expect_request("**/predict") as sent:
            predict(page)
        assert json.loads(sent.value.post_data or "") == {"records": [record]}
        assert page.locator(".warning:not(:empty)").count() == len(ODD)
        assert page.locator("#answer .moved tbody tr").count() == len(ODD)
        assert page.locator("img, main b:not(.moved b), main u").count() == 0
        photograph(page, "odd")
        assert page.evaluate(AUDIT) == []


def test_a_file_with_odd_names_is_scored_in_batches_that_the_service_takes(
    browser: Browser, odd: tuple[str, dict[str, Any]]
) -> None:
    where, record = odd
    rows = [record | {"\r\n": "x"} for _ in range(700)]
    with opened(browser, where) as page:
        content = table(rows, quoting=csv.QUOTE_ALL)
        page.get_by_label("Drop a CSV here").set_input_files({"name": "odd.csv", "mimeType": "text/csv", "buffer": content})
        page.get_by_text("700 of 700 rows scored, 700 with a warning.").wait_for()
        found = scored(page)[1]
    assert {name: found[9][name] for name in rows[0]} == rows[9]
    assert {row["predicted y"] for row in found} <= {"'-no", "<i>yes</i>"}


def test_a_wide_form_is_searched_and_unfolds_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    rows = pl.DataFrame({f"x{place}": draw.normal(size=150) for place in range(120)})
    rows = rows.with_columns(pl.when(pl.col("x77") > 0).then(pl.lit("a")).otherwise(pl.lit("b")).alias("y"))
    columns = {name: Column(type="number") for name in rows.columns[:-1]}
    contract = Contract(target="y", columns=columns | {"y": Column(type="category", levels=["a", "b"])})
    bundle = made.bundle(tmp_path / "wide", contract, rows)
    with serving(create_app([(made.release("wide"), bundle)])) as client, opened(browser, f"{client.base_url}/wide") as page:
        assert page.locator(".field:visible").count() == 12
        assert page.locator(".field label").first.inner_text() == "x77"
        page.get_by_label("Find a feature").fill("X11")
        assert sorted(page.locator(".field:visible label").all_inner_texts()) == ["x11", *(f"x11{one}" for one in range(10))]
        page.get_by_label("Find a feature").fill("")
        page.get_by_role("button", name="Load an example").click()
        last = page.locator("#rest .field input").last
        last.evaluate("one => { one.closest('.field').querySelector('input').value = ''; }")
        page.get_by_role("button", name="Predict").click()
        page.locator(".field .error:not(:empty)").wait_for()
        assert page.evaluate("() => document.activeElement.closest('#rest').open")
        photograph(page, "wide")


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A model with a column of every type, in a service that takes small bodies only."""
    bundle = made.bundle(tmp_path_factory.mktemp("visits") / "bundle", made.VISITS, made.visits())
    with serving(create_app([(made.release("visits"), bundle)], body_limit=20_000)) as client:
        yield client


def test_every_type_of_column_is_sent_as_the_example_has_it(browser: Browser, visits: httpx.Client) -> None:
    with opened(browser, address(visits, "visits")) as page:
        page.get_by_role("button", name="Load an example").click()
        with page.expect_request("**/predict") as sent:
            predict(page)
        assert json.loads(sent.value.post_data or "") == {"records": [example(visits, "visits")]}
        assert page.get_by_text("Every value is the typical one.").count() == 1


def test_what_may_be_missing_is_left_out_and_what_is_chosen_as_missing_is_sent_so(browser: Browser, visits: httpx.Client) -> None:
    with opened(browser, address(visits, "visits")) as page:
        page.get_by_role("button", name="Load an example").click()
        field(page, "member").locator("select").select_option("null")
        field(page, "spent").locator("input").first.fill("")
        field(page, "at").locator("input").fill("2026-05-01T10:20")
        with page.expect_request("**/predict") as sent:
            predict(page)
        (record,) = json.loads(sent.value.post_data or "")["records"]
        assert (record["member"], "spent" in record, record["at"]) == (None, False, "2026-05-01T10:20:00")


def test_a_batch_that_is_too_large_is_sent_in_smaller_ones(browser: Browser, visits: httpx.Client) -> None:
    rows = [made.RECORD | {"id": place, "note": "n" * 50} for place in range(1500)]
    with opened(browser, address(visits, "visits")) as page:
        page.get_by_label("Drop a CSV here").set_input_files({"name": "v.csv", "mimeType": "text/csv", "buffer": table(rows)})
        page.get_by_text("1,500 of 1,500 rows scored").wait_for()
        assert [row["id"] for row in scored(page)[1]] == [str(place) for place in range(1500)]


def test_a_service_that_is_away_is_said_to_be(browser: Browser, visits: httpx.Client) -> None:
    with opened(browser, address(visits, "visits")) as page:
        page.clock.install()
        page.get_by_role("button", name="Load an example").click()
        page.route("**/predict", lambda route: route.abort())
        page.get_by_role("button", name="Predict").click()
        page.get_by_text("asking again").wait_for()
        page.clock.run_for(20_000)
        page.get_by_text("The service does not answer.").wait_for()
