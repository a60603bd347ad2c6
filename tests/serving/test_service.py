from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scoring import made
from tests.serving.served import serving
from tests.serving.test_turns import Gate

from shipway.scoring.predictor import Predictor
from shipway.serving.app import create_app
from shipway.serving.turns import SCORING_THREADS, Limits

if TYPE_CHECKING:
    import httpx
    from tests.serving.conftest import Releases

IRIS = {"SepalLengthCm": 5.1, "PetalLengthCm": 1.4}


def post(client: httpx.Client, body: Any, project: str = "iris", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/{project}/predict", content=content, headers={"Content-Type": "application/json"} | headers)


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    assert {"type", "title", "detail"} <= found.keys()
    return found


def test_a_record_gets_the_answer_that_the_interface_fixes(client: httpx.Client) -> None:
    answer = post(client, IRIS).json()
    assert answer.keys() == {"model", "predictions"}
    assert answer["model"] == {"name": "iris", "version": "3"}
    (prediction,) = answer["predictions"]
    assert prediction.keys() == {"id", "label", "probabilities", "warnings"}
    assert prediction["label"] == "setosa"
    assert list(prediction["probabilities"]) == ["setosa", "versicolor", "virginica"]
    assert prediction["warnings"] == []


def test_the_service_gives_the_predictors_probabilities_to_the_last_bit(client: httpx.Client, releases: Releases) -> None:
    rows = made.irises().drop("Species")[:40]
    answer = post(client, {"records": rows.to_dicts()}).json()
    given = np.array([list(one["probabilities"].values()) for one in answer["predictions"]])
    assert (given == Predictor.load(releases[0][1]).predict(rows).probabilities).all()


def test_a_label_has_the_type_of_the_targets_levels(client: httpx.Client) -> None:
    answer = post(client, made.RECORD, "visits").json()
    assert isinstance(answer["predictions"][0]["label"], bool)
    assert answer["predictions"][0]["probabilities"].keys() == {"false", "true"}


def test_an_unmodified_row_of_the_csv_with_its_key_target_and_missing_markers_is_a_valid_record(client: httpx.Client) -> None:
    text = "id,age,spent,member,grade,town,at,note,memo,returns\nv1, 40 ,?,,2,Ulm,2026-05-01T10:00:00,,anything,true\n"
    (row,) = csv.DictReader(io.StringIO(text))
    typed = made.RECORD | {"spent": None, "member": None, "grade": 2}
    answers = [post(client, record, "visits").json()["predictions"][0] for record in (row, typed)]
    assert answers[0]["probabilities"] == answers[1]["probabilities"]


def test_records_and_columns_get_the_answers_of_the_single_records(client: httpx.Client) -> None:
    records: list[dict[str, Any]] = [IRIS, {"SepalLengthCm": "7", "PetalLengthCm": "6.0"}]
    alone = [post(client, record).json()["predictions"][0]["probabilities"] for record in records]
    columns = {name: [record[name] for record in records] for name in IRIS}
    for body in ({"records": records}, {"columns": columns}):
        found = post(client, body).json()["predictions"]
        for one, other in zip(found, alone, strict=True):
            assert one["probabilities"] == pytest.approx(other, abs=1e-12)


@pytest.mark.parametrize("body", [{"records": []}, {"columns": {}}, {"columns": {"SepalLengthCm": []}}])
def test_an_empty_batch_gets_no_predictions(client: httpx.Client, body: Any) -> None:
    assert post(client, body).json()["predictions"] == []


def test_ids_are_uuids_of_version_7_in_the_order_of_the_records(client: httpx.Client) -> None:
    ids = [uuid.UUID(one["id"]) for _ in range(3) for one in post(client, {"records": [IRIS] * 40}).json()["predictions"]]
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert len(set(ids)) == 120
    for first in range(0, 120, 40):
        assert ids[first : first + 40] == sorted(ids[first : first + 40])


def test_a_new_level_is_answered_with_a_warning(client: httpx.Client) -> None:
    (prediction,) = post(client, made.RECORD | {"town": "Oslo"}, "visits").json()["predictions"]
    assert prediction["warnings"] == [{"column": "town", "rule": "level", "message": "a level not seen in training"}]


def test_a_broken_contract_is_told_by_record_column_and_rule_and_never_by_value(client: httpx.Client) -> None:
    secret = "s3cret"
    wrong = {"age": secret, "spent": 1, "member": secret, "grade": secret, "town": "Ulm", "at": secret, "colour": secret}
    found = problem(post(client, {"records": [made.RECORD, wrong, 5, made.RECORD | {"age": 121}]}, "visits"), 422)
    assert {(one["record"], one["column"], one["rule"]) for one in found["errors"]} == {
        (1, "age", "type"),
        (1, "member", "type"),
        (1, "grade", "level"),
        (1, "at", "type"),
        (1, "colour", "unknown"),
        (2, None, "type"),
        (3, "age", "maximum"),
    }
    assert secret not in json.dumps(found)
    assert all(one["message"] for one in found["errors"])


def test_a_required_column_that_is_not_there_is_named(client: httpx.Client) -> None:
    found = problem(post(client, {"SepalLengthCm": 5}), 422)
    assert [(one["column"], one["rule"]) for one in found["errors"]] == [("PetalLengthCm", "required")]


def test_a_long_list_of_errors_is_cut_and_counted(client: httpx.Client) -> None:
    found = problem(post(client, {"records": [{"a": 1, "b": 2}] * 50}), 422)
    assert len(found["errors"]) == 100
    assert "The first 100 of 200" in found["detail"]


NO_JSON = {
    "nothing": b"",
    "cut": b'{"a":',
    "NaN": b'{"SepalLengthCm":NaN,"PetalLengthCm":1}',
    "Infinity": b'{"SepalLengthCm":-Infinity}',
    "beyond a float": b'{"SepalLengthCm":1e999,"PetalLengthCm":1}',
    "5000 digits": b'{"SepalLengthCm":1' + b"0" * 5000 + b"}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "Latin-1": '{"a":"é"}'.encode("latin-1"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "half a surrogate": b'{"SepalLengthCm":"\\ud800","PetalLengthCm":1}',
    "half a surrogate in a name": b'{"\\udfff and more":1}',
    "deep": b"[" * 9000,
    "deep record": b'{"a":' * 3000,
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "two documents": b"{}{}",
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON.keys())
def test_what_is_no_json_object_is_refused_as_such(client: httpx.Client, body: bytes) -> None:
    assert "errors" not in problem(post(client, body), 400)


WRONG_SHAPES: list[Any] = [
    {"records": 5},
    {"records": {}},
    {"records": None},
    {"records": [], "columns": {}},
    {"records": [IRIS], "SepalLengthCm": 1},
    {"columns": []},
    {"columns": {"SepalLengthCm": 5}},
    {"columns": {"SepalLengthCm": [1], "PetalLengthCm": [1, 2]}},
]


@pytest.mark.parametrize("body", WRONG_SHAPES, ids=json.dumps)
def test_a_batch_of_the_wrong_shape_is_refused(client: httpx.Client, body: Any) -> None:
    problem(post(client, body), 422)


@pytest.mark.parametrize("value", [10**400, -(10**30), [1], {"a": 1}, True, "\x00", "1_000", ""])
def test_a_cell_that_is_no_number_of_64_bits_breaks_the_contract(client: httpx.Client, value: Any) -> None:
    found = problem(post(client, made.RECORD | {"age": value}, "visits"), 422)
    assert [one["column"] for one in found["errors"]] == ["age"]


TWICE = {
    "in a record": b'{"SepalLengthCm": 9, "SepalLengthCm": 5.1, "PetalLengthCm": 1.4}',
    "of one value": b'{"SepalLengthCm":5,"SepalLengthCm":5,"PetalLengthCm":1.4}',
    "spelled in two ways": b'{"SepalLengthCm":9,"\\u0053epalLengthCm" :5,"PetalLengthCm":1.4}',
    "in a batch": b'{"records":[{"SepalLengthCm":9,"SepalLengthCm":5,"PetalLengthCm":1}]}',
    "of columns": b'{"columns":{"SepalLengthCm":[9],"SepalLengthCm":[5],"PetalLengthCm":[1]}}',
    "two batches": b'{"records":[],"records":[]}',
    "in a cell": b'{"SepalLengthCm":{"a":{"b":1,"b":2}},"PetalLengthCm":1}',
}


@pytest.mark.parametrize("body", TWICE.values(), ids=TWICE.keys())
def test_members_of_one_name_are_refused(client: httpx.Client, body: bytes) -> None:
    assert "two members of one name" in problem(post(client, body), 400)["detail"]


def test_what_looks_like_a_member_inside_of_a_text_is_none(client: httpx.Client) -> None:
    record = made.RECORD | {"note": 'at 10:00 he said "id": twice, "id" : and {[', "town": ":"}
    assert post(client, record, "visits").status_code == 200
    assert post(client, {"records": [record, record]}, "visits").status_code == 200


def test_bodies_and_batches_beyond_the_limits_are_refused(client: httpx.Client) -> None:
    assert "20,000 bytes" in problem(post(client, {"SepalLengthCm": "5" * 20_000}), 413)["detail"]
    batches: list[Any] = [{"records": [{}] * 51}, {"columns": {"a": [1] * 51}}]
    for batch in batches:
        assert "50 records" in problem(post(client, batch), 413)["detail"]


def test_a_body_that_does_not_tell_its_length_is_measured_while_it_comes(client: httpx.Client) -> None:
    parts = (b" " * 1000 for _ in range(21))
    response = client.post("/iris/predict", content=parts, headers={"Content-Type": "application/json"})
    problem(response, 413)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/csv"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Encoding": "gzip"},
    ],
    ids=str,
)
def test_what_is_not_sent_as_plain_json_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    problem(post(client, IRIS, **headers), 415)


def test_json_may_say_its_encoding(client: httpx.Client) -> None:
    assert post(client, IRIS, **{"Content-Type": 'Application/JSON; charset="UTF-8"'}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {str(name): 1 for name in range(600)},
        {"records": [{}, {str(n): 1 for n in range(600)}]},
        {"columns": {str(n): [1] * 9 for n in range(99)}},
    ],
)
def test_a_body_with_more_values_than_a_batch_can_have_is_refused_by_one_record(client: httpx.Client, body: Any) -> None:
    (error,) = problem(post(client, body), 422)["errors"]
    assert (error["record"], error["column"], error["rule"]) == (1 if "records" in body else 0, None, "unknown")


@pytest.mark.parametrize("path", ["/", "/iris", "/health/live", "/health/ready", "/docs", "/openapi.json"])
def test_what_can_be_got_answers_a_probe_with_its_head(client: httpx.Client, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == client.get(path).headers["content-length"]


def test_unknown_addresses_and_wrong_methods_are_problems_too(client: httpx.Client) -> None:
    assert "iris, visits" in problem(client.get("/nope"), 404)["detail"]
    problem(post(client, IRIS, "nope"), 404)
    problem(client.get("/iris/predict/more"), 404)
    assert client.get("/iris/predict").headers["allow"] == "POST"
    problem(client.get("/iris/predict"), 405)
    problem(client.delete("/iris"), 405)


def test_what_takes_a_body_names_its_method_to_who_uses_another(client: httpx.Client) -> None:
    for path in ("/iris/predict", "/iris/versions/3/predict", "/iris/feedback"):
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_body_may_come_in_chunks(client: httpx.Client) -> None:
    body = json.dumps(IRIS).encode()
    parts = (body[place : place + 3] for place in range(0, len(body), 3))
    answer = client.post("/iris/predict", content=parts, headers={"Content-Type": "application/json"})
    assert answer.json()["predictions"][0]["label"] == "setosa"


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "gzip, gzip"])
def test_a_compressed_body_is_not_unpacked(client: httpx.Client, encoding: str) -> None:
    problem(post(client, gzip.compress(b"0" * 10**6), **{"Content-Encoding": encoding}), 415)


CELLS: dict[str, tuple[bytes, bool]] = {
    "a text of NaN": (b'"NaN"', False),
    "a text of infinity": (b'"-inf"', False),
    "minus nothing": (b"-0", True),
    "minus nothing of a float": (b"-0.0", True),
    "a denormal": (b"5e-324", True),
    "less than a denormal": (b"1e-999", True),
    "the largest": (b"1.7976931348623157e308", False),
    "more digits than a float has": (b"0." + b"123456789" * 50, True),
    "an integer beyond 64 bits": (b"9" * 25, True),
    "an integer beyond a float": (b"9" * 400, False),
    "a text beyond a float": (b'"1e999"', False),
    "a NUL": (b'"\\u00005"', False),
    "a surrogate pair": (b'"\\ud83d\\ude00"', False),
    "a list": (b"[5]", False),
    "an object": (b'{"a":5}', False),
}


@pytest.mark.parametrize(("cell", "answered"), CELLS.values(), ids=CELLS.keys())
def test_an_odd_number_is_answered_or_breaks_the_contract(client: httpx.Client, cell: bytes, answered: bool) -> None:
    response = post(client, b'{"SepalLengthCm":5,"PetalLengthCm":' + cell + b"}")
    if answered:
        assert response.status_code == 200, response.text
        assert sum(response.json()["predictions"][0]["probabilities"].values()) == pytest.approx(1)
    else:
        assert cell not in response.content or len(cell) < 4
        problem(response, 422)


def test_the_name_of_an_unknown_column_is_cut(client: httpx.Client) -> None:
    (error,) = problem(post(client, IRIS | {"x" * 5000: 1}), 422)["errors"]
    assert error["column"] == "x" * 100


def test_a_service_that_is_busy_refuses_before_the_body_is_read_and_answers_again_later(releases: Releases) -> None:
    app = create_app(releases, limits=Limits(requests=1))
    with serving(app) as client:
        post(client, IRIS)
        turns, gate, held = app.state.turns, Gate(), []
        try:
            for _ in range(SCORING_THREADS + 1):
                held.append(asyncio.run_coroutine_threadsafe(turns.run("iris", 1, gate.work), turns.loop))
                if len(held) <= SCORING_THREADS:
                    gate.entered.acquire()
            while not turns.waiting()["iris"]:
                assert not held[-1].done()
            response = post(client, b"no JSON")
            assert "Overloaded" in problem(response, 503)["detail"]
            assert int(response.headers["retry-after"]) > 0
        finally:
            gate.opened.set()
        for one in held:
            one.result()
        assert post(client, IRIS).status_code == 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([*made.VISITS.columns, "records", "columns", "other"])


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(names, json_values, max_size=10), st.booleans())
def test_no_record_makes_the_service_fail(client: httpx.Client, cells: dict[str, Any], completed: bool) -> None:
    body = made.RECORD | cells if completed else cells
    response = post(client, json.dumps(body).encode(), "visits")
    assert response.status_code in (200, 422)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_make_the_service_fail(client: httpx.Client, body: bytes) -> None:
    assert post(client, body).status_code in (400, 422)
