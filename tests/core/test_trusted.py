from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer
from tests.modelling.tables import CHURN, churn

from shipway.core import trusted
from shipway.core.errors import UsageError
from shipway.modelling import fitting, targets
from shipway.modelling.preparation import Prepare

CLASSIFIERS: dict[str, dict[str, Any]] = {
    "sklearn.linear_model.LogisticRegression": {},
    "sklearn.linear_model.SGDClassifier": {"loss": "log_loss"},
    "sklearn.ensemble.RandomForestClassifier": {"n_estimators": 3},
    "sklearn.ensemble.ExtraTreesClassifier": {"n_estimators": 3},
    "sklearn.ensemble.HistGradientBoostingClassifier": {"max_iter": 3},
    "sklearn.ensemble.GradientBoostingClassifier": {"n_estimators": 3},
    "sklearn.ensemble.AdaBoostClassifier": {"n_estimators": 3},
    "sklearn.tree.DecisionTreeClassifier": {},
    "sklearn.naive_bayes.GaussianNB": {},
    "sklearn.neighbors.KNeighborsClassifier": {},
    "sklearn.neural_network.MLPClassifier": {"max_iter": 5, "hidden_layer_sizes": [4]},
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis": {},
    "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
    "lightgbm.LGBMClassifier": {"n_estimators": 3},
}


def fitted(path: str, params: dict[str, Any]) -> tuple[Any, Any]:
    frame = churn(120)
    features = frame.select(CHURN.features)
    prepare = Prepare(add={"double": '"price.now" * 2'}, rename={"remote": "from_afar"})
    truth = targets.codes(CHURN, frame)
    return fitting.fit(features, truth, path, params, contract=CHURN, prepare=prepare, seed=0), features


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", CLASSIFIERS)
def test_a_pipeline_comes_back_with_the_same_probabilities(path: str, tmp_path: Path) -> None:
    pipeline, features = fitted(path, CLASSIFIERS[path])
    trusted.dump(pipeline, tmp_path / "model.skops")
    back = trusted.load(tmp_path / "model.skops")
    assert np.array_equal(back.predict_proba(features), pipeline.predict_proba(features))


@pytest.mark.parametrize("path", ["sklearn.linear_model.LogisticRegression", "lightgbm.LGBMClassifier"])
def test_fitting_and_saving_twice_gives_the_same_bytes(path: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        trusted.dump(fitted(path, CLASSIFIERS[path])[0], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_type_that_was_not_reviewed_is_refused_by_name_before_it_is_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="FunctionTransformer"):
        trusted.dump(FunctionTransformer(np.log1p), tmp_path / "model.skops")
    assert not (tmp_path / "model.skops").exists()


def changed(path: Path, change: Any) -> None:
    content = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "schema.json":
                schema = json.loads(data)
                change(schema)
                data = json.dumps(schema).encode()
            new.writestr(name, data)


@pytest.mark.parametrize(
    ("node", "named"),
    [
        ({"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "__id__": 1}, "os.system"),
        ({"__class__": "Popen", "__module__": "subprocess", "__loader__": "TypeNode", "__id__": 1}, "subprocess.Popen"),
        ({"__class__": "dict", "__module__": "builtins", "__loader__": "FunctionNode", "__id__": 1}, "FunctionNode"),
        ({"__class__": "Birch", "__module__": "sklearn.cluster._birch", "__id__": 1}, "Birch"),
    ],
)
def test_a_file_with_a_foreign_part_is_refused_by_name(node: dict[str, Any], named: str, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    trusted.dump(fitted("sklearn.naive_bayes.GaussianNB", {})[0], path)
    changed(path, lambda schema: schema["content"].update(extra=node))
    with pytest.raises(UsageError, match=named):
        trusted.load(path)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(b"\x80\x04\x95 a pickle")
    with pytest.raises(UsageError, match="no model file"):
        trusted.load(path)
    with pytest.raises(UsageError, match="there is no model file"):
        trusted.load(tmp_path / "absent")
