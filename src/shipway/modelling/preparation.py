"""The section `[prepare]`: row-wise renames, casts and feature expressions. They are part of the model, not a step."""

from __future__ import annotations

import msgspec

from shipway.core.contract import Type


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
