"""A canary: another version than the champion answers a share of the requests, always those of the same keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from shipway.core.contract import Contract
from shipway.core.journal.keeping import Keeping
from shipway.serving import entries
from shipway.serving.live import Live

BITS = 64
"""Of a digest, as a number between 0 and 1: shares are told apart to less than a request in a billion."""
PLAIN = Keeping()
"""Keys as they are sent; what is kept of them plays no part in who answers."""


@dataclass(frozen=True)
class Split:
    """Two versions that share the requests of a project.

    An answer is of one version, so a request goes as a whole where its first record goes.

    Attributes:
        share: Of the keys that the canary answers.
    """

    champion: Live
    canary: Live
    share: float

    def choose(self, records: Sequence[Any]) -> Live:
        """The version that answers *records*, which the champion's contract has read as far as their number."""
        first = records[0] if records else None
        if not isinstance(first, Mapping):
            return self.champion
        release, contract = self.champion.release, self.champion.card.contract
        return self.canary if position(release.name, contract, first) < self.share else self.champion


def position(project: str, contract: Contract, record: Mapping[str, Any]) -> float:
    """Where *record* lies between 0 and 1: the same place for the same key, in every process and after every start.

    A record without a key is placed by its features. Numbers and their texts count as one; a missing cell, however it is sent,
    does too.
    """
    text = entries.key(contract, PLAIN, b"", record) if contract.key else None
    if text is None:
        text = _json([entries.text(contract.columns[name], record.get(name)) for name in contract.features])
    digest = hashlib.sha256(f"{project}\0{text}".encode()).digest()
    return int.from_bytes(digest[: BITS // 8]) / float(2**BITS)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
