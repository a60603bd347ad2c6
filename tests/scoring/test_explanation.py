from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scoring import made

from shipway.core.contract import Column, Contract
from shipway.scoring import explanation
from shipway.scoring.explanation import Explanation
from shipway.scoring.predictor import Predictor, RecordError

FAR = made.RECORD | {"age": 81, "spent": None, "member": False, "grade": "true", "town": "Bonn <b>", "note": "other"}


def effects(found: Explanation) -> dict[str | None, float]:
    assert found.effects is not None
    return {one.column: one.effect for one in found.effects}


records = st.fixed_dictionaries(
    {
        "age": st.integers(0, 120),
        "spent": st.none() | st.floats(0, 1e6),
        "member": st.none() | st.booleans(),
        "grade": st.sampled_from(["1", "2", "true"]),
        "town": st.sampled_from(["Ulm", "Bonn <b>", "Oslo"]),
        "at": st.datetimes().map(lambda time: time.isoformat(timespec="seconds")),
        "note": st.none() | st.text(max_size=5),
    }
)


@settings(max_examples=25, deadline=None)
@given(records, st.sampled_from([explanation.ROWS, 40, 12, 1]))
def test_effects_sum_to_the_difference_from_the_typical_record(predictor: Predictor, record: dict[str, Any], rows: int) -> None:
    found = explanation.explain(predictor, record, rows=rows)
    assert math.isclose(sum(effects(found).values()), found.probability - found.typical, abs_tol=1e-9)
    place = predictor.card.classes.index(found.label)
    assert found.probability == pytest.approx(predictor.predict([record]).probabilities[0, place], abs=1e-12)
    assert found.typical == pytest.approx(predictor.predict([predictor.example]).probabilities[0, place], abs=1e-12)


def test_effects_are_the_means_over_all_orders(predictor: Predictor) -> None:
    names = [name for name, value in FAR.items() if value != predictor.example[name]]
    totals = dict.fromkeys(names, 0.0)
    label = predictor.predict([FAR]).labels[0]

    def chance(taken: tuple[str, ...]) -> float:
        record = predictor.example | {name: FAR[name] for name in taken}
        return float(predictor.predict([record]).probabilities[0, predictor.card.classes.index(label)])

    chances = {frozenset(some): chance(some) for size in range(len(names) + 1) for some in itertools.combinations(names, size)}
    for order in itertools.permutations(names):
        for place, name in enumerate(order):
            totals[name] += chances[frozenset(order[: place + 1])] - chances[frozenset(order[:place])]
    found = explanation.explain(predictor, FAR)
    assert found.exact
    assert effects(found) == pytest.approx({name: total / math.factorial(len(names)) for name, total in totals.items()})


def test_the_typical_record_has_no_effects(predictor: Predictor) -> None:
    found = explanation.explain(predictor, predictor.example)
    assert (found.effects, found.probability) == ([], found.typical)


def test_orders_that_are_drawn_come_near_the_exact_effects_and_are_the_same_each_time(predictor: Predictor) -> None:
    exact, drawn, again = (explanation.explain(predictor, FAR, rows=rows) for rows in (1000, 31, 31))
    assert (exact.exact, drawn.exact) == (True, False)
    assert drawn.effects == again.effects
    assert effects(drawn) == pytest.approx(effects(exact), abs=0.05)


def test_no_more_rows_are_scored_than_allowed(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[int] = []
    predict = Predictor.predict

    def counted(self: Predictor, rows: Any) -> Any:
        scored.append(len(rows))
        return predict(self, rows)

    monkeypatch.setattr(Predictor, "predict", counted)
    for rows in (1, 3, 10, 20, 63, 64, 100, 1000):
        scored.clear()
        explanation.explain(predictor, FAR, rows=rows)
        assert scored[-1] <= explanation.work(7, rows)


def test_very_many_values_are_moved_together_but_for_those_that_the_model_heeds_most(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    names = [f"x{place}" for place in range(30)]
    rows = pl.DataFrame({name: draw.normal(size=200) for name in names})
    rows = rows.with_columns(pl.when(pl.col("x17") > 0).then(pl.lit("a")).otherwise(pl.lit("b")).alias("y"))
    columns = {name: Column(type="number") for name in names} | {"y": Column(type="category", levels=["a", "b"])}
    predictor = Predictor.load(made.bundle(tmp_path / "wide", Contract(target="y", columns=columns), rows))
    found = effects(explanation.explain(predictor, dict.fromkeys(names, 2.0), rows=40))
    assert len(found) == 10
    assert {None, "x17"} <= found.keys()
    assert explanation.by_heed(predictor)[0] == "x17"
    assert sorted(explanation.by_heed(predictor)) == sorted(names)


def test_a_record_that_breaks_the_contract_is_refused_as_its_prediction_would_be(predictor: Predictor) -> None:
    with pytest.raises(RecordError) as refused:
        explanation.explain(predictor, FAR | {"age": "s3cret"})
    assert [(one.row, one.column) for one in refused.value.breaches] == [(0, "age")]
