"""Saving and loading fitted pipelines with skops, against a fixed and reviewed list of types.

Nothing that executes code is ever unpickled. The list below is literal and is never computed from the file itself: a type that
is not on it stops `dump` as well as `load`. skops trusts every scikit-learn estimator by itself; here only those listed count.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shipway.core import disk
from shipway.core.errors import UsageError

TYPES = frozenset(
    """
    builtins.bool builtins.dict builtins.float builtins.int builtins.list builtins.slice builtins.str builtins.tuple
    collections.OrderedDict collections.defaultdict
    numpy.bool numpy.dtype numpy.float32 numpy.float64 numpy.int32 numpy.int64 numpy.ndarray numpy.str_ numpy.uint32 numpy.uint64
    numpy.random._generator.Generator numpy.random.mtrand.RandomState
    scipy.sparse._csr.csr_matrix
    lightgbm.basic.Booster lightgbm.sklearn.LGBMClassifier
    xgboost.core.Booster xgboost.sklearn.XGBClassifier xgboost.sklearn.XGBRFClassifier
    shipway.modelling.alignment.Aligned shipway.modelling.blending.Blend shipway.modelling.encoding.Encoder
    shipway.modelling.levels.Category
    shipway.modelling.neighbours.Neighbours shipway.modelling.numbers.Numbers shipway.modelling.prepare.Preparer
    sklearn.pipeline.Pipeline
    sklearn._loss._loss.CyExponentialLoss sklearn._loss._loss.CyHalfBinomialLoss sklearn._loss._loss.CyHalfMultinomialLoss
    sklearn._loss.link.HalfLogitLink sklearn._loss.link.IdentityLink sklearn._loss.link.Interval
    sklearn._loss.link.LogitLink sklearn._loss.link.MultinomialLogit
    sklearn._loss.loss.ExponentialLoss sklearn._loss.loss.HalfBinomialLoss sklearn._loss.loss.HalfMultinomialLoss
    sklearn.calibration.CalibratedClassifierCV sklearn.calibration._CalibratedClassifier
    sklearn.calibration._SigmoidCalibration
    sklearn.discriminant_analysis.LinearDiscriminantAnalysis sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis
    sklearn.dummy.DummyClassifier
    sklearn.ensemble._bagging.BaggingClassifier
    sklearn.ensemble._forest.ExtraTreesClassifier sklearn.ensemble._forest.RandomForestClassifier
    sklearn.ensemble._gb.GradientBoostingClassifier
    sklearn.ensemble._hist_gradient_boosting.binning._BinMapper
    sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier
    sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor
    sklearn.ensemble._weight_boosting.AdaBoostClassifier
    sklearn.impute._knn.KNNImputer
    sklearn.isotonic.IsotonicRegression
    sklearn.linear_model._logistic.LogisticRegression sklearn.linear_model._logistic.LogisticRegressionCV
    sklearn.linear_model._stochastic_gradient.SGDClassifier
    sklearn.metrics._dist_metrics.EuclideanDistance64 sklearn.metrics._dist_metrics.ManhattanDistance64
    sklearn.metrics._dist_metrics.MinkowskiDistance64
    sklearn.multiclass.OneVsRestClassifier
    sklearn.naive_bayes.BernoulliNB sklearn.naive_bayes.ComplementNB sklearn.naive_bayes.GaussianNB
    sklearn.naive_bayes.MultinomialNB
    sklearn.neighbors._ball_tree.BallTree sklearn.neighbors._kd_tree.KDTree
    sklearn.neighbors._classification.KNeighborsClassifier sklearn.neighbors._classification.RadiusNeighborsClassifier
    sklearn.neighbors._nearest_centroid.NearestCentroid
    sklearn.neural_network._multilayer_perceptron.MLPClassifier
    sklearn.neural_network._stochastic_optimizers.AdamOptimizer sklearn.neural_network._stochastic_optimizers.SGDOptimizer
    sklearn.preprocessing._data.PowerTransformer sklearn.preprocessing._label.LabelBinarizer
    sklearn.preprocessing._label.LabelEncoder
    sklearn.svm._classes.LinearSVC sklearn.svm._classes.SVC
    sklearn.tree._classes.DecisionTreeClassifier sklearn.tree._classes.DecisionTreeRegressor
    sklearn.tree._classes.ExtraTreeClassifier
    sklearn.tree._tree.Tree
    sklearn.utils._bunch.Bunch
    """.split()  # noqa: SIM905 (a list of hundred quoted names is harder to review)
)
"""Types that may be in a model file.

skops leaves two of these (`Tree`, `TreePredictor`) untrusted because a crafted array of node indices can crash the process:
model files are therefore only read after their hash was compared with the registry's tag.
"""

NODES = frozenset(
    """
    CachedNode DTypeNode DefaultDictNode DictNode JsonNode ListNode LossNode MaskedArrayNode NdArrayNode ObjectNode
    OrderedDictNode RandomGeneratorNode RandomStateNode SliceNode SparseMatrixNode TreeNode TupleNode TypeNode
    """.split()  # noqa: SIM905
)
"""Kinds of skops nodes that only hold data. Those for functions, methods, partials and operators are left out."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip file can hold."""


def dump(pipeline: Any, path: Path) -> None:
    """Save *pipeline*, atomically and with the same bytes for the same content.

    Raises:
        UsageError: A part's type is not on the list, so that it could not be loaded again.
    """
    import skops.io

    disk.write_file(path, _canonical(skops.io.dumps(pipeline)))


def load(path: Path) -> Any:
    """Load what `dump` saved.

    Raises:
        UsageError: The file is none of ours, or holds a type that is not on the list; it is named, and nothing was imported.
    """
    import skops.io

    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read("schema.json"))
    except FileNotFoundError:
        raise UsageError(f"there is no model file {path}; `shipway run` makes one") from None
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UsageError(f"{path} is no model file that skops wrote: {error}; `shipway run` makes one") from None
    _check(schema, str(path))
    return skops.io.loads(data, trusted=sorted(TYPES))


def _check(schema: Any, where: str) -> None:
    for node in _nodes(schema):
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        loader = node.get("__loader__", "ObjectNode")
        if name not in TYPES or loader not in NODES:
            what = f"the type {name}" if name not in TYPES else f"{name} as {loader}"
            raise UsageError(
                f"{where} holds {what}, which is not on the reviewed list of types that a model may hold; "
                "choose another estimator, or have the type reviewed and added to shipway/core/trusted.py"
            )


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every node of a skops schema, in order, without recursion (a crafted file may be deep)."""
    todo = [schema]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if "__module__" in value or "__class__" in value or "__loader__" in value:
                yield value
            todo.extend(reversed(value.values()))
        elif isinstance(value, list):
            todo.extend(reversed(value))


def _canonical(data: bytes) -> bytes:
    """The same skops archive without what differs from one dump to the next: memory addresses, random names, the time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        schema = json.loads(source.read("schema.json"))
        _check(schema, "the model")
        addresses: dict[int, int] = {}
        files: dict[str, str] = {}
        for node in _nodes(schema):
            if "__id__" in node:
                node["__id__"] = addresses.setdefault(node["__id__"], len(addresses) + 1)
            if isinstance(node.get("file"), str):
                name = node["file"]
                node["file"] = files.setdefault(name, f"{len(files):06d}{Path(name).suffix}")
        for name, renamed in files.items():
            target.writestr(zipfile.ZipInfo(renamed, EPOCH), source.read(name), zipfile.ZIP_DEFLATED)
        text = json.dumps(schema, separators=(",", ":"))
        target.writestr(zipfile.ZipInfo("schema.json", EPOCH), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
