"""The model as MLflow serves it. MLflow copies this file beside the bundle and runs it from there, so it stands on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas

from shipway.scoring.predictor import Predictor


class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers with a column `label` and one column of probabilities a class, as the service does."""

    def load_context(self, context: Any) -> None:
        self.predictor = Predictor.load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pandas.DataFrame, params: dict[str, Any] | None = None) -> pandas.DataFrame:
        # NaN, NaT and NA are how pandas says "missing"; the contract's reader knows None.
        cells = model_input.astype(object)
        answers = self.predictor.predict(cells.where(model_input.notna(), None).to_dict(orient="records"))
        columns = {f"probability_{level}": answers.probabilities[:, i] for i, level in enumerate(self.predictor.card.classes)}
        return pandas.DataFrame({"label": answers.labels, **columns}, index=model_input.index)


mlflow.models.set_model(ServedModel())
