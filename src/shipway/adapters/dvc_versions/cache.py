"""DVC's local cache, read as plain files: what an unchanged run asks must not wait for DVC to be imported."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from configparser import ConfigParser
from pathlib import Path

import platformdirs

Parts = Mapping[str, str]
"""The content of a version: the md5 of each file, by its path in the folder."""


class Cache:
    """The cache of the DVC repository at *root*: `files/md5/XX/YYYY...`, as DVC 3 lays it out.

    A folder is one object more, `HASH.dir`: a JSON list of the files in it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def folder(self) -> Path:
        """Where it lies: `cache.dir` of DVC's settings, relative to the file that sets it; the nearest setting holds."""
        folder = self.root / ".dvc" / "cache"
        dvc = ("dvc", "iterative")
        shared = (Path(place, "config") for place in (platformdirs.site_config_dir(*dvc), platformdirs.user_config_dir(*dvc)))
        for file in (*shared, self.root / ".dvc" / "config", self.root / ".dvc" / "config.local"):
            settings = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
            with contextlib.suppress(FileNotFoundError), file.open() as lines:
                settings.read_file(lines)
            if place := settings.get("cache", "dir", fallback=None):
                folder = file.parent / Path(place).expanduser()
        return folder

    def path(self, hash: str) -> Path:
        return self.folder / "files" / "md5" / hash[:2] / hash[2:]

    def content(self, hash: str) -> Parts | None:
        """The files of the folder *hash*; None where the list is not in the cache, or damaged."""
        try:
            listed = self.path(hash).read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.md5(listed, usedforsecurity=False).hexdigest() != hash.removesuffix(".dir"):
            return None
        return {file["relpath"]: file["md5"] for file in json.loads(listed)}

    def has(self, parts: Parts) -> bool:
        """Whether every file is there; their bytes are not looked at."""
        return all(self.path(md5).is_file() for md5 in parts.values())

    def intact(self, md5: str) -> bool:
        """Whether the object is there with the bytes that it was kept with."""
        path = self.path(md5)
        return path.is_file() and md5_of(path) == md5.removesuffix(".dir")

    def drop_damaged(self, hashes: Iterable[str]) -> None:
        """Remove the objects that are not what their name says, as DVC does where it notices; then they can be kept anew."""
        for hash in hashes:
            if not self.intact(hash):
                self.path(hash).unlink(missing_ok=True)


def parts_of(folder: Path) -> Parts:
    """The files in *folder*, at any depth; empty where it is not there."""
    return {file.relative_to(folder).as_posix(): md5_of(file) for file in sorted(folder.rglob("*")) if file.is_file()}


def md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
