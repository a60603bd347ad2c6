"""What is kept of the predictions of a project: the section `[serve.journal]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

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


class Serve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the project is served.

    Attributes:
        journal: What is kept of each prediction.
    """

    journal: Keeping = Keeping()


def period(text: str) -> timedelta:
    """A length of time such as "90d". Raises ValueError that says how to write one."""
    found = PERIOD.fullmatch(text)
    if not found:
        raise ValueError(f'expected a number of hours, days or weeks, such as "36h", "90d" or "12w"; found {text!r}')
    return int(found[1]) * UNITS[found[2]]


def of(project: ProjectFolder) -> Keeping:
    """What *project* says in `[serve.journal]`. Raises UsageError naming the key, what was expected and the nearest name."""
    section, where = project.section("serve"), f"{project.file}: [serve.journal]"
    _known(section, Serve.__struct_fields__, f"{project.file}: [serve]")
    journal = section.get("journal", {})
    if not isinstance(journal, dict):
        raise UsageError(f"{project.file}: serve.journal must be a section, [serve.journal], not a value")
    _known(journal, Keeping.__struct_fields__, where)
    if isinstance(journal.get("keep"), str):
        try:
            period(journal["keep"])
        except ValueError as error:
            raise UsageError(f"{where} keep: {error}") from None
    try:
        keeping = msgspec.convert(section, Serve).journal
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at ")
        raise UsageError(f"{where} {place.strip('`').removeprefix('$.journal.')}: {said}") from None
    if keeping.columns or keeping.hash:
        _check_columns(keeping, project.contract, where)
    return keeping


def _check_columns(keeping: Keeping, contract: Contract, where: str) -> None:
    for key, names in (("columns", keeping.columns or []), ("hash", keeping.hash)):
        for name in names:
            if name not in contract.columns:
                raise UsageError(f"{where} {key}: there is no column {name!r}; {suggest(name, contract.columns)}")
    for name in keeping.hash:
        if name not in keeping.kept(contract):
            raise UsageError(f"{where} hash: {name!r} is not kept; name it in columns too, or leave it out here")


def _known(section: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in section:
        if key not in known:
            raise UsageError(f"{where} has no setting {key!r}; {suggest(key, known)}")
