"""Measure the real tables and write the parameters of their stand-ins.

    SHIPWAY_DATA_DIR=folder/with/the/tables python benchmarks/measure_stand_ins.py

For each class of each table: count levels, take quantiles, adjust the mixing until the rank correlations are the real ones.
For the target: fit a small tree model, then set the noise so that a booster finds the stand-in as hard as the real table.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import msgspec
import numpy
import polars
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from shipway.adapters.datasets import facts, stand_in
from shipway.adapters.datasets.facts import Levels, Parameters, Part, Quantiles, Target, Tree, Unless

if TYPE_CHECKING:
    from numpy.typing import NDArray

Columns = list[Levels | Quantiles]

SHARES = [0.0, 0.001, 0.005, *(round(0.01 * k, 2) for k in range(1, 100)), 0.992, 0.995, 0.997, 0.999, 0.9995, 1.0]
ROUNDS_OF_MIXING = 12
ROUNDS_OF_NOISE = 8
YES_NO = ["No", "Yes"]
ADD_ONS = ["OnlineSecurity", "OnlineBackup", "DeviceProtection", "TechSupport", "StreamingTV", "StreamingMovies"]
SERVICES = ["PhoneService", "MultipleLines", "InternetService", *ADD_ONS]
PAYMENTS = ["Mailed check", "Electronic check", "Bank transfer (automatic)", "Credit card (automatic)"]
LATE = "Departure Delay in Minutes"
LATER = "Arrival Delay in Minutes"


def levels(table: polars.DataFrame, name: str, order: Iterable[str] | None = None, unless: Unless | None = None) -> Levels:
    """Count the levels of a column, in the given order or, for numbers, from 0 on."""
    if unless is not None:
        table = table.filter(polars.col(unless.column) != unless.level)
    counts = dict(table[name].value_counts().iter_rows())
    order = list(order) if order is not None else [str(number) for number in range(max(map(int, counts)) + 1)]
    return Levels(name=name, levels=order, counts=[counts.get(level, 0) for level in order], unless=unless)


def quantiles(table: polars.DataFrame, name: str) -> Quantiles:
    return Quantiles(name=name, shares=SHARES, values=at_shares(table[name].cast(polars.Float64).to_numpy()))


def at_shares(values: NDArray[Any]) -> list[float]:
    return [round(float(value), 2) for value in numpy.quantile(values, SHARES)]


def telco_columns(table: polars.DataFrame) -> Columns:
    return [
        levels(table, "gender", ["Female", "Male"]),
        levels(table, "SeniorCitizen", ["0", "1"]),
        levels(table, "Partner", YES_NO),
        levels(table, "Dependents", YES_NO),
        levels(table, "tenure"),
        levels(table, "PhoneService", YES_NO),
        levels(table, "MultipleLines", YES_NO, Unless("PhoneService", "No", "No phone service")),
        levels(table, "InternetService", ["No", "DSL", "Fiber optic"]),
        *(levels(table, name, YES_NO, Unless("InternetService", "No", "No internet service")) for name in ADD_ONS),
        levels(table, "Contract", ["Month-to-month", "One year", "Two year"]),
        levels(table, "PaperlessBilling", YES_NO),
        levels(table, "PaymentMethod", PAYMENTS),
    ]


def telco_price(table: polars.DataFrame) -> facts.Sum:
    """The price list behind MonthlyCharges, by least squares on the services."""
    terms = [(name, level) for name in SERVICES for level in ("Yes", "DSL", "Fiber optic") if level in set(table[name])]
    design = numpy.stack([numpy.ones(len(table)), *((table[name] == level).to_numpy() for name, level in terms)], axis=1)
    price = table["MonthlyCharges"].cast(polars.Float64).to_numpy()
    weights = numpy.linalg.lstsq(design.astype(float), price)[0]
    adds: dict[str, dict[str, float]] = {}
    for (name, level), weight in zip(terms, weights[1:], strict=True):
        adds.setdefault(name, {})[level] = round(float(weight), 2)
    return facts.Sum(
        name="MonthlyCharges",
        base=round(float(weights[0]), 2),
        adds=adds,
        spread=round(float(numpy.std(price - design @ weights)), 2),
        step=0.05,
        minimum=float(price.min()),
        maximum=float(price.max()),
    )


def telco_total(table: polars.DataFrame) -> facts.Product:
    """How far TotalCharges is from tenure times MonthlyCharges."""
    billed = table.filter(polars.col("TotalCharges") != " ")
    count, price, total = (billed[name].cast(polars.Float64).to_numpy() for name in ("tenure", "MonthlyCharges", "TotalCharges"))
    spread = float(numpy.std((total - count * price) / (price * numpy.sqrt(count))))
    return facts.Product(
        name="TotalCharges",
        count="tenure",
        price="MonthlyCharges",
        spread=round(spread, 3),
        step=0.05,
        minimum=float(total.min()),
        blank=" ",
    )


def airline_columns(table: polars.DataFrame) -> Columns:
    first, last = table.columns.index("Seat comfort"), table.columns.index("Online boarding")
    return [
        levels(table, "Gender", ["Female", "Male"]),
        levels(table, "Customer Type", ["disloyal Customer", "Loyal Customer"]),
        levels(table, "Age"),
        levels(table, "Type of Travel", ["Personal Travel", "Business travel"]),
        levels(table, "Class", ["Eco", "Eco Plus", "Business"]),
        quantiles(table, "Flight Distance"),
        *(levels(table, name) for name in table.columns[first : last + 1]),
        quantiles(table, LATE),
    ]


def airline_arrival(table: polars.DataFrame) -> facts.Near:
    """How much later an airliner arrives than it departs."""
    flown = table.drop_nulls(LATER)
    departure, arrival = (flown[name].cast(polars.Float64).to_numpy() for name in (LATE, LATER))
    return facts.Near(
        name=LATER,
        of=LATE,
        shares=SHARES,
        at_zero=at_shares((arrival - departure)[departure == 0]),
        elsewhere=at_shares((arrival - departure)[departure > 0]),
        empty=table[LATER].null_count(),
    )


def coded(table: polars.DataFrame, columns: Columns) -> dict[str, NDArray[Any]]:
    """Each column as numbers: a level's place in its list, -1 where it does not apply."""
    numbers = {}
    for column in columns:
        if isinstance(column, Levels):
            places = {level: place for place, level in enumerate(column.levels)}
            numbers[column.name] = numpy.array([places.get(text, -1) for text in table[column.name]], dtype=float)
        else:
            numbers[column.name] = table[column.name].cast(polars.Float64).to_numpy()
    return numbers


def correlations(numbers: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Rank correlations of the columns, each pair over the rows where both apply; 0 where one of them does not vary there."""
    names = list(numbers)
    result = numpy.eye(len(names))
    for i, one in enumerate(names):
        for j, other in enumerate(names[:i]):
            both = (numbers[one] >= 0) & (numbers[other] >= 0)
            first, second = (polars.Series(numbers[name][both]).rank().to_numpy() for name in (one, other))
            if numpy.ptp(first) > 0 and numpy.ptp(second) > 0:
                result[i, j] = result[j, i] = numpy.corrcoef(first, second)[0, 1]
    return result


def mixing_of(wanted: NDArray[Any]) -> list[list[float]]:
    """The lower triangular root of the nearest matrix that is a correlation matrix."""
    values, vectors = numpy.linalg.eigh(wanted)
    mended = (vectors * numpy.maximum(values, 1e-4)) @ vectors.T
    scale = numpy.sqrt(numpy.diag(mended))
    root = numpy.linalg.cholesky(mended / numpy.outer(scale, scale))
    return [[round(float(weight), 4) for weight in row[: place + 1]] for place, row in enumerate(root)]


def part_of(table: polars.DataFrame, columns: Columns) -> Part:
    """The parameters of one class, its mixing adjusted until the rank correlations are those of *table*."""
    wanted = correlations(coded(table, columns))
    latent = wanted.copy()
    part = Part(rows=len(table), columns=columns, mixing=mixing_of(latent))
    best, least = part, numpy.inf
    for turn in range(ROUNDS_OF_MIXING):
        draw = stand_in.draw_part(stand_in.Draw(numpy.random.PCG64(turn), part.rows), part)
        difference = wanted - correlations(draw.numbers)
        if abs(difference).max() < least:
            best, least = part, abs(difference).max()
        latent = numpy.clip(latent + 0.8 * difference, -0.98, 0.98)
        numpy.fill_diagonal(latent, 1.0)
        part = msgspec.structs.replace(part, mixing=mixing_of(latent))
    print(f"  {part.rows:,} rows: largest difference of a rank correlation {least:.3f}", flush=True)
    return best


def teacher(numbers: dict[str, NDArray[Any]], y: NDArray[Any], *, trees: int, leaves: int, rate: float) -> list[Tree]:
    """Fit a small boosted model and keep its structure, with leaves rounded to four digits."""
    model = lightgbm.LGBMClassifier(n_estimators=trees, num_leaves=leaves, learning_rate=rate, min_child_samples=40, verbose=-1)
    model.fit(numpy.stack(list(numbers.values()), axis=1), y)
    return [flat(tree["tree_structure"]) for tree in model.booster_.dump_model()["tree_info"]]


def flat(root: dict[str, Any]) -> Tree:
    tree = Tree([], [], [], [], [])

    def visit(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            tree.leaves.append(round(node["leaf_value"], 4))
            return ~(len(tree.leaves) - 1)
        place = len(tree.features)
        tree.features.append(node["split_feature"])
        tree.thresholds.append(round(node["threshold"], 2))
        tree.left.append(0)
        tree.right.append(0)
        tree.left[place], tree.right[place] = visit(node["left_child"]), visit(node["right_child"])
        return place

    visit(root)
    return tree


def difficulty(table: polars.DataFrame, columns: Columns, target: Target, booster: dict[str, Any]) -> tuple[float, float]:
    """ROC-AUC and accuracy of a booster, over five folds for a small table and on one fold for a large one."""
    x = numpy.stack(list(coded(table, columns).values()), axis=1)
    y = (table[target.name] == target.positive).to_numpy()
    figures = []
    for fit, judge in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
        model = lightgbm.LGBMClassifier(**booster, verbose=-1)
        probability = model.fit(x[fit], y[fit]).predict_proba(x[judge])[:, 1]
        figures.append((roc_auc_score(y[judge], probability), accuracy_score(y[judge], probability >= 0.5)))
        if len(y) > 50_000:
            break
    auc, accuracy = numpy.mean(figures, axis=0)
    return float(auc), float(accuracy)


def as_hard(real: polars.DataFrame, columns: Columns, parameters: Parameters, booster: dict[str, Any]) -> Parameters:
    """Set the noise, by halving, so that *booster* has the same ROC-AUC on the stand-in as on the real table."""
    aim, accuracy = difficulty(real, columns, parameters.target, booster)
    print(f"  real: ROC-AUC {aim:.4f}, accuracy {accuracy:.4f}")
    low, high = 0.0, 4.0
    best, least = parameters, numpy.inf
    for _ in range(ROUNDS_OF_NOISE):
        noise = round((low + high) / 2, 3)
        parameters = msgspec.structs.replace(parameters, target=msgspec.structs.replace(parameters.target, noise=noise))
        auc, accuracy = difficulty(stand_in.generate(parameters), columns, parameters.target, booster)
        low, high = (noise, high) if auc > aim else (low, noise)
        print(f"  noise {noise}: ROC-AUC {auc:.4f}, accuracy {accuracy:.4f}", flush=True)
        if abs(auc - aim) < least:
            best, least = parameters, abs(auc - aim)
    return best


def telco(table: polars.DataFrame) -> Parameters:
    columns = telco_columns(table)
    numbers, y = coded(table, columns), table["Churn"] == "Yes"
    target = Target(
        name="Churn",
        negative="No",
        positive="Yes",
        runs=[int(y.sum())],
        never={"tenure": "0"},
        features=list(numbers),
        trees=teacher(numbers, y.to_numpy(), trees=60, leaves=6, rate=0.1),
        noise=1.0,
    )
    derived: list[facts.Derived] = [
        facts.Serial(name="customerID", pattern="{:04d}-STAND"),
        telco_price(table),
        telco_total(table),
    ]
    parts = [part_of(rows, telco_columns(rows)) for rows in (table.filter(~y), table.filter(y))]
    parameters = Parameters(header=table.columns, parts=parts, derived=derived, target=target)
    return as_hard(table, columns, parameters, {"n_estimators": 150, "learning_rate": 0.04, "num_leaves": 7})


def airline(table: polars.DataFrame) -> Parameters:
    columns = airline_columns(table)
    numbers, y = coded(table, columns), table["satisfaction"] == "satisfied"
    target = Target(
        name="satisfaction",
        negative="dissatisfied",
        positive="satisfied",
        runs=[int(tenth.sum()) for tenth in numpy.split(y.to_numpy(), 10)],
        never={},
        features=list(numbers),
        trees=teacher(numbers, y.to_numpy(), trees=60, leaves=16, rate=0.3),
        noise=1.0,
    )
    parts = [part_of(rows, airline_columns(rows)) for rows in (table.filter(~y), table.filter(y))]
    parameters = Parameters(header=table.columns, parts=parts, derived=[airline_arrival(table)], target=target)
    return as_hard(table, columns, parameters, {"n_estimators": 200, "learning_rate": 0.15, "num_leaves": 63})


def main() -> None:
    folder = Path(os.environ["SHIPWAY_DATA_DIR"])
    for name, measure in (("telco-customer-churn", telco), ("invistico-airline", airline)):
        print(name, flush=True)
        parameters = measure(polars.read_csv(folder / f"{name}.csv", infer_schema=False))
        path = facts.FOLDER / f"{name}.json"
        path.write_bytes(msgspec.json.encode(parameters) + b"\n")
        print(f"  {path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
