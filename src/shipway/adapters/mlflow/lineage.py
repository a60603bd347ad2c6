"""The tags of a model version: where it comes from, how it was judged; and what its callers may know, read back from them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
from pathlib import Path

import msgspec

from shipway.adapters.mlflow.lookup import Entry
from shipway.core.artifacts import DataVersion
from shipway.core.errors import OutsideError
from shipway.core.models import Bundle, Interval, ModelCard, Release, Verdict

MODEL_KEY, DIGEST = "shipway.model_key", "shipway.bundle_digest"
"""Together the content of a version: the key of the fitted model and the hash of the bundle that serves it."""

PASSED, OVERRIDE = "shipway.passed", "shipway.override"
"""Whether the gates held; who wants the version served all the same, and why."""

JUDGED_AGAINST = "shipway.judged_against"
STAND_IN = "STAND-IN DATA: generated rows, not the real table. The figures tell nothing of it."


def content(model_key: str, bundle: Bundle) -> dict[str, str]:
    return {MODEL_KEY: model_key, DIGEST: bundle.digest}


def origin(card: ModelCard, data_version: DataVersion, root: Path) -> dict[str, str]:
    """What the model was made from and with."""
    return {
        "shipway.data_version": data_version.name,
        "shipway.data_hash": data_version.hash,
        "shipway.stand_in": str(data_version.origin.stand_in).lower(),
        "shipway.contract_hash": card.contract.fingerprint(),
        "shipway.profile_hash": hashlib.sha256(msgspec.json.encode(card.profile, order="sorted")).hexdigest(),
        "shipway.git_commit": git_commit(root),
        "shipway.estimator": card.estimator,
        "shipway.version": importlib.metadata.version("shipway"),
    }


def judgement(verdict: Verdict, title: str) -> dict[str, str]:
    """What may be said anew of a version that is there already."""
    return {
        "shipway.title": title,
        PASSED: str(verdict.passed).lower(),
        "shipway.metrics": msgspec.json.encode(verdict.metrics).decode(),
        JUDGED_AGAINST: champion_text(verdict.champion),
    }


def may_serve(entry: Entry) -> bool:
    """Whether the gates of a version held, or somebody overrode them on record."""
    return entry.tags.get(PASSED) == "true" or bool(entry.tags.get(OVERRIDE))


def champion_text(version: str | None) -> str:
    """A champion as the fingerprint names it."""
    return f"champion={version or 'none'}"


def champion_version(text: str) -> str | None:
    version = text.removeprefix("champion=")
    return None if version == "none" else version


def release(name: str, entry: Entry) -> Release:
    """What callers may know of a version. Raises OutsideError where Shipway did not register it."""
    tags = entry.tags
    try:
        return Release(
            name=name,
            version=entry.version,
            title=tags["shipway.title"],
            data_version=tags["shipway.data_version"],
            stand_in=tags["shipway.stand_in"] == "true",
            metrics=metrics(entry),
            run_id=entry.run_id,
        )
    except KeyError as error:
        raise foreign(name, entry, error.args[0]) from None


def metrics(entry: Entry) -> dict[str, Interval]:
    """How a version did on the test rows; nothing where Shipway did not register it."""
    return msgspec.json.decode(entry.tags.get("shipway.metrics", "{}"), type=dict[str, Interval])


def foreign(name: str, entry: Entry, tag: str) -> OutsideError:
    return OutsideError(
        f"version {entry.version} of model {name} in the registry has no tag {tag}, so Shipway did not register it; "
        f"give the alias to a version that it did, or run `shipway run {name}`"
    )


def git_commit(root: Path) -> str:
    """The commit that the workspace is at; empty where there is none yet."""
    try:
        answer = subprocess.run(["git", "-C", root, "rev-parse", "--verify", "HEAD"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return answer.stdout.strip()
