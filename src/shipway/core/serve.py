"""How a project is served: the section `[serve]` of its file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from shipway.core.errors import UsageError
from shipway.core.journal import keeping
from shipway.core.journal.keeping import Keeping
from shipway.core.project import ProjectFolder


class Canary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the requests that another version than the champion answers.

    Attributes:
        alias: Of the version that answers them.
        share: How many of the keys it answers, more than 0 and less than 1.
    """

    alias: Literal["challenger", "shadow"]
    share: Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Serve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the project is served.

    Attributes:
        canary: The part of the requests that another version than the champion answers; none where this is left out.
        journal: What is kept of each prediction.
    """

    canary: Canary | None = None
    journal: Keeping = Keeping()


def of(project: ProjectFolder) -> Serve:
    """What *project* says in `[serve]`. Raises UsageError naming the key, what was expected and the nearest name."""
    from shipway.core.conversion import convert  # which imports what this is imported by

    section = project.section("serve")
    try:
        keeping.check_period(section.get("journal"))
        _check_share(section.get("canary"))
        found: Serve = convert(section, Serve, "serve")
        keeping.check_columns(found.journal, project)
    except UsageError as error:
        raise UsageError(f"{project.file}: {error}") from None
    return found


def _check_share(section: object) -> None:
    share = section.get("share") if isinstance(section, dict) else None
    if isinstance(share, float | int) and not (isinstance(share, bool) or 0 < share < 1):
        raise UsageError(f"[serve.canary] share: expected a number above 0 and below 1, such as 0.1; found {share!r}")
