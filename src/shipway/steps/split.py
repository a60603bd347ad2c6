"""Set rows aside for the final judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from shipway.core.artifacts import Table
from shipway.core.contract import Contract, text_of
from shipway.core.errors import DataError, UsageError
from shipway.core.ports import Progress
from shipway.core.project import suggest
from shipway.core.rows import Rows
from shipway.core.step import step

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACE = "_shipway_place"
"""Name of a passing column; no contract has such a name."""

MERGED = "other"
"""Name of the class that rare classes are merged into, unless it is taken."""

RareClasses = Literal["keep", "merge", "fail"]
Twins = Literal["together", "spread"]


@step(writes=("training", "testing"))
def split(
    clean: Rows,
    *,
    contract: Contract,
    progress: Progress,
    test_share: float = 0.2,
    stratify: bool = True,
    group: str | None = None,
    twins: Twins = "together",
    rare_classes: RareClasses = "keep",
    seed: int = 0,
) -> tuple[Table, Table]:
    """Split the clean rows into a training part and a test part, both in the order of the rows.

    Rows with the same group, or with equal features, stay together, so that no test row has a twin in training. Where equal
    features are chance, and no sign of one case that came twice, they are better `spread`: else the test part would hold just
    those kinds of rows that training lacks.
    Classes with too few rows to be split are named in a warning, or in the error that `fail` makes of them.

    Args:
        clean: Rows that keep the contract, target included; shape (rows, columns).
        test_share: Share of the rows to set aside, in (0, 1).
        stratify: Keep the share of each class equal in both parts, as far as rows that stay together let it.
        group: Column whose equal values stay on one side; rows without a value stand alone.
        twins: Whether rows with equal features stay `together`; `shipway new` writes `spread` where they are many, by chance.
        rare_classes: Classes with too few rows to be split stay in training with `keep`; with `merge` they become one class in
            both parts, and the model learns that one; `fail` stops the run.
        seed: Fixes the draw: the same rows and seed give the same parts on any machine.

    Raises:
        DataError: A part would be empty, or would have rows of one class only; or a class is too rare, and is to `fail`.
    """
    import numpy as np
    import polars as pl

    _check_settings(contract, test_share, stratify, group, rare_classes)
    table = clean.frame()
    together = _together(table, contract, group, twins)
    labels = _labels(table, contract)
    strata, apart = _strata(labels, together, len(contract.classes), stratify=stratify)
    for place in np.flatnonzero(np.bincount(labels, minlength=len(contract.classes)) == 0).tolist():
        progress.warn(f"no row has the class {contract.classes[place]!r}")
    if apart and rare_classes != "keep":
        if rare_classes == "fail":
            raise DataError(
                f"too rare to split: {_named(apart, labels, contract)}; send more rows of them, or set [split] rare_classes to "
                '"keep" (all in training) or "merge" (as one class)'
            )
        table, labels, strata, apart = _merge(table, contract, labels, together, apart, progress)
    for place in apart if stratify else ():
        progress.warn(f"{_named([place], labels, contract)} is too rare to split: all in training")
    aside = _draw(strata, np.bincount(together), test_share, np.random.default_rng(seed), at_least_one=stratify)
    testing = pl.Series(aside[together])
    parts = table.filter(~testing), table.filter(testing)
    for name, part in zip(("training", "testing"), parts, strict=True):
        _check_part(name, part, contract)
    progress.note(f"{parts[0].height:,} training, {parts[1].height:,} testing")
    return parts


@split.check
def _check_settings(contract: Contract, test_share: float, stratify: bool, group: str | None, rare_classes: RareClasses) -> None:
    if not 0 < test_share < 1:
        raise UsageError(f"[split] test_share must lie between 0 and 1; found {test_share}")
    if rare_classes == "merge" and not stratify:
        raise UsageError('[split] rare_classes = "merge" needs stratify = true, or a class might be in the test part alone')
    others = [name for name in contract.columns if name != contract.target]
    if group is not None and group not in others:
        raise UsageError(f"[split] group = {group!r} must be a column other than the target; {suggest(group, others)}")


def _named(places: list[int], labels: NDArray[Any], contract: Contract) -> str:
    """Classes with their rows; the place after the contract's classes is that of merged ones."""
    classes = [*contract.classes, MERGED]
    named = (f"class {classes[place]!r} ({int((labels == place).sum()):,} rows that stay together)" for place in places)
    return ", ".join(named)


def _merge(
    clean: Table,
    contract: Contract,
    labels: NDArray[Any],
    together: NDArray[Any],
    apart: list[int],
    progress: Progress,
) -> tuple[Table, NDArray[Any], NDArray[Any], list[int]]:
    """Make one class of those that are too rare. A single one stays as it is: there is nothing to merge it with."""
    import numpy as np
    import polars as pl

    classes = len(contract.classes)
    if len(apart) > 1:
        name = _merged_name(contract)
        progress.warn(f"too rare to split, and merged into the class {name!r}: {_named(apart, labels, contract)}")
        rare = np.isin(labels, apart)
        texts = clean[contract.target].cast(pl.String)
        clean = clean.with_columns(texts.set(pl.Series(rare), name).alias(contract.target))
        labels = np.where(rare, classes, labels)
    strata, apart = _strata(labels, together, classes + 1, stratify=True)
    return clean, labels, strata, apart


def _merged_name(contract: Contract) -> str:
    """A name that is no level of the target."""
    taken = {text_of(level) for level in contract.classes}
    return next(name for name in (MERGED, *(f"{MERGED} {number}" for number in range(2, len(taken) + 3))) if name not in taken)


def _labels(clean: Table, contract: Contract) -> NDArray[Any]:
    """The class of each row, as its place among the contract's classes."""
    import polars as pl

    places = {text_of(level): place for place, level in enumerate(contract.classes)}
    return clean[contract.target].cast(pl.String).replace_strict(places, return_dtype=pl.Int64).to_numpy()


def _together(clean: Table, contract: Contract, group: str | None, twins: Twins) -> NDArray[Any]:
    """A number for each row, from 0 in order of first appearance, equal for rows that must stay together."""
    import numpy as np
    import polars as pl

    place = pl.col(PLACE)
    alike = place.first().over(contract.features) if twins == "together" else place
    first = clean.with_row_index(PLACE).select(alike).to_series().to_numpy()
    if group is not None:
        first = _joined(first, _by_value(clean, group))
    return np.unique(first, return_inverse=True)[1]


def _by_value(clean: Table, group: str) -> NDArray[Any]:
    import polars as pl

    place = pl.col(PLACE)
    first = pl.when(pl.col(group).is_null()).then(place).otherwise(place.first().over(group))
    return clean.with_row_index(PLACE).select(first).to_series().to_numpy()


def _joined(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Rows that are linked by either numbering, through any number of others, get one number: their smallest place."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    places = np.arange(len(one))
    ends = np.concatenate([one, other])
    links = coo_array((np.ones(len(ends), dtype=np.int8), (np.concatenate([places, places]), ends)), shape=(len(one), len(one)))
    component = connected_components(links, directed=False)[1]
    smallest = np.full(component.max() + 1, len(one))
    np.minimum.at(smallest, component, places)
    return np.asarray(smallest[component])


def _strata(labels: NDArray[Any], together: NDArray[Any], classes: int, *, stratify: bool) -> tuple[NDArray[Any], list[int]]:
    """The stratum of each group of rows (-1: stays in training), and the classes that are too rare to split.

    A group with rows of several classes counts for the rarest of them, so that rare classes are spread by design.
    """
    import numpy as np

    groups = int(together.max()) + 1
    pairs = np.unique(np.stack([together, labels]), axis=1)
    held_by = np.bincount(pairs[1], minlength=classes)
    apart = [place for place in range(classes) if held_by[place] == 1]
    if not stratify:
        return np.zeros(groups, dtype=np.int64), apart
    order = np.argsort(np.argsort(np.bincount(labels, minlength=classes), kind="stable"), kind="stable")
    rarest = np.full(groups, classes)
    np.minimum.at(rarest, pairs[0], order[pairs[1]])
    strata = np.argsort(order)[rarest]
    strata[pairs[0][np.isin(pairs[1], apart)]] = -1
    return strata, apart


def _draw(strata: NDArray[Any], sizes: NDArray[Any], share: float, random: Any, *, at_least_one: bool) -> NDArray[Any]:
    """Which groups to set aside: in each stratum, in shuffled order, those that bring its rows nearer to *share*."""
    import numpy as np

    aside = np.zeros(len(strata), dtype=bool)
    shuffled = random.permutation(len(strata))
    for stratum in range(int(strata.max(initial=-1)) + 1):
        members = shuffled[strata[shuffled] == stratum]
        goal, taken = share * sizes[members].sum(), 0
        for place, size in zip(members.tolist(), sizes[members].tolist(), strict=True):
            if taken + size - goal < goal - taken:
                aside[place] = True
                taken += size
        if at_least_one and len(members) > 1 and aside[members].all() | ~aside[members].any():
            smallest = members[np.argmin(sizes[members])]
            aside[smallest] = not aside[smallest]
    return aside


def _check_part(name: str, part: Table, contract: Contract) -> None:
    classes = part[contract.target].n_unique()
    if classes < 2:
        found = "no rows" if part.is_empty() else f"only rows of class {part[contract.target][0]!r}"
        raise DataError(
            f"the {name} part would have {found}, and a model can't be made or judged on that; "
            "send more rows, change [split] test_share, or set stratify = true without a group"
        )
