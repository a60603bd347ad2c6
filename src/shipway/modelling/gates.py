"""Gates: what a model must reach before it may serve."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shipway.core.errors import UsageError
from shipway.core.models import Interval


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Conditions on one metric's value on the test rows.

    Attributes:
        at_least, at_most: Bounds of the metric, both inclusive.
        not_below_champion_by: How much worse than the champion it may be on the same rows; holds where there is no champion.
    """

    at_least: float | None = None
    at_most: float | None = None
    not_below_champion_by: float | None = None


def check(gates: Mapping[str, Gate], classes: int) -> None:
    """Raises UsageError for a metric that is not measured, or a gate without a condition."""
    from shipway.modelling import metrics

    for name, gate in gates.items():
        metrics.check_name(name, classes, f"[validate.gates] {name}")
        if gate == Gate():
            raise UsageError(f"[validate.gates] {name}: a gate needs at_least, at_most or not_below_champion_by")


def judge(
    gates: Mapping[str, Gate], measured: Mapping[str, Interval], difference: Mapping[str, Interval], champion: str | None
) -> dict[str, bool]:
    """A sentence for each condition, and whether it held.

    Args:
        difference: This model less the champion, by the metric; empty where they could not be compared.
        champion: The champion's version.
    """
    from shipway.modelling.metrics import LOSSES

    held: dict[str, bool] = {}
    for name, gate in gates.items():
        value = measured[name].value
        if gate.at_least is not None:
            held[f"{name} {value:.4f} is at least {gate.at_least:g}"] = value >= gate.at_least
        if gate.at_most is not None:
            held[f"{name} {value:.4f} is at most {gate.at_most:g}"] = value <= gate.at_most
        if gate.not_below_champion_by is not None:
            sentence = f"{name} is not worse than the champion's by more than {gate.not_below_champion_by:g}"
            if name not in difference:
                held[f"{sentence} (there is none to compare with)"] = True
                continue
            better = difference[name].value * (-1 if name in LOSSES else 1)
            held[f"{sentence} (version {champion}: {better:+.4f})"] = better >= -gate.not_below_champion_by
    return held
