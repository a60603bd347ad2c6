from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scoring import made
from tests.serving.served import fits

from shipway.core import contract as contracts
from shipway.core.contract import Column, Contract, Type
from shipway.serving import schemas

if TYPE_CHECKING:
    import httpx


@pytest.fixture(scope="session")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def body(document: dict[str, Any], project: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][f"/{project}/predict"]["post"]["requestBody"]["content"]["application/json"]
    return found


@pytest.mark.parametrize("project", ["iris", "visits"])
def test_each_example_fits_its_schema_and_is_answered_as_the_schema_of_the_answer_says(
    client: httpx.Client, document: dict[str, Any], project: str
) -> None:
    answers = document["components"]["schemas"][f"{project}.Answer"]
    for example in body(document, project)["examples"].values():
        assert fits(example["value"], body(document, project)["schema"], document)
        response = client.post(f"/{project}/predict", json=example["value"])
        assert response.status_code == 200, response.text
        assert fits(response.json(), answers, document)


def test_an_error_fits_the_schema_of_a_problem(client: httpx.Client, document: dict[str, Any]) -> None:
    for wrong in ({"a": 1}, {"records": 5}):
        assert fits(client.post("/iris/predict", json=wrong).json(), document["components"]["schemas"]["Problem"], document)


def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"]
    assert document["openapi"].startswith("3.1")
    own = {"/", "/{project}", "/{project}/traffic", "/health/live", "/health/ready", "/metrics"}
    models = {f"/{name}/{what}" for name in ("iris", "visits") for what in ("predict", "explain")}
    assert document["paths"].keys() == own | models


def test_a_record_is_strict_and_only_rules_are_constraints(document: dict[str, Any]) -> None:
    record = document["components"]["schemas"]["visits.Record"]
    assert record["additionalProperties"] is False
    assert record["required"] == ["age", "grade", "town", "at"]
    age, grade, town = (record["properties"][name] for name in ("age", "grade", "town"))
    assert (age["anyOf"][0]["minimum"], age["anyOf"][0]["maximum"]) == (0, 120)
    assert age["description"].startswith("at the visit; integer; in years")
    assert "enum" in grade["anyOf"][0]
    assert "enum" not in json.dumps(town["anyOf"])
    assert town["examples"] == ["Ulm", "Bonn <b>"]


def test_stand_in_data_is_said_in_the_document(document: dict[str, Any]) -> None:
    assert "visits: STAND-IN DATA" in document["info"]["description"]
    assert "STAND-IN DATA" in document["paths"]["/visits/predict"]["post"]["description"]
    assert "STAND-IN DATA" not in document["paths"]["/iris/predict"]["post"]["description"]


texts = st.sampled_from(
    [
        "",
        "?",
        "-1",
        "0",
        "1",
        "+7",
        " 84 ",
        "84.0",
        "8.4e1",
        ".5",
        "5.",
        "1e",
        "0x1",
        "nan",
        "inf",
        "-1e400",
        "1e309",
        "1e18",
        "true",
        "TRUE",
        "no",
        "1.0",
        "Yes ",
        "a",
        "b",
        "None",
        "2026-05-01",
        "01/05/2026",
        "1.234,5",
        "1,234.5",
        "1,5",
        "$5",
        "5 $",
        "-$ 5",
        "१",
        " ",
    ]
)
cells: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-5, 130) | st.floats(-1e6, 1e6) | texts | st.just([]) | st.just({})
)
types: st.SearchStrategy[Type] = st.sampled_from(["text", "category", "integer", "number", "boolean", "datetime"])


@st.composite
def columns(draw: st.DrawFn) -> Column:
    kind: Type = draw(types)
    bounded = kind in ("integer", "number") and draw(st.booleans())
    closed = kind == "category" and draw(st.booleans())
    spelled = kind in ("integer", "number") and draw(st.booleans())
    return Column(
        type=kind,
        nullable=draw(st.booleans()),
        missing=draw(st.sampled_from([("",), ("", "?"), ("-1", ""), ()])),
        minimum=0 if bounded else None,
        maximum=100 if bounded else None,
        levels=["a", "1", "true", "0.5"] if closed else None,
        closed=closed,
        decimal=draw(st.sampled_from([".", ","])) if spelled else ".",
        thousands=draw(st.sampled_from([None, " "])) if spelled else None,
        affixes=("$",) if spelled else (),
        format="%d/%m/%Y" if kind == "datetime" and draw(st.booleans()) else None,
    )


@settings(max_examples=400, deadline=None)
@given(columns(), cells)
def test_the_schema_takes_what_the_contracts_reader_takes(column: Column, cell: Any) -> None:
    contract = Contract(target="y", columns={"x": column, "y": Column(type="category", levels=["a", "b"])})
    taken = not contracts.read(contract, [{"x": cell}], target=False).breaches
    allowed = fits(cell, schemas.column_schema(contract, "x"), {})
    assert allowed or not taken, "the schema refuses a valid cell"
    if not isinstance(cell, str):
        assert taken or not allowed, "the schema allows a typed cell that is refused"


def test_the_page_of_documentation_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page.text)
    for name in made.VISITS.columns:
        assert f"<td>{name}</td>" in page.text
    assert "Bonn <b>" not in page.text
    assert "Bonn &lt;b&gt;" in page.text


def test_a_browser_gets_a_page_and_any_other_client_the_list_of_models(client: httpx.Client) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = client.get("/", headers={"Accept": browser})
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="docs"' in page.text
    assert "<model>" not in page.text
    assert page.text.count("STAND-IN DATA") == 1
    for accept in ("application/json", "*/*", "application/json, text/html"):
        listed = client.get("/", headers={"Accept": accept}).json()["models"]
        assert [one["name"] for one in listed] == ["iris", "visits"]


def test_a_model_tells_what_the_interface_fixes_and_stand_in_data(client: httpx.Client) -> None:
    iris, visits = (client.get(f"/{name}").json() for name in ("iris", "visits"))
    assert iris == {
        "name": "iris",
        "version": "3",
        "title": "The iris <model>",
        "target": "Species",
        "classes": ["setosa", "versicolor", "virginica"],
        "features": ["SepalLengthCm", "PetalLengthCm"],
        "data_version": "iris/2026-11",
        "metrics": {"accuracy": {"value": 0.9, "low": 0.85, "high": 0.95}},
    }
    assert visits["classes"] == [False, True]
    assert visits["notice"].startswith("STAND-IN DATA")
    assert client.post("/visits/predict", json=made.RECORD).json()["notice"].startswith("STAND-IN DATA")
