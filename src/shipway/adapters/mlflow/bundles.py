"""The bundles of model versions on their way out of the registry: found or downloaded, checked, and brought to a folder."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from shipway.adapters.mlflow import lineage, lookup
from shipway.adapters.mlflow.lookup import Entry
from shipway.adapters.mlflow.store import Store, load_library, speaking
from shipway.core import disk, retention
from shipway.core.errors import OutsideError
from shipway.core.models import Bundle, Release
from shipway.scoring import predictor

BUNDLE_PATH = "artifacts/bundle"
"""Where a bundle lies in the MLflow model that it was logged with."""


class Bundles:
    """The bundles of one model's versions. What is brought to a folder lies there in `VERSION/`, with its release beside it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name

    def are_there(self, location: Path | None) -> bool:
        """Whether the files of a version at *location* are still there; only those of an embedded store can be looked for."""
        return self._store.database is None or location is None or location.is_dir()

    @contextlib.contextmanager
    def of(self, entry: Entry) -> Iterator[Bundle]:
        """The bundle of a version, for as long as the block.

        Raises:
            OutsideError: It is gone, or not what was registered, or the registry does not answer.
        """
        with tempfile.TemporaryDirectory() as temporary:
            folder = entry.location / BUNDLE_PATH if entry.location is not None else None
            if folder is None or not folder.is_dir():
                folder = self._download(entry, Path(temporary))
            try:
                _check(folder, entry)
            except OutsideError as error:
                raise OutsideError(
                    f"version {entry.version} of model {self._name} is not what was registered: {str(error).partition(';')[0]}; "
                    f"delete that version in MLflow, and `shipway run {self._name}` registers its model anew"
                ) from None
            yield Bundle.load(folder)

    def bring(self, entry: Entry, folder: Path) -> Release:
        """Bring a version to *folder*, where it is not there already. Raises OutsideError as `of` does."""
        release = lineage.release(self._name, entry)
        if self.is_brought(entry, folder):
            return release
        folder.mkdir(parents=True, exist_ok=True)
        staged = folder / f".{entry.version}"
        with disk.alone(folder / retention.LOCK):
            shutil.rmtree(staged, ignore_errors=True)
            with self.of(entry) as bundle:
                shutil.copytree(bundle.folder, staged / "bundle")
            (staged / "release.json").write_bytes(msgspec.json.encode(release))
            disk.publish_folder(staged, folder / entry.version)
        return release

    def is_brought(self, entry: Entry, folder: Path) -> bool:
        """Whether a version is in *folder* as it was registered, its files compared by their hashes."""
        release = lineage.release(self._name, entry)
        try:
            _check(folder / entry.version / "bundle", entry)
        except (FileNotFoundError, OutsideError):
            return False
        return _release_in(folder / entry.version) == release

    def is_told(self, entry: Entry, folder: Path) -> bool:
        """Whether *folder* has what callers may know of a version as the registry says it by now; its files are not looked at."""
        return _release_in(folder / entry.version) == lineage.release(self._name, entry)

    def _download(self, entry: Entry, folder: Path) -> Path:
        client = self._store.open()
        artifacts = load_library().artifacts
        with speaking(self._store):
            where = client.get_model_version_download_uri(self._name, entry.version)
            if not self.are_there(lookup.folder(where)):
                raise OutsideError(
                    f"the files of version {entry.version} of model {self._name} are gone ({where}); bring them back, or delete "
                    f"that version in MLflow and run `shipway run {self._name}` for a new one"
                )
            return Path(
                artifacts.download_artifacts(
                    f"{where}/{BUNDLE_PATH}",
                    dst_path=str(folder),
                    tracking_uri=self._store.address,
                    registry_uri=self._store.address,
                )
            )


def _release_in(target: Path) -> Release | None:
    """The release that was brought to *target*, if one was."""
    try:
        return msgspec.json.decode((target / "release.json").read_bytes(), type=Release)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _check(folder: Path, entry: Entry) -> None:
    """Compare a bundle with its manifest, and the manifest with the registry. Raises OutsideError naming what differs."""
    predictor.verify(folder)
    if Bundle.load(folder).digest != entry.tags.get(lineage.DIGEST):
        raise OutsideError(f"{folder / predictor.MANIFEST} has another hash than the registry says")
