from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.modelling.candidates import Candidate
from shipway.modelling.candidates import settings as expand
from shipway.modelling.defaults import BUDGET, LADDER, _cells, plan


def tried(rows: int, columns: int, classes: int) -> int:
    return len(expand(plan(rows, columns, classes).candidates, search="grid", trials=1, seed=0))


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(10, 10**6), columns=st.integers(1, 500), classes=st.integers(2, 200))
def test_the_search_stays_within_its_budget_or_is_the_least_there_is(rows: int, columns: int, classes: int) -> None:
    found = plan(rows, columns, classes)
    trees = 1 if classes == 2 else classes
    rungs = [rung for rung in LADDER if rung[2]["n_estimators"] == found.candidates["boosting"].grid["n_estimators"]]
    assert rungs[-1] is LADDER[-1] or any(_cells(rung, rows, columns, trees) <= BUDGET for rung in rungs)


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(10, 10**6), columns=st.integers(1, 500), classes=st.integers(2, 200))
def test_the_plain_models_are_always_among_those_tried(rows: int, columns: int, classes: int) -> None:
    found = plan(rows, columns, classes)
    assert 1.0 in found.candidates["linear"].grid["C"]
    like_plain: Candidate = found.candidates.get("plain_boosting", found.candidates["boosting"])
    params = {**like_plain.params, **{key: values[-1] for key, values in like_plain.grid.items()}}  # type: ignore[index]
    assert (params["num_leaves"], params["n_estimators"], params["learning_rate"]) == (31, 100, 0.1)


def test_a_small_table_is_searched_more_and_in_more_folds_than_a_large_one() -> None:
    assert tried(150, 4, 3) > tried(80_000, 30, 2) > tried(80_000, 30, 50)
    assert plan(150, 4, 3).folds == 5 > plan(80_000, 30, 2).folds
