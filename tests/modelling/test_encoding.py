from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.sparse import issparse
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler
from tests.modelling.tables import churn

from shipway.core.errors import DataError
from shipway.modelling.alignment import Aligned
from shipway.modelling.encoding import DENSE, Encoder
from shipway.modelling.preprocessing import Form, Preprocess

MOST_LEVELS = Preprocess().max_levels
PLAIN: dict[str, Any] = {"rare_levels": 0, "indicator": False}


def test_numbers_are_imputed_and_scaled_as_scikit_learn_does_it() -> None:
    frame = churn().select("months/😀 total", "price.now")
    raw = frame.to_numpy().astype(float)
    expected = StandardScaler().fit_transform(SimpleImputer(strategy="median").fit_transform(raw))
    assert np.allclose(Encoder(form="sparse", ignore=[], rules=PLAIN).fit_transform(frame), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("power", [-1000, 0, 1021])
def test_numbers_near_the_ends_of_float64_are_scaled_like_any(power: int) -> None:
    numbers = np.array([-4.0, 1.0, 3.5, 0.25])
    found, plain = (
        Encoder(form="dense", ignore=[]).fit_transform(pl.DataFrame({"a": each})) for each in (np.ldexp(numbers, power), numbers)
    )
    assert np.allclose(found, plain, rtol=1e-6, atol=0)


def test_numbers_stay_as_they_are_for_an_estimator_that_takes_gaps() -> None:
    frame = pl.DataFrame({"a": [1.0, None, float("inf"), 4.0], "b": [True, False, None, True]})
    found = Encoder(form="gaps", ignore=[], rules=PLAIN).fit_transform(frame)
    assert np.array_equal(found, [[1, 1], [np.nan, 0], [np.nan, np.nan], [4, 1]], equal_nan=True)


def test_a_category_gets_a_column_for_each_level_and_an_unseen_level_gets_zeros() -> None:
    encoder = Encoder(form="sparse", ignore=[], rules=PLAIN).fit(pl.DataFrame({"a b": ["y", "x", "y"]}))
    assert encoder.names_ == ["a b=x", "a b=y"]
    assert encoder.transform(pl.DataFrame({"a b": ["x", "y", "new", None]})).tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_a_missing_category_has_a_place_where_training_had_some() -> None:
    encoder = Encoder(form="sparse", ignore=[], rules=PLAIN).fit(pl.DataFrame({"a": ["x", None]}))
    assert encoder.names_ == ["a=x", "a=(missing)"]
    assert encoder.transform(pl.DataFrame({"a": ["new", None]})).tolist() == [[0, 0], [0, 1]]


def test_rare_levels_of_a_wide_category_share_a_place_with_unseen_ones() -> None:
    levels = [f"level {number:03}" for number in range(MOST_LEVELS + 20)]
    frame = pl.DataFrame({"a": levels[:MOST_LEVELS] * 2 + levels[MOST_LEVELS:]})
    encoder = Encoder(form="sparse", ignore=[], rules={**PLAIN, "high_cardinality": "rare"}).fit(frame)
    assert len(encoder.names_) == MOST_LEVELS + 1
    found = encoder.transform(pl.DataFrame({"a": [levels[-1], "new", levels[0]]}))
    assert found.argmax(axis=1).tolist() == [MOST_LEVELS, MOST_LEVELS, 0]


def test_very_many_levels_make_a_sparse_matrix_with_the_same_numbers() -> None:
    frame = pl.DataFrame({"a": [f"level {number}" for number in range(DENSE + 1)] * 2, "b": range(2 * DENSE + 2)})
    sparse = Encoder(form="sparse", ignore=[], rules={**PLAIN, "max_levels": 1000}).fit_transform(frame)
    dense = Encoder(form="dense", ignore=[], rules={**PLAIN, "max_levels": 1000}).fit_transform(frame)
    assert issparse(sparse)
    assert np.array_equal(sparse.toarray(), dense)


def test_trees_get_the_number_of_a_level_and_a_gap_for_an_unseen_one() -> None:
    encoder = Encoder(form="gaps", ignore=[], rules=PLAIN).fit(pl.DataFrame({"a": ["y", "x", "y"]}))
    found = encoder.transform(pl.DataFrame({"a": ["x", "y", "new", None]}))
    assert np.array_equal(found[:, 0], [0, 1, np.nan, np.nan], equal_nan=True)


def test_times_become_numbers() -> None:
    frame = pl.DataFrame(
        {"at": [datetime(1970, 1, 2, 12), None], "on": [date(2026, 11, 23), None], "took": [timedelta(seconds=1), None]}
    )
    encoder = Encoder(form="gaps", ignore=[], rules=PLAIN)
    found = encoder.fit_transform(frame)
    assert dict(zip(encoder.names_, found[0].tolist(), strict=True)) == {
        "took": 1_000_000,
        "at days": 1.5,
        "at month": 1,
        "at weekday": 5,
        "at hour": 12,
        "on days": 20780,
        "on month": 11,
        "on weekday": 1,
        "on hour": 0,
    }
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize("form", ["codes", "gaps", "sparse", "dense"])
@pytest.mark.parametrize("rules", [{}, {"missing": "knn"}, {"skew": "yeo-johnson"}, {"max_levels": 2}], ids=str)
def test_a_row_is_encoded_alike_alone_and_among_others(form: Form, rules: dict[str, Any]) -> None:
    frame = churn().drop("id")
    encoder = Encoder(form=form, ignore=["comment", "left"], rules=rules).fit(
        frame[:200], (frame["left"] == "Yes").to_numpy()[:200]
    )
    together = encoder.transform(frame)
    alone = np.vstack([encoder.transform(frame[row]) for row in range(180, 220)])
    assert np.array_equal(together[180:220], alone, equal_nan=True)
    assert together.shape[1] == len(encoder.names_)


def test_a_table_of_free_text_only_is_refused() -> None:
    with pytest.raises(DataError, match="no column to learn from"):
        Encoder(form="dense", ignore=["a"]).fit(pl.DataFrame({"a": ["some words"]}))


def test_a_class_that_training_lacks_has_probability_zero_in_its_place() -> None:
    from sklearn.linear_model import LogisticRegression

    numbers = np.array([[0.0], [1.0], [0.1], [0.9]])
    found = Aligned(LogisticRegression(), 4).fit(numbers, np.array([1, 3, 1, 3])).predict_proba(numbers)
    assert found.shape == (4, 4)
    assert found[:, [0, 2]].max() == 0
    assert found.argmax(axis=1).tolist() == [1, 3, 1, 3]
