"""Categories: the number of each row's level, and, for those with very many levels, the mean of the target there.

This module imports numpy and Polars at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from shipway.modelling.preprocessing import Form, Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray

KNOWN_LEVELS = 10_000
"""Levels whose target mean is kept, the commonest ones: the rest of a longer list is about one row each, and says nothing."""

MEAN_CLASSES = 10
"""Classes up to which a column of high cardinality becomes a mean for each class; with more it would become too wide."""

MEAN_FOLDS = 5
"""Parts in which the learning rows get the means of the other parts (Micci-Barreca 2001; scikit-learn's TargetEncoder)."""

UNLEARNED = np.zeros((0, 0))
"""Marks a category that is to get means."""


@dataclass
class Category:
    """What was learned of one category.

    Attributes:
        levels: Those with a place of their own, in order.
        rest: Whether the other levels, new ones among them, share a place after these.
        missing: Whether missing values have the last place.
        fill: The level that missing values count as; None where they have a place, or none at all.
        means: For high cardinality: the target's mean at each place, and last for no place; shape (places + 1, columns).
    """

    name: str
    levels: list[str]
    rest: bool
    missing: bool
    fill: str | None
    means: NDArray[np.float64] | None = None

    @property
    def places(self) -> int:
        return len(self.levels) + self.rest + self.missing

    @property
    def labels(self) -> list[str]:
        """What each place stands for."""
        return [*self.levels, *["(other)"] * self.rest, *["(missing)"] * self.missing]

    def place(self) -> pl.Expr:
        """The place of each row's level; -1 for none."""
        return _place(self.name, tuple(self.levels), self.rest, self.missing, self.fill)


def learn(
    frame: pl.DataFrame, names: Sequence[str], truth: NDArray[np.int64] | None, rules: Preprocess, form: Form
) -> list[Category]:
    """Learn the levels of each category, less those that are left out. Means are learned by `learn_means`."""
    averages = truth is not None and len(np.unique(truth)) <= MEAN_CLASSES
    found = []
    for name in names:
        rule = rules.rule(name, "category")
        texts = frame[name].cast(pl.String)
        fill = str(rule.fill) if rule.missing == "constant" else None
        if rule.missing == "drop_columns" and texts.null_count() > rule.max_missing * len(texts):
            continue
        counted = (texts if fill is None else texts.fill_null(fill)).drop_nulls().alias("level").value_counts(name="rows")
        many = counted.height > rule.max_levels
        if many and rule.high_cardinality == "drop":
            continue
        meant = rule.high_cardinality == "target" or (rule.high_cardinality == "auto" and form in ("gaps", "dense"))
        means = many and averages and meant
        whole = means or (rule.high_cardinality == "auto" and form in ("codes", "sparse"))
        most = KNOWN_LEVELS if whole else rule.max_levels
        fewest = rule.rare_levels if rule.rare_levels >= 1 else rule.rare_levels * len(texts)
        ordered = counted.sort(["rows", "level"], descending=[True, False])
        if rule.missing in ("most_frequent", "drop_rows") and ordered.height:
            fill = ordered["level"][0]
        kept = ordered.filter(pl.col("rows") >= fewest)["level"].head(most).sort().to_list()
        missing = fill is None and texts.null_count() > 0
        found.append(Category(name, kept, len(kept) < counted.height, missing, fill, UNLEARNED if means else None))
    return found


def places(frame: pl.DataFrame, categories: Sequence[Category]) -> NDArray[np.int64]:
    """The place of each row's level in each category; shape (rows, categories)."""
    if not categories:
        return np.zeros((frame.height, 0), dtype=np.int64)
    return frame.select(category.place() for category in categories).to_numpy()


def learn_means(
    found: NDArray[np.int64], truth: NDArray[np.int64], categories: Sequence[Category], seed: int
) -> NDArray[np.float64]:
    """Learn the target's means of *categories*, and give those of the learning rows, each from rows of other parts.

    Args:
        found: Places of the rows in these categories.

    Returns:
        float64, shape (rows, columns): one column a category, or one a class where there are more than two.
    """
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    classes, codes = np.unique(truth, return_inverse=True)
    kind = "binary" if len(classes) == 2 else "multiclass"
    parts = StratifiedKFold(max(2, min(MEAN_FOLDS, int(np.bincount(codes).max()))), shuffle=True, random_state=seed)
    encoder = TargetEncoder(target_type=kind, cv=parts)
    with warnings.catch_warnings():
        # a class with fewer rows than parts
        warnings.simplefilter("ignore", UserWarning)
        across = encoder.fit_transform(found, codes)
    width = 1 if kind == "binary" else len(classes)
    for place, category in enumerate(categories):
        means = np.tile(encoder.target_mean_, (category.places + 1, 1)).reshape(category.places + 1, width)
        for column in range(width):
            at = encoder.categories_[place]
            learned = encoder.encodings_[place * width + column]
            means[at[at >= 0], column] = learned[at >= 0]
        category.means = means
    return np.asarray(across, dtype=np.float64)


def means_of(found: NDArray[np.int64], categories: Sequence[Category]) -> NDArray[np.float64]:
    """The learned means at *found*; shape (rows, columns)."""
    columns = [category.means[found[:, place]] for place, category in enumerate(categories) if category.means is not None]
    return np.hstack(columns) if columns else np.zeros((len(found), 0))


@functools.lru_cache(maxsize=4096)
def _place(name: str, levels: tuple[str, ...], rest: bool, missing: bool, fill: str | None) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    if fill is not None:
        text = text.fill_null(fill)
    known = text.cast(pl.Enum(levels), strict=False).to_physical().cast(pl.Int64)
    unseen, gone = len(levels) if rest else -1, len(levels) + rest if missing else -1
    return pl.when(text.is_null()).then(pl.lit(gone, pl.Int64)).otherwise(known.fill_null(unseen)).alias(name)
