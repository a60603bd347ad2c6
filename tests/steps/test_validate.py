from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Self

import msgspec
import numpy as np
import polars as pl
import pytest
from PIL import Image
from tests.modelling.tables import CHURN, FLOWERS, churn, flowers
from tests.steps.said import Said

from shipway.core.artifacts import Table
from shipway.core.contract import Column, Contract
from shipway.core.errors import UsageError
from shipway.core.models import Model, Verdict
from shipway.modelling.candidates import Candidate
from shipway.modelling.gates import Gate
from shipway.modelling.plots import draw
from shipway.steps.train import train
from shipway.steps.tune import tune
from shipway.steps.validate import validate

LINEAR = {"linear": Candidate("sklearn.linear_model.LogisticRegression")}
WEAK = {"stump": Candidate("sklearn.tree.DecisionTreeClassifier", {"max_depth": 1})}


class Shelf:
    """A registry of one champion, or of none."""

    def __init__(self, champion: Model | None = None) -> None:
        self._champion = champion

    def reading(self, keys: Mapping[str, str]) -> Self:
        return self

    def champion(self) -> tuple[str, Model] | None:
        return None if self._champion is None else ("7", self._champion)

    def fingerprint(self) -> str:
        return ""

    def holds(self, result: object) -> bool:
        return True

    def register(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("validate registers nothing")


def made(frame: Table, contract: Contract, candidates: dict[str, Candidate]) -> Model:
    found = tune(frame, contract=contract, progress=Said(), candidates=candidates, folds=3)
    return train(frame, found, contract=contract, progress=Said())


@pytest.fixture(scope="module")
def model() -> Model:
    return made(churn(600), CHURN, LINEAR)


def judged(model: Model, frame: Table | None = None, *, champion: Model | None = None, **changes: Any) -> tuple[Verdict, Said]:
    said = Said()
    frame = churn(400, seed=9) if frame is None else frame
    changes.setdefault("resamples", 200)
    return validate(frame, model, registry=Shelf(champion), progress=said, **changes), said


def test_each_metric_has_an_interval_around_it_and_a_baseline(model: Model) -> None:
    verdict, _ = judged(model)
    assert all(figure.low <= figure.value <= figure.high for figure in verdict.metrics.values())
    assert verdict.baseline["roc_auc"] == 0.5
    share = (churn(400, seed=9)["left"] == "No").mean()
    assert verdict.baseline["accuracy"] in (pytest.approx(share), pytest.approx(1 - share))
    assert verdict.metrics["roc_auc"].low > verdict.baseline["roc_auc"]
    assert verdict.passed


def test_the_same_model_as_the_champion_differs_by_nothing(model: Model) -> None:
    verdict, _ = judged(model, champion=model, gates={"roc_auc": Gate(not_below_champion_by=0.0)})
    assert verdict.champion == "7"
    assert {(figure.value, figure.low, figure.high) for figure in verdict.difference.values()} == {(0.0, 0.0, 0.0)}
    assert verdict.passed


def test_a_model_worse_than_the_champion_fails_its_gate(model: Model) -> None:
    verdict, said = judged(made(churn(600), CHURN, WEAK), champion=model, gates={"roc_auc": Gate(not_below_champion_by=0.01)})
    assert verdict.difference["roc_auc"].high < 0
    assert not verdict.passed
    assert any("a gate did not hold: roc_auc is not worse than the champion's" in text for text in said.warnings)


def test_a_champion_whose_column_is_lacking_is_not_compared_with_a_warning(model: Model) -> None:
    columns = {**CHURN.columns, "shoe size": Column(type="integer")}
    contract = Contract(target=CHURN.target, positive=CHURN.positive, key=CHURN.key, columns=columns)
    champion = made(churn(200).with_columns(pl.lit(40).alias("shoe size")), contract, LINEAR)
    verdict, said = judged(model, champion=champion)
    assert verdict.champion is None
    assert verdict.difference == {}
    assert any("version 7" in text and "shoe size" in text for text in said.warnings)


def test_a_champion_that_orders_the_classes_otherwise_is_compared_class_by_class(model: Model) -> None:
    columns = {**CHURN.columns, "left": Column(type="category", levels=["Yes", "No"], closed=True)}
    turned = Contract(target=CHURN.target, positive="Yes", key=CHURN.key, columns=columns)
    champion = made(churn(600), turned, LINEAR)
    verdict, _ = judged(model, champion=champion)
    assert abs(verdict.difference["roc_auc"].value) < 0.01
    assert abs(verdict.difference["accuracy"].value) < 0.05


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        ({"at_least": 0.6}, True),
        ({"at_least": 0.999}, False),
        ({"at_most": 0.999}, True),
        ({"at_least": 0.6, "at_most": 0.61}, False),
    ],
)
def test_gates_decide(model: Model, gate: dict[str, float], passed: bool) -> None:
    verdict, _ = judged(model, gates={"roc_auc": Gate(**gate)})
    assert verdict.passed is passed
    assert len(verdict.gates) == len(gate)


@pytest.mark.parametrize(
    ("gates", "message"),
    [({"roc_acu": Gate(at_least=0.5)}, "did you mean 'roc_auc'"), ({"roc_auc": Gate()}, "needs at_least")],
)
def test_a_gate_that_makes_no_sense_is_refused(model: Model, gates: dict[str, Gate], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        judged(model, gates=gates)


def test_curves_are_few_points_and_importance_finds_what_matters(model: Model) -> None:
    verdict, _ = judged(model, churn(3000, seed=9), resamples=20)
    assert all(len(points["true_positive_rate"]) <= 200 for points in verdict.curves["roc"].values())
    assert sum(map(sum, verdict.curves["confusion"]["counts"])) == 3000
    assert sum(verdict.curves["calibration"]["Yes"]["rows"]) == 3000
    assert set(verdict.curves["importance"]["columns"][:3]) == {"months/😀 total", "price.now", 'plan {"a"}'}


def test_a_verdict_comes_back_from_disk(model: Model, tmp_path: Any) -> None:
    verdict, _ = judged(model)
    verdict.save(tmp_path)
    assert Verdict.load(tmp_path) == verdict


@pytest.mark.parametrize("classes", [2, 3])
def test_every_curve_is_drawn_as_a_picture_and_alike_each_time(model: Model, classes: int) -> None:
    verdict = judged(model if classes == 2 else made(flowers(), FLOWERS, LINEAR), None if classes == 2 else flowers(seed=3))[0]
    pictures = draw(verdict, title="What costs $5 and $6", stand_in=True)
    assert sorted(pictures) == [
        "calibration.png",
        "confusion_matrix.png",
        "permutation_importance.png",
        "precision_recall.png",
        "roc.png",
    ]
    for content in pictures.values():
        assert np.asarray(Image.open(io.BytesIO(content)).convert("L")).min() < 100
    assert draw(verdict, title="What costs $5 and $6", stand_in=True) == pictures
    assert draw(verdict, title="What costs $5 and $6") != pictures


def test_classes_absent_from_the_test_rows_leave_the_other_figures_whole() -> None:
    verdict, _ = judged(made(flowers(), FLOWERS, LINEAR), flowers((20, 20, 0), seed=3))
    assert 0.5 < verdict.metrics["roc_auc_ovr"].value <= 1
    assert set(verdict.curves["roc"]) == {"1", "2"}


def test_rows_count_by_the_weight_that_the_contract_names(model: Model) -> None:
    weight = Column(type="integer", minimum=0)
    card = msgspec.structs.replace(
        model.card, contract=msgspec.structs.replace(CHURN, weight="w", columns={**CHURN.columns, "w": weight})
    )
    frame = churn(400, seed=9).with_columns(w=pl.int_range(400) % 3)
    weighed, _ = judged(Model(model.pipeline, card), frame)
    repeated, _ = judged(model, frame.select(pl.all().repeat_by("w").explode()).drop_nulls("w"))
    values = [{name: figure.value for name, figure in each.metrics.items()} for each in (weighed, repeated)]
    assert values[0] == pytest.approx(values[1])
    assert weighed.baseline == pytest.approx(repeated.baseline)
    assert weighed.metrics["accuracy"].low < weighed.metrics["accuracy"].value < weighed.metrics["accuracy"].high


def test_far_values_and_new_levels_among_the_test_rows_are_warned_of_with_their_number(model: Model) -> None:
    testing = churn(100, seed=5)
    number = next(
        name for name, column in CHURN.columns.items() if column.type in ("integer", "number") and name in CHURN.features
    )
    far = testing.with_columns(
        pl.when(pl.int_range(pl.len()) < 3).then(10**6).otherwise(number).alias(number).cast(testing[number].dtype)
    )
    said = Said()
    validate(far, model, registry=Shelf(), progress=said, resamples=10)
    assert f"{number!r} has a value far from what training saw in 3 of 100 test rows" in said.warnings
