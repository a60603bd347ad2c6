"""The registry: model versions with their lineage, and the aliases that say which of them are served."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from shipway.adapters.mlflow import lineage, lookup
from shipway.adapters.mlflow.aliases import Aliases, whoami
from shipway.adapters.mlflow.bundles import Bundles
from shipway.adapters.mlflow.lookup import Entry
from shipway.adapters.mlflow.store import Store, speaking
from shipway.adapters.mlflow.tracking import MlflowTracker
from shipway.core.artifacts import DataVersion
from shipway.core.errors import OutsideError
from shipway.core.lineup import CHAMPION, FOLLOWED, Lineup, Move, Refused
from shipway.core.models import Bundle, Model, ModelVersion, Release, Verdict

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from shipway.core.ports import ModelRegistry

REGISTERED = "registered by a run"
"""Why an alias moves when a run enters a version."""
AGAIN_SECONDS = 30
"""After which a version whose files could not be brought, or are not what was registered, is tried again."""

_Told = tuple[str, tuple[tuple[str, str], ...]]
"""A version and its tags."""


class MlflowRegistry:
    """The versions of one project's model, which is named as the project."""

    def __init__(self, root: Path, project: str, uri: str | None, cache: Path, tracker: MlflowTracker) -> None:
        self.store = Store(root, uri, cache)
        self.root, self.name, self.tracker = root, project, tracker
        self.aliases = Aliases(self.store, project)
        self.bundles = Bundles(self.store, project)
        self._arguments = (root, project, uri, cache, tracker)
        self._keys: Mapping[str, str] = {}
        self._unfit_before: dict[_Told, tuple[str, float]] = {}
        self._compared: set[_Told] = set()

    def reading(self, keys: Mapping[str, str]) -> Self:
        told = type(self)(*self._arguments)
        told._keys = keys
        return told

    def fingerprint(self) -> str:
        """The champion that the step's own model is compared with, such as `champion=3`."""
        champion = lookup.with_alias(self.store, self.name, CHAMPION)
        own = self._keys.get("model")
        if champion is not None and own is not None and champion.tags.get(lineage.MODEL_KEY) == own:
            return champion.tags.get(lineage.JUDGED_AGAINST, lineage.champion_text(None))
        return lineage.champion_text(champion.version if champion else None)

    def holds(self, result: object) -> bool:
        if not isinstance(result, ModelVersion):
            return True
        version = lookup.with_version(self.store, result.name, result.version)
        if version is None or lookup.with_alias(self.store, result.name, result.alias) is None:
            return False
        return self.bundles.are_there(version.location)

    def champion(self) -> tuple[str, Model] | None:
        version = lineage.champion_version(self.fingerprint())
        entry = lookup.with_version(self.store, self.name, version) if version else None
        if entry is None:
            return None
        with self.bundles.of(entry) as bundle:
            return entry.version, Model.load(bundle.folder)

    def register(
        self,
        model: Model,
        verdict: Verdict,
        bundle: Bundle,
        data_version: DataVersion,
        *,
        title: str,
        description: str,
        alias: str,
        pickle: bool,
    ) -> ModelVersion:
        """Register *model*. A version with the same content is used again, wherever an earlier attempt was cut short."""
        content = lineage.content(self._keys.get("model", bundle.digest), bundle)
        judgement = lineage.judgement(verdict, title)
        client = self.store.open()
        with self.tracker.running() as run_id, speaking(self.store):
            version = self._find(client, content)
            if version is None:
                origin = lineage.origin(model.card, data_version, self.root)
                note = f"{lineage.STAND_IN} {description}".strip() if data_version.origin.stand_in else description
                version = self._create(client, model, bundle, {**content, **origin, **judgement}, note, run_id)
            for key, value in judgement.items():
                if version.tags.get(key) != value:
                    client.set_model_version_tag(self.name, version.version, key, value)
            if pickle:
                _log_pickle(client, run_id, model)
            known = {name: str(number) for name, number in client.get_registered_model(self.name).aliases.items()}
            move = Move(time.time(), whoami(), REGISTERED, alias, known.get(alias), str(version.version))
            self.aliases.point(client, known, move)
        return ModelVersion(
            name=self.name,
            version=str(version.version),
            alias=alias,
            run_id=version.run_id,
            data_version=version.tags["shipway.data_version"],
        )

    def export(self, folder: Path) -> Release | None:
        """Bring the champion's bundle to `FOLDER/VERSION/`; None where there is no champion.

        Raises:
            OutsideError: The registry does not answer, or what it holds is not what was registered.
        """
        entry = lookup.with_alias(self.store, self.name, CHAMPION)
        return None if entry is None else self.bundles.bring(entry, folder)

    def verify(self, folder: Path, version: str) -> None:
        """Compare the version that was exported to `FOLDER/VERSION/` with what was registered.

        Raises:
            OutsideError: They differ, or the registry does not answer.
        """
        entry = lookup.with_version(self.store, self.name, version)
        if entry is not None and not self.bundles.is_brought(entry, folder):
            raise OutsideError(
                f"{folder / version} is not what was registered as version {version} of model {self.name}; remove it, and it is "
                "brought from the registry anew"
            )

    def follow(self, folder: Path, before: Lineup) -> Lineup:
        """What the aliases point to now, with each version that may be served brought to `FOLDER/VERSION/`.

        A version may be served whose gates held, or which somebody promoted all the same, and whose files are what was
        registered. Where the champion's may not, or the alias is gone, the one *before* stays.

        Raises:
            OutsideError: The registry does not answer.
        """
        entries = {alias: lookup.with_alias(self.store, self.name, alias) for alias in FOLLOWED}
        versions: dict[str, str] = {}
        refused: dict[str, Refused] = {}
        for alias, entry in entries.items():
            if entry is None:
                if alias == CHAMPION and alias in before.versions:
                    refused[alias] = Refused(version="", reason=f"no version of model {self.name} has that alias any more")
            elif reason := self._unfit(entry, alias, folder):
                refused[alias] = Refused(version=entry.version, reason=reason)
            else:
                versions[alias] = entry.version
            if alias in refused and alias in before.versions:
                versions[alias] = before.versions[alias]
        current = {entry.version for entry in entries.values() if entry is not None}
        self._unfit_before = {what: told for what, told in self._unfit_before.items() if what[0] in current}
        return Lineup(versions=versions, refused=refused)

    def _unfit(self, entry: Entry, alias: str, folder: Path) -> str:
        """Why a version may not be served, or nothing; then it is in *folder*, its files compared when it is first asked for."""
        if not lineage.may_serve(entry):
            of = "" if alias == CHAMPION else f" --alias {alias}"
            return (
                f"the gates of version {entry.version} did not hold; if it is to be served all the same: "
                f'shipway models promote {self.name} {entry.version}{of} --override "the reason"'
            )
        what = (entry.version, tuple(sorted(entry.tags.items())))
        reason, again = self._unfit_before.get(what, ("", 0.0))
        if time.monotonic() < again:
            return reason
        try:
            if what not in self._compared or not self.bundles.is_told(entry, folder):
                self.bundles.bring(entry, folder)
        except OutsideError as error:
            self._unfit_before[what] = str(error), time.monotonic() + AGAIN_SECONDS
            return str(error)
        self._compared.add(what)
        return ""

    def _find(self, client: MlflowClient, content: Mapping[str, str]) -> Any:
        conditions = [f"name = '{self.name}'", *(f"tags.`{key}` = '{value}'" for key, value in content.items())]
        versions = client.search_model_versions(" AND ".join(conditions))
        found = [version for version in versions if self.bundles.are_there(lookup.folder(version.source))]
        return max(found, key=lambda version: int(version.version), default=None)

    def _create(
        self, client: MlflowClient, model: Model, bundle: Bundle, tags: dict[str, str], description: str, run_id: str
    ) -> Any:
        """Make a version. It comes into being last and in one piece, so that one cut short is none."""
        from mlflow.entities import LoggedModelOutput
        from mlflow.exceptions import MlflowException

        from shipway.adapters.mlflow import packaging

        content = {key: tags[key] for key in (lineage.MODEL_KEY, lineage.DIGEST)}
        experiment = self.store.experiment(client, self.name)
        conditions = " AND ".join(f"tags.`{key}` = '{value}'" for key, value in content.items())
        for left_over in client.search_logged_models([experiment], conditions):
            client.delete_logged_model(left_over.model_id)
        logged = client.create_logged_model(experiment, name=self.name, source_run_id=run_id, tags=content)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "model"
            packaging.write(
                folder, model.card, bundle, model_id=logged.model_id, run_id=run_id, location=logged.artifact_location
            )
            client.log_model_artifacts(logged.model_id, str(folder))
        client.finalize_logged_model(logged.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        try:
            client.create_registered_model(self.name, description=description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        if self.store.database is None:
            source = f"models:/{logged.model_id}"
            return client.create_model_version(
                self.name, source, run_id, tags=tags, description=description, model_id=logged.model_id
            )
        # On a database MLflow would look a `models:` source up in its process-wide store, which is not ours to set.
        version = client.create_model_version(self.name, logged.artifact_location, run_id, tags=tags, description=description)
        link = json.dumps([{"name": self.name, "version": int(version.version)}])
        client.set_logged_model_tags(logged.model_id, {"mlflow.modelVersions": link})
        return version


def _log_pickle(client: MlflowClient, run_id: str, model: Model) -> None:
    """Keep a pickle of the pipeline with the run, for other people's programs; nothing of ours loads one."""
    import cloudpickle  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.pkl"
        path.write_bytes(cloudpickle.dumps(model.pipeline))
        client.log_artifact(run_id, str(path), "pickle")


if TYPE_CHECKING:
    _: type[ModelRegistry] = MlflowRegistry
