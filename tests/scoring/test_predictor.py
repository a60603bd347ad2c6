from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scoring import made

from shipway.core.errors import OutsideError
from shipway.scoring.predictor import MANIFEST, Predictor, RecordError


def test_labels_have_the_type_of_the_contracts_levels(predictor: Predictor) -> None:
    found = predictor.predict([made.RECORD])
    assert type(found.labels[0]) is bool
    assert found.probabilities.shape == (1, 2)
    assert found.probabilities.dtype == np.float64


def test_probabilities_of_a_row_sum_to_one_and_the_threshold_decides(predictor: Predictor) -> None:
    found = predictor.predict(made.visits().drop("returns"))
    assert np.allclose(found.probabilities.sum(axis=1), 1)
    assert found.labels == [bool(p >= 0.5) for p in found.probabilities[:, 1]]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 119), min_size=1, max_size=6))
def test_a_rows_answer_depends_on_no_other_row(predictor: Predictor, places: list[int]) -> None:
    rows = made.visits()
    together = predictor.predict(rows[places]).probabilities
    alone = np.vstack([predictor.predict(rows[place]).probabilities for place in places])
    assert np.allclose(together, alone, rtol=0, atol=1e-12)


def test_the_texts_of_a_csv_are_answered_as_the_typed_rows(predictor: Predictor) -> None:
    rows = made.visits()
    texts = pl.read_csv(rows.with_columns(pl.col("at").dt.to_string("iso")).write_csv().encode(), infer_schema=False)
    assert (predictor.predict(texts).probabilities == predictor.predict(rows).probabilities).all()
    records = texts.with_columns(pl.all().fill_null("")).drop("id", "memo", "returns").to_dicts()
    assert (predictor.predict(records).probabilities == predictor.predict(rows).probabilities).all()


def test_no_rows_get_no_answers(predictor: Predictor) -> None:
    nothing: list[Any] = [[], made.visits()[:0]]
    for none in nothing:
        found = predictor.predict(none)
        assert (found.labels, found.probabilities.shape, found.remarks) == ([], (0, 2), {})


def test_rows_that_break_the_contract_are_refused_with_their_breaches_and_without_their_values(predictor: Predictor) -> None:
    with pytest.raises(RecordError, match=r"^1 row breaks the contract; the first is row 1, column 'age'") as caught:
        predictor.predict([made.RECORD, made.RECORD | {"age": "secret"}])
    assert [(one.row, one.column, one.rule) for one in caught.value.breaches] == [(1, "age", "type")]
    assert "secret" not in str(caught.value)


def test_a_number_that_the_pipeline_can_not_compute_with_is_the_callers_error_and_names_the_row(tmp_path: Path) -> None:
    predictor = Predictor.load(made.bundle(tmp_path / "iris", made.IRIS, made.irises()))
    good, extreme = {"SepalLengthCm": 5, "PetalLengthCm": 2}, {"SepalLengthCm": 1.7e308, "PetalLengthCm": 1.7e308}
    with pytest.raises(RecordError) as caught:
        predictor.predict([good, good, extreme, good, extreme])
    assert [(one.row, one.rule) for one in caught.value.breaches] == [(2, "range")]


def test_a_new_level_and_a_far_value_are_answered_with_remarks(predictor: Predictor) -> None:
    found = predictor.predict([made.RECORD, made.RECORD | {"town": "Oslo", "spent": 1e6}])
    assert {(row, one.column, one.rule) for row, some in found.remarks.items() for one in some} == {
        (1, "town", "level"),
        (1, "spent", "range"),
    }


@pytest.mark.parametrize("name", ["pipeline.skops", "card.json", "example.json"])
def test_a_changed_file_is_named(visits_bundle: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(visits_bundle, tmp_path / "bundle"))
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(OutsideError, match=f"{name} was changed"):
        Predictor.load(folder)


def test_a_missing_file_and_one_that_the_manifest_does_not_name_are_refused(visits_bundle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(visits_bundle, tmp_path / "bundle"))
    manifest = msgspec.json.decode((folder / MANIFEST).read_bytes())
    del manifest["files"]["card.json"]
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(OutsideError, match=r"card\.json was changed"):
        Predictor.load(folder)
    (folder / "card.json").unlink()
    with pytest.raises(OutsideError, match=r"card\.json is missing"):
        Predictor.load(folder)
    (folder / MANIFEST).unlink()
    with pytest.raises(OutsideError, match="is no bundle"):
        Predictor.load(folder)
