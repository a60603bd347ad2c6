"""The words that names of columns are made of."""

from __future__ import annotations

import re


def parts_of(name: str) -> list[str]:
    """The words of a column's name in lower case: customerID and customer_id are customer and id."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+", name)]
