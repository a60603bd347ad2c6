"""Columns that can only be known after the event, as far as their names, their power and their gaps show.

A name alone proves nothing (a delay may be known in time, and say little) and power alone neither (something has to be the best
column). So a name counts only where the column tells more than all those without such a name do.

This module imports NumPy at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shipway.modelling.leakage import vocabulary
from shipway.modelling.leakage.power import Coded, Power

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEMS = vocabulary.of(*vocabulary.STEMS.values())
WORDS = frozenset(vocabulary.of(vocabulary.WHOLE))
TALKS = frozenset(vocabulary.of(vocabulary.TALKS)), frozenset(vocabulary.of(vocabulary.SPANS))
GENERAL = frozenset(vocabulary.of(vocabulary.GENERAL))

SHARED = 4
"""Letters from which a word that starts alike in a column's and in the target's name makes them relatives."""

TELLING = 0.2
"""Power under which a suspicious name is of no consequence."""

OVERWHELMING = 0.8
"""Power from which a suspicious name needs no comparison with other columns."""

EXPECTED, AMISS = 20.0, 0.05
"""A gap tells the class where at least 20 of the rows with (or without) a value should be of other classes by their shares, and
at most a twentieth of those are. Evenly drawn gaps would do so less than once in 10^6 times (Poisson)."""

HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class Gap:
    """Columns whose values are there, or missing, in rows of one class (nearly) only.

    Attributes:
        filled: Whether it is the rows with a value; otherwise it is those without.
        rows: How many such rows there are.
        share, usual: The class's share among them, and among all rows.
    """

    columns: list[str]
    filled: bool
    rows: int
    label: int
    share: float
    usual: float


def words(name: str) -> list[str]:
    """The words of a column's name, folded: `lastCall_durationSec` has last, call, duration and sec, `Größe` has grosse."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", " ", HUMP.sub(" ", plain)).casefold().split()


def suspicious(name: str, target: str) -> str:
    """The word of *name* that speaks of something after the event, or of the target itself; empty where none does."""
    found = words(name)
    for word in found:
        if word in WORDS or word.startswith(STEMS) or word.endswith(vocabulary.ENDINGS):
            return word
    if all(not kind.isdisjoint(found) for kind in TALKS):
        return " ".join(word for word in found if word in TALKS[0] | TALKS[1])
    meant = [word for word in words(target) if len(word) >= SHARED and word not in GENERAL]
    return next((word for word in found for other in meant if len(word) >= SHARED and _alike(word, other)), "")


def too_telling(powers: Mapping[str, Power], target: str) -> Iterator[tuple[str, str, float]]:
    """Of the columns with a suspicious name those that tell too much: name, the word, the best power without such a name."""
    named = {name: word for name in powers if (word := suspicious(name, target))}
    best = max((power.value for name, power in powers.items() if name not in named), default=0.0)
    for name, word in named.items():
        power = powers[name]
        if power.low >= TELLING and (power.value >= best or power.value >= OVERWHELMING):
            yield name, word, best


def gaps(columns: Sequence[Coded], labels: NDArray[np.int64]) -> list[Gap]:
    """Where it is the class that decides whether there is a value; columns with the same gaps stand together."""
    alike: dict[bytes, list[Coded]] = {}
    for column in columns:
        if column.missing.any() and not column.missing.all():
            alike.setdefault(np.packbits(column.missing).tobytes(), []).append(column)
    shares = np.bincount(labels) / max(len(labels), 1)
    found = []
    for members in alike.values():
        for filled in (True, False):
            counts = np.bincount(labels[members[0].missing != filled], minlength=len(shares))
            label, rows = int(counts.argmax()), int(counts.sum())
            expected = rows * (1 - float(shares[label]))
            if expected >= EXPECTED and rows - counts[label] <= AMISS * expected:
                share = float(counts[label]) / rows
                found.append(Gap([one.name for one in members], filled, rows, label, share, float(shares[label])))
                break
    return found


def _alike(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
