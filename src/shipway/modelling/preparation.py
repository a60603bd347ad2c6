"""The section `[prepare]`: row-wise renames, casts and feature expressions. They are part of the model, not a step."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shipway.core.contract import Contract, Type
from shipway.core.errors import UsageError
from shipway.core.project import suggest


class Prepare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done to each row on its own before anything is learned, in this order.

    Attributes:
        rename: Old name -> new name.
        cast: Column -> type of the contract; a value that can't be read as that becomes missing.
        add: New column -> Polars SQL expression of one row, such as `"TotalCharges / NULLIF(tenure, 0)"`; it may use those
            added before it.
        drop: Columns that the model does not get to see.
    """

    rename: dict[str, str] = {}
    cast: dict[str, Type] = {}
    add: dict[str, str] = {}
    drop: list[str] = []


def types_after(contract: Contract, prepare: Prepare) -> dict[str, Type | None]:
    """The columns that there are after `[prepare]`, with their types; None for those that an expression makes.

    Raises:
        UsageError: A name is of no column, with the nearest.
    """
    require(prepare.rename, contract.features, "[prepare.rename]")
    types: dict[str, Type | None] = {prepare.rename.get(name, name): contract.columns[name].type for name in contract.features}
    require(prepare.cast, types, "[prepare.cast]")
    types.update(prepare.cast)
    types.update(dict.fromkeys(prepare.add))
    require(prepare.drop, types, "[prepare.drop]")
    return {name: type for name, type in types.items() if name not in prepare.drop}


def require(names: Iterable[str], columns: Iterable[str], where: str) -> None:
    """Raises UsageError for one of *names* that is none of *columns*, with the nearest; *where* it stands in the file."""
    columns = list(columns)
    for name in names:
        if name not in columns:
            raise UsageError(f"{where}: there is no column {name!r}; {suggest(name, columns)}")
