"""The section `[preprocess]`: what is learned from the training rows before an estimator sees them.

All of it is fitted on the rows that a model learns from, inside each fold of a search as in the final fit. The defaults are meant
to need no thought; every one can be overruled, most of them for one column.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any, Literal, get_args

import msgspec

from shipway.core.contract import Type
from shipway.core.errors import UsageError
from shipway.core.project import suggest

Kind = Literal["number", "moment", "category"]
Missing = Literal["auto", "median", "mean", "most_frequent", "constant", "knn", "drop_rows", "drop_columns"]
MissingLevel = Literal["level", "most_frequent", "constant", "drop_rows", "drop_columns"]
Outliers = Literal["none", "iqr", "zscore"]
Action = Literal["cap", "null", "drop"]
HighCardinality = Literal["auto", "target", "rare", "drop"]
Dates = Literal["parts", "drop"]
Skew = Literal["none", "yeo-johnson"]
Form = Literal["codes", "gaps", "sparse", "dense"]
"""What an estimator takes: NaN and level numbers that it knows for such; NaN; a sparse matrix without gaps; a dense one."""

Imbalance = Literal["report", "class_weights", "over", "under", "smote"]

REACH = {"iqr": 1.5, "zscore": 3.0}
"""How far a number may lie outside of the middle half, in its widths (Tukey 1977), or from the mean, in standard deviations."""

ASKED = ("median", "mean", "most_frequent", "constant", "knn")
"""What is done to missing numbers whatever the estimator; else it is left to the estimator whether they are filled."""

ASKED_BY: dict[str, tuple[str, tuple[str, ...]]] = {
    "fill": ("missing", ("constant",)),
    "fill_category": ("missing", ("constant",)),
    "max_missing": ("missing", ("drop_columns",)),
    "outlier_action": ("outliers", ("iqr", "zscore", "isolation_forest")),
    "outlier_reach": ("outliers", ("iqr", "zscore")),
    "outlier_share": ("outliers", ("isolation_forest",)),
}
"""Keys that say nothing but where another one has such a value."""

APPLIES: dict[Kind, tuple[str, ...]] = {
    "number": ("missing", "fill", "indicator", "outliers", "outlier_action", "outlier_reach", "max_missing", "skew"),
    "moment": ("missing", "fill", "indicator", "max_missing", "dates", "skew"),
    "category": ("missing", "fill", "max_missing", "rare_levels", "max_levels", "high_cardinality"),
}
"""The keys that say something of a column of each kind; dates count as numbers where values are missing."""


class ColumnPreprocess(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What `[preprocess.columns.NAME]` overrules for one column; keys as in `Preprocess`, `fill` for numbers and categories."""

    missing: Missing | MissingLevel | None = None
    fill: float | str | None = None
    indicator: bool | Literal["auto"] | None = None
    outliers: Outliers | None = None
    outlier_action: Action | None = None
    outlier_reach: float | None = None
    max_missing: float | None = None
    rare_levels: int | float | None = None
    max_levels: int | None = None
    high_cardinality: HighCardinality | None = None
    dates: Dates | None = None
    skew: Skew | None = None


class Rule(msgspec.Struct, frozen=True):
    """What is done to one column: the section with the column's own keys laid over it; `filled`: whatever the estimator."""

    missing: str
    filled: bool
    fill: float | str
    indicator: bool | Literal["auto"]
    outliers: str
    outlier_action: str
    outlier_reach: float
    max_missing: float
    rare_levels: int | float
    max_levels: int
    high_cardinality: str
    dates: str
    skew: str


class Preprocess(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How missing values, outliers, levels, dates, skew and imbalance are met.

    Attributes:
        missing: For numbers and dates. `auto`: as they are for estimators that take gaps, else the median.
        fill, fill_category: The value for `constant`, for numbers and for categories.
        missing_categories: For categories. `level`: a place of its own.
        indicator: Whether a column that is filled gets another one that says where; `auto`: where enough rows of it are missing.
        max_missing: For `drop_columns`: a column with a larger share of missing values is left out, others go by `auto`.
        outliers: How numbers that lie far out are told; `isolation_forest` tells whole rows.
        outlier_action: `cap` to the last value that is none, `null` to make them missing, `drop` to learn without such rows; by
            default `cap`, and `drop` for whole rows.
        outlier_reach: Instead of `REACH`.
        outlier_share: Share of the rows that an isolation forest takes for outliers.
        rare_levels: Levels with fewer rows (or, below 1, with a smaller share of them) share a place: fewer say nothing.
        max_levels: A category with more levels has high cardinality.
        high_cardinality: `target`: the mean of the target at each level; `rare`: only the commonest levels have their own place.
        dates: Their parts as numbers, or nothing.
        skew: `yeo-johnson` straightens numbers with a long tail, for estimators that need scaled numbers. On five
            tables of benchmarks/out_of_the_box.py the log loss of logistic regression got better on two (breast_cancer, skewed)
            and stayed on three (wine, digits, telco).
        columns: Column -> what is done to it otherwise.
        imbalance: What is done where one class is much rarer; all but `report` shift the probabilities towards it.
    """

    missing: Missing = "auto"
    fill: float = 0.0
    missing_categories: MissingLevel = "level"
    fill_category: str = "missing"
    indicator: bool | Literal["auto"] = "auto"
    max_missing: float = 0.5
    outliers: Outliers | Literal["isolation_forest"] = "none"
    outlier_action: Action | None = None
    outlier_reach: float | None = None
    outlier_share: float = 0.01
    rare_levels: int | float = 3
    max_levels: int = 50
    high_cardinality: HighCardinality = "auto"
    dates: Dates = "parts"
    skew: Skew = "yeo-johnson"
    imbalance: Imbalance = "report"
    columns: dict[str, ColumnPreprocess] = {}

    def rule(self, name: str, kind: Kind) -> Rule:
        """What is done to the column *name*."""
        own = self.columns.get(name, ColumnPreprocess())
        category = kind == "category"
        missing = own.missing or (self.missing_categories if category else self.missing)
        outliers = own.outliers or ("none" if kind != "number" or self.outliers == "isolation_forest" else self.outliers)
        return Rule(
            missing=missing,
            # rows are made up between others, for which all of their numbers have to be known
            filled=missing in ASKED or self.imbalance == "smote",
            fill=_first(own.fill, self.fill_category if category else self.fill),
            indicator=_first(own.indicator, self.indicator),
            outliers=outliers,
            outlier_action=own.outlier_action or self.outlier_action or "cap",
            outlier_reach=_first(own.outlier_reach, self.outlier_reach, REACH.get(outliers, 0.0)),
            max_missing=_first(own.max_missing, self.max_missing),
            rare_levels=_first(own.rare_levels, self.rare_levels),
            max_levels=own.max_levels or self.max_levels,
            high_cardinality=own.high_cardinality or self.high_cardinality,
            dates=own.dates or self.dates,
            skew=own.skew or self.skew,
        )


def kind_of_type(type: Type | None) -> Kind | None:
    """What a column of the contract's *type* is to a model; None where that is not known."""
    if type is None:
        return None
    return {"category": "category", "text": "category", "datetime": "moment"}.get(type, "number")  # type: ignore[return-value]


def check(preprocess: Preprocess, kinds: Mapping[str, Kind | None], texts: Container[str] = ()) -> None:
    """Check the section against the columns that there are after `[prepare]`.

    Args:
        kinds: Of each column that a model gets to see; None where that is not known yet.
        texts: Columns of free text, which it does not.

    Raises:
        UsageError: Naming the key, what was found and what may stand there.
    """
    if preprocess.outliers == "isolation_forest" and preprocess.outlier_action in ("cap", "null"):
        raise UsageError(
            f'[preprocess] outlier_action = "{preprocess.outlier_action}": an isolation forest finds rows, not cells, so that it '
            'can only "drop" them; choose outliers = "iqr" or "zscore" to cap or null single numbers'
        )
    if not 0 < preprocess.outlier_share < 0.5:
        raise UsageError(f"[preprocess] outlier_share = {preprocess.outlier_share}: expected a share above 0 and below 0.5")
    _check_numbers("[preprocess]", preprocess)
    for name, own in preprocess.columns.items():
        where = f"[preprocess.columns.{name}]"
        if name in texts:
            raise UsageError(
                f'{where}: the column is free text, which the model leaves out; set high_cardinality = "target" here to '
                "take it in by its levels, or declare it as a category in contract.toml"
            )
        if name not in kinds:
            raise UsageError(f"{where}: there is no such column after [prepare]; {suggest(name, kinds)}")
        _check_numbers(where, own)
        if (kind := kinds[name]) is not None:
            _check_column(where, own, kind)


def idle(preprocess: Preprocess, kinds: Mapping[str, Kind]) -> list[str]:
    """A sentence on each key that is given and says nothing, as another one would have to ask for it; *kinds* as in `check`.

    That is no error: a variant or `--set` may well turn the other one off for a run.
    """
    rules = {name: preprocess.rule(name, kind) for name, kind in kinds.items()}
    usual, found = Preprocess(), []
    for key, (by, values) in ASKED_BY.items():
        where = "missing_categories" if key == "fill_category" else by
        concerned = [rule for name, rule in rules.items() if _concerns(key, kinds[name])]
        asked = getattr(preprocess, where) in values or any(getattr(rule, by) in values for rule in concerned)
        if not asked and getattr(preprocess, key) != getattr(usual, key):
            found.append(f"[preprocess] {key} says nothing without {where} = {' or '.join(map(repr, values))}")
    for name, rule in rules.items():
        own = preprocess.columns.get(name)
        for key in ("fill", "max_missing", "outlier_action", "outlier_reach"):
            by, values = ASKED_BY[key]
            if own is not None and getattr(own, key) is not None and (there := getattr(rule, by)) not in values:
                wanted = " or ".join(map(repr, values))
                found.append(f"[preprocess.columns.{name}] {key} says nothing, as {by} is {there!r}, not {wanted}")
    return found


def _concerns(key: str, kind: Kind) -> bool:
    # of these two, one is for categories and the other for all else
    return key not in ("fill", "fill_category") or (key == "fill_category") == (kind == "category")


def _check_numbers(where: str, given: Preprocess | ColumnPreprocess) -> None:
    if isinstance(given.fill, float) and not math.isfinite(given.fill):
        raise UsageError(f"{where} fill = {given.fill}: expected a finite number")
    if given.outlier_reach is not None and not 0 < given.outlier_reach < math.inf:
        raise UsageError(f"{where} outlier_reach = {given.outlier_reach}: expected a finite number above 0")
    limits: dict[str, tuple[float, float]] = {
        "max_missing": (0, 1),
        "rare_levels": (0, float("inf")),
        "max_levels": (1, float("inf")),
    }
    for key, (low, high) in limits.items():
        value = getattr(given, key)
        if value is not None and not low <= value <= high:
            raise UsageError(f"{where} {key} = {value}: expected {f'{low:g} or more' if high > 1 else f'{low:g} to {high:g}'}")


def _check_column(where: str, own: ColumnPreprocess, kind: Kind) -> None:
    what = {"number": "a number", "moment": "a date", "category": "a category"}[kind]
    for key in own.__struct_fields__:
        value = getattr(own, key)
        if value is not None and key not in APPLIES[kind]:
            raise UsageError(
                f"{where} {key}: the column is {what}, of which that says nothing; {what} has {', '.join(APPLIES[kind])}"
            )
    choices = get_args(MissingLevel if kind == "category" else Missing)
    if own.missing is not None and own.missing not in choices:
        raise UsageError(f"{where} missing = {own.missing!r}: the column is {what}; expected one of {', '.join(choices)}")
    if own.fill is not None and isinstance(own.fill, str) != (kind == "category"):
        raise UsageError(
            f"{where} fill = {own.fill!r}: the column is {what}; expected {'a text' if kind == 'category' else 'a number'}"
        )


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
