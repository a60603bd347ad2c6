"""What is kept of the predictions of a project: the section `[serve.journal]`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from shipway.core.contract import Contract
from shipway.core.errors import UsageError
from shipway.core.project import ProjectFolder, suggest

PERIOD = re.compile(r"([1-9]\d{0,4})([hdw])")
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Keeping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of each prediction, how safely, and for how long.

    Attributes:
        enabled: Whether predictions are kept at all.
        columns: Columns of the request that are kept; all features and the key where this is left out.
        hash: Columns of which only a salted hash is kept (HMAC with SHA-256): equal values stay equal, and nobody can read them.
        keep: How long predictions are kept, such as "90d", "12w" or "36h"; for ever where this is left out.
        durable: Answer only after the commit; otherwise at most 200 ms of answered predictions can be lost when the process is
            killed, and none when it is told to stop.
        when_away: What to do with requests when the journal's disk is full or its database away: refuse them once no more can be
            held in memory (at once where durable), or serve them and count what was not kept.
    """

    enabled: bool = True
    columns: list[str] | None = None
    hash: list[str] = []
    keep: Annotated[str, msgspec.Meta(pattern=f"^{PERIOD.pattern}$")] | None = None
    durable: bool = False
    when_away: Literal["refuse", "serve"] = "refuse"

    @property
    def age(self) -> timedelta | None:
        """How old a prediction may become; None: any age."""
        return None if self.keep is None else period(self.keep)

    def kept(self, contract: Contract) -> list[str]:
        """The columns of a request that are kept, where it has them."""
        if self.columns is not None:
            return self.columns
        return [name for name in contract.columns if contract.role(name) in ("feature", "key")]

    def keeps_key(self, contract: Contract) -> bool:
        """Whether a label can come by key: not where a column of the key is left out."""
        return bool(contract.key) and set(contract.key) <= set(self.kept(contract))


def period(text: str) -> timedelta:
    """A length of time such as "90d". Raises ValueError that says how to write one."""
    found = PERIOD.fullmatch(text)
    if not found:
        raise ValueError(f'expected a number of hours, days or weeks, such as "36h", "90d" or "12w"; found {text!r}')
    return int(found[1]) * UNITS[found[2]]


def check_period(section: object) -> None:
    """Raises UsageError where the section's `keep` is a text that is no length of time."""
    keep = section.get("keep") if isinstance(section, dict) else None
    if isinstance(keep, str):
        try:
            period(keep)
        except ValueError as error:
            raise UsageError(f"[serve.journal] keep: {error}") from None


def check_columns(keeping: Keeping, project: ProjectFolder) -> None:
    """Raises UsageError where a column is named that the contract has not, or that is to be hashed and not kept."""
    if not keeping.columns and not keeping.hash:
        return
    contract = project.contract
    for key, names in (("columns", keeping.columns or []), ("hash", keeping.hash)):
        for name in names:
            if name not in contract.columns:
                raise UsageError(f"[serve.journal] {key}: there is no column {name!r}; {suggest(name, contract.columns)}")
    for name in keeping.hash:
        if name not in keeping.kept(contract):
            raise UsageError(f"[serve.journal] hash: {name!r} is not kept; name it in columns too, or leave it out here")
