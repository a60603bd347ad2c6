"""Where to draw the line between negative and positive, chosen on out-of-fold probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from shipway.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a wrong answer costs, in any unit; right answers cost nothing."""

    false_positive: float
    false_negative: float


Rule = Literal["f1", "youden"] | float | Costs

RARE = 1 / 3
"""Share of positive rows below which it is they that matter, and F1 weighs them. With more of them, F1 asks to call nearly every
row positive where the columns tell little: of a table of equal halves that would be half of the answers wrong."""


def check(rule: Rule) -> None:
    """Raises UsageError for a number that is no probability, or a cost that is not above 0."""
    if isinstance(rule, int | float) and not 0 <= rule <= 1:
        raise UsageError(f"[train] threshold = {rule}: a threshold is a probability, from 0 to 1")
    if isinstance(rule, Costs) and not (rule.false_positive > 0 and rule.false_negative > 0):
        raise UsageError("[train] threshold: both costs must be above 0, such as { false_positive = 1, false_negative = 5 }")


def usual(positive: NDArray[Any], weights: NDArray[Any] | None = None) -> Rule:
    """The rule where nobody set one, by how rare positive rows are; arguments as of `choose`."""
    import numpy

    return "f1" if numpy.average(positive, weights=weights) < RARE else 0.5


def choose(rule: Rule, positive: NDArray[Any], scores: NDArray[Any], weights: NDArray[Any] | None = None) -> float:
    """The threshold that serves *rule* best: a row is positive when its score is at least this.

    It lies half-way between two neighbouring scores, so that the last digit of a score decides nothing.

    Args:
        rule: `f1` for the greatest F1; `youden` for the greatest sensitivity + specificity - 1 (Youden 1950); a number to take
            as it is; costs for the least cost.
        positive: Whether each row is positive; bool, shape (rows,).
        scores: P(positive) of each row by a model that did not learn from it; in [0, 1].
        weights: How much each row counts; the same by default.

    Raises:
        UsageError: The number is no probability, or a cost is not above 0.
    """
    import numpy

    from shipway.modelling.metrics import Ranking

    check(rule)
    if isinstance(rule, int | float):
        return float(rule)
    ranking = Ranking.of(positive, scores)
    right, wrong = ranking.counts(numpy.ones(len(scores)) if weights is None else weights)
    if isinstance(rule, Costs):
        gain = right * rule.false_negative - wrong * rule.false_positive
        if gain.max() < 0:
            return 1.0
    elif rule == "f1":
        gain = 2 * right / (right + wrong + right[-1])
    else:
        gain = right / right[-1] - wrong / max(wrong[-1], 1)
    best = int(gain.argmax())
    lower = ranking.scores[best + 1] if best + 1 < len(ranking.scores) else 0.0
    return float((ranking.scores[best] + lower) / 2)
