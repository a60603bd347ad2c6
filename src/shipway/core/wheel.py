"""Shipway's own wheel, built from the package as it is installed: MLflow's environments install it, from no index."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from shipway.core import disk

PACKAGE = Path(__file__).parents[1]
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can tell; every file gets it, so that equal content makes an equal wheel."""

LINK = ".wheels"
"""In a project folder: leads to the workspace's wheels. MLflow copies a project's environment file elsewhere before it installs
from it, and only names of the project folder itself go with it, so `..` would lead nowhere."""


def file_name() -> str:
    return f"shipway-{importlib.metadata.version('shipway')}-py3-none-any.whl"


def build(folder: Path) -> Path:
    """Put the wheel into *folder*, where it is not there already; the same package gives the same bytes."""
    content = _content()
    wheel = folder / file_name()
    if not wheel.is_file() or disk.sha256_of(wheel) != hashlib.sha256(content).hexdigest():
        disk.write_file(wheel, content)
    return wheel


def provide(folder: Path, projects: Iterable[Path]) -> Path:
    """Put the wheel into *folder* and let each project folder lead to it, by a relative link."""
    wheel = build(folder)
    for project in projects:
        target = os.path.relpath(folder.resolve(), project.resolve())
        link = project / LINK
        if link.is_symlink() and str(link.readlink()) == target:
            continue
        aside = project / f"{LINK}.{os.getpid()}"
        aside.unlink(missing_ok=True)
        aside.symlink_to(target)
        aside.replace(link)
    return wheel


def examples() -> Path:
    """Where the case studies lie: in the installed package, or in the checkout that it is run from."""
    installed = PACKAGE / "examples"
    return installed if installed.is_dir() else PACKAGE.parents[1] / "projects"


def _content() -> bytes:
    distribution = importlib.metadata.distribution("shipway")
    info = f"shipway-{distribution.version}.dist-info"
    files = {f"shipway/{name}": path.read_bytes() for name, path in _files(PACKAGE)}
    files |= {f"shipway/examples/{name}": path.read_bytes() for name, path in _files(examples())}
    for name in ("METADATA", "entry_points.txt"):
        files[f"{info}/{name}"] = (distribution.read_text(name) or "").encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: shipway\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(files.items())]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, EARLIEST)
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files below *folder* that belong to the package; not what Python compiled nor what is hidden."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part == "__pycache__" or part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden:
            yield name.as_posix(), path


def _digest(content: bytes) -> str:
    """As RECORD has it: url-safe base64 without padding (PyPA, "Recording installed projects")."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
