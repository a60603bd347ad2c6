"""Keep and name what was received."""

from __future__ import annotations

from typing import Literal

from shipway.core.artifacts import DataVersion, Received
from shipway.core.ports import Clock, DataVersions, Progress
from shipway.core.step import step


@step(writes="data_version")
def snapshot(
    received: Received,
    *,
    versions: DataVersions,
    clock: Clock,
    progress: Progress,
    period: Literal["year", "month", "day"] = "month",
    commit: bool | None = None,
) -> DataVersion:
    """Keep the received rows as a data version named after the time; content that was kept before keeps its name.

    Args:
        period: How much of the date the name has: `telco_churn/2026-11` for a month.
        commit: Whether to commit and tag in git; None leaves it to the workspace's settings.
    """
    version = versions.keep(received, period=period, now=clock.now(), commit=commit)
    progress.note(version.name)
    return version
