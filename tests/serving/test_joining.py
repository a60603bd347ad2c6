from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scoring import made

from shipway.scoring.predictor import Predictions, Predictor, RecordError
from shipway.serving import joining

if TYPE_CHECKING:
    from tests.serving.conftest import Releases

numbers = st.floats(0, 9) | st.integers(0, 9) | st.sampled_from(["5.1", " 7", 1e308, 1e300, -1, "x", None, True, [1], 10**30])
irises = st.fixed_dictionaries({"SepalLengthCm": numbers, "PetalLengthCm": numbers}, optional={"other": st.none()})
visits = st.builds(
    lambda cells: made.RECORD | cells,
    st.fixed_dictionaries(
        {},
        optional={
            "age": st.integers(0, 130) | st.sampled_from(["40", " 41", 40.0, "nan", "inf", True]),
            "spent": st.floats(0, 60) | st.sampled_from(["", "?", None, "12", 1e308, 1e-320, -0.0, "NaN", 10**400]),
            "member": st.booleans() | st.sampled_from(["yes", 0, None, "?"]),
            "grade": st.sampled_from(["1", 2, True, "9"]),
            "town": st.sampled_from(["Ulm", "Bonn <b>", "Nowhere", 5]),
            "note": st.none() | st.text(max_size=3) | st.integers(),
            "at": st.sampled_from(["2026-05-01", "2026-05-01T10:00:00Z", "soon", 5]),
        },
    ),
)


@pytest.fixture(scope="session")
def predictors(releases: Releases) -> dict[str, Predictor]:
    return {release.name: Predictor.load(folder) for release, folder in releases}


def told(found: Predictions | Exception) -> Any:
    """What a request gets, but for its probabilities; errors in any order of a record's columns."""
    if isinstance(found, RecordError):
        return sorted((one.row, one.column, one.rule, one.message) for one in found.breaches)
    assert isinstance(found, Predictions), found
    return found.labels, found.remarks


def alone(predictor: Predictor, records: list[dict[str, Any]]) -> Predictions | Exception:
    try:
        return predictor.predict(records)
    except RecordError as error:
        return error


@pytest.mark.parametrize(("project", "record"), [("iris", irises), ("visits", visits)])
def test_each_request_gets_the_answer_that_it_would_get_alone(
    predictors: dict[str, Predictor], project: str, record: st.SearchStrategy[dict[str, Any]]
) -> None:
    @settings(max_examples=60)
    @given(st.lists(st.lists(record, max_size=4), max_size=6))
    def check(requests: list[list[dict[str, Any]]]) -> None:
        predictor = predictors[project]
        for found, records in zip(joining.score(predictor, requests), requests, strict=True):
            expected = alone(predictor, records)
            assert told(found) == told(expected)
            if isinstance(found, Predictions) and isinstance(expected, Predictions):
                assert np.allclose(found.probabilities, expected.probabilities, rtol=0, atol=1e-12)

    check()


def test_many_requests_that_can_not_be_computed_spoil_no_other(predictors: dict[str, Predictor]) -> None:
    good, bad = {"SepalLengthCm": 5.1, "PetalLengthCm": 1.4}, {"SepalLengthCm": 1e308, "PetalLengthCm": 1e308}
    found = joining.score(predictors["iris"], [[good], [bad], [good, bad], [bad], [good], []])
    assert [isinstance(one, RecordError) for one in found] == [False, True, True, True, False, False]
    assert [one.row for one in found[2].breaches] == [1]  # type: ignore[union-attr]
