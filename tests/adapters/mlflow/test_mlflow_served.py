from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import mlflow
import msgspec
import numpy
import pandas
import pytest
from mlflow_garden import PROJECT, answers, free_port

from shipway.adapters.mlflow import packaging
from shipway.core.search import BLEND
from shipway.scoring.predictor import Predictor


@pytest.fixture(scope="module")
def folder(registered) -> Path:
    """The MLflow model as it lies in the registry."""
    return Path(registered.store.open().get_model_version_download_uri(PROJECT, "1"))


def expected(made, rows) -> pandas.DataFrame:
    answer = Predictor.load(made.bundle.folder).predict(rows)
    rose, tulip = answer.probabilities.T
    return pandas.DataFrame({"label": answer.labels, "probability_rose": rose, "probability_tulip": tulip})


def same(answer: pandas.DataFrame, wanted: pandas.DataFrame) -> bool:
    figures = ["probability_rose", "probability_tulip"]
    return list(answer["label"]) == list(wanted["label"]) and numpy.array_equal(answer[figures], wanted[figures])


def test_the_mlflow_model_answers_as_the_bundle_does(folder, made):
    model = mlflow.pyfunc.load_model(str(folder))
    assert same(model.predict(made.rows.drop("kind").to_pandas()), expected(made, made.rows))


def test_key_and_nullable_columns_may_be_left_out(folder, made):
    left = made.rows.select("leaves", "soil", "fresh")
    assert same(mlflow.pyfunc.load_model(str(folder)).predict(left.to_pandas()), expected(made, left))


def test_the_signature_has_the_features_of_the_contract(folder):
    signature = mlflow.models.Model.load(str(folder)).signature
    assert {one.name: (str(one.type), one.required) for one in signature.inputs} == {
        "petal length": ("DataType.double", False),
        "leaves": ("DataType.long", True),
        "thorns": ("DataType.double", False),
        "soil": ("DataType.string", True),
        "fresh": ("DataType.boolean", True),
        "potted": ("Any", False),
        "planted": ("DataType.datetime", False),
    }
    assert [one.name for one in signature.outputs] == ["label", "probability_rose", "probability_tulip"]


def test_the_input_example_can_be_answered(folder, made):
    model = mlflow.pyfunc.load_model(str(folder))
    example = model.metadata.load_input_example(str(folder))
    assert set(model.predict(example)["label"]) <= set(made.model.card.classes)


def test_the_requirements_are_pinned_and_name_the_wheel_beside_them(folder, made):
    *pins, wheel = (folder / "requirements.txt").read_text().split()
    assert (folder / wheel).is_file()
    assert {name: importlib.metadata.version(name) for name in packaging.SERVING_NEEDS}.items() <= dict(
        pin.split("==") for pin in pins
    ).items()


def test_a_blend_requires_the_library_of_each_member(made):
    members = [
        {"estimator": path, "params": {}} for path in ("sklearn.linear_model.LogisticRegression", "lightgbm.LGBMClassifier")
    ]
    card = msgspec.structs.replace(made.model.card, estimator=BLEND, params={"members": members})
    assert any(line.startswith("lightgbm==") for line in packaging.requirements(card))


def test_a_uv_project_in_the_current_folder_does_not_become_the_models_environment(made, tmp_path, monkeypatch):
    for name in packaging.UV_FILES:
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    inside = tmp_path / "inside"
    inside.mkdir()
    packaging.write(inside / "model", made.model.card, made.bundle, model_id="m-1", run_id="r", location="somewhere")
    assert not [name for name in packaging.UV_FILES if (inside / "model" / name).exists()]


def test_mlflow_models_serve_answers_as_the_bundle_does(registered, made):
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{PROJECT}@champion"]
    command += ["--env-manager", "local", "--port", str(port)]
    bin_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": bin_first, "MLFLOW_TRACKING_URI": f"sqlite:///{registered.root}/mlflow.db"}
    log_file = registered.root / "serve.log"
    log = log_file.open("w")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True) as process:
        try:
            while not answers(f"http://127.0.0.1:{port}/ping"):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"it ended with {process.wait(0.1)}: {log_file.read_text()}")
            rows = made.rows.drop("kind")
            records = json.loads(rows.write_json())
            split = {"columns": rows.columns, "data": [list(record.values()) for record in records]}
            for body in ({"dataframe_split": split}, {"dataframe_records": records}):
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
                )
                with urllib.request.urlopen(request) as answer:
                    assert same(pandas.DataFrame(json.load(answer)["predictions"]), expected(made, rows))
        finally:
            os.killpg(process.pid, signal.SIGKILL)
