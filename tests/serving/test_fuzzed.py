"""Small versions of benchmarks/fuzz_requests.py and benchmarks/schemas.py, the same each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.scoring import made
from tests.serving.kept import keeping

from shipway.core.journal.keeping import Keeping
from shipway.scoring.predictor import Predictions, RecordError
from shipway.serving import answers, entries, feedback, joining, live, requests
from shipway.serving.entries import Journalling
from shipway.serving.problems import Problem

if TYPE_CHECKING:
    from tests.serving.conftest import Releases

CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]
MARK = "s3cr3tM4rk"
"""Stands in values only, so no error may show it."""

RECORD = made.RECORD | {"id": MARK, "note": MARK, "memo": MARK}
SEEDS: list[Any] = [
    RECORD,
    {"records": [RECORD, RECORD]},
    {"columns": {name: [cell, cell] for name, cell in RECORD.items()}},
    {"feedback": [{"id": "00000000-0000-7000-8000-000000000000", "label": MARK}, {"key": MARK, "label": True}]},
]
PIECES = [
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00"),
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"5e-324", b"9" * 400, b'"nan"', b'"inf"', b"null", b"true", b"[[5]]", b'{"a":1}'),
    *(f'"{MARK}"'.encode(), b'"records":', b'"columns":[', b'"age":1,', b"\xef\xbb\xbf"),
]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A valid body, with pieces of it replaced by others."""
    body = json.dumps(draw(st.sampled_from(SEEDS))).encode()
    for _ in range(draw(st.integers(0, 3))):
        place, length = draw(st.integers(0, len(body))), draw(st.integers(0, 12))
        body = body[:place] + draw(st.sampled_from(PIECES)) + body[place + length :]
    return body


@pytest.fixture(scope="module")
def visits(releases: Releases) -> live.Live:
    return live.bring(*releases[1])


@settings(max_examples=500, derandomize=True)
@given(body=bodies())
def test_a_spoilt_body_is_answered_or_told_so_without_its_values(visits: live.Live, body: bytes) -> None:
    journalling = Journalling(None, {"visits": Keeping(hash=["note"])}, b"salt")  # type: ignore[arg-type]  # nothing is written
    told = ""
    try:
        records = requests.records(body, visits.card.contract, 50)
        (found,) = joining.score(visits.loading.result(), [records])
        if not isinstance(found, Predictions):
            raise found
        assert ((found.probabilities >= 0) & (found.probabilities <= 1)).all()
        answer = answers.predictions(visits, found)
        entries.predictions(visits, journalling, records, answer["predictions"], came=0)
        msgspec.json.encode(answer)
    except Problem as error:
        assert error.status in (400, 413, 422)
        told = error.detail
    except RecordError as error:
        told = json.dumps([one.message for one in error.breaches])
    try:
        feedback.read(body, visits, journalling, 50)
    except Problem as error:
        told += error.detail
    except RecordError as error:
        told += json.dumps([one.message for one in error.breaches])
    assert MARK not in told


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_requests_made_from_the_published_schema_get_the_answers_that_it_publishes(
    releases: Releases, tmp_path: Path, mode: GenerationMode
) -> None:
    with keeping(releases, tmp_path / "journal.db") as client:
        schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        for operation in (found.ok() for found in schema.get_all_operations()):
            if operation.method != "post":
                continue

            @settings(max_examples=8, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: schemathesis.Case) -> None:
                response = case.call(base_url=str(client.base_url))
                assert response.status_code < 500
                case.validate_response(response, checks=CHECKS)

            check()
