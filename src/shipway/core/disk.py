"""What must be whole on disk: atomic files and folders, hashes, locks. Written once, used everywhere."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from shipway.core.errors import OutsideError, UsageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EIO})

SECRET_BYTES = 32
"""As many as a key of HMAC with SHA-256 can use (RFC 2104, section 3)."""

LOCK_PAUSE = 0.02
"""Seconds between two attempts at a lock that is waited for."""


def refusal(error: OSError) -> OutsideError | None:
    """What to tell the user where the file system said no; None for an error of another kind."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in FULL:
        return OutsideError(f"{place}{error.strerror}; make room, then run again: what was finished is kept")
    if error.errno in CLOSED:
        return OutsideError(f"{place}{error.strerror}; see that the place can be written to, then run again")
    return None


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write *content* so that a reader, or a crash at any moment, sees the old file or the new one and never a part.

    Args:
        mode: Who may do what with the file, less what the process's umask takes away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _sync(path.parent)


def secret(path: Path) -> bytes:
    """The secret in *path*, which only its owner may read; made at random by whoever asks first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR), "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)
        finally:
            aside.unlink()
        _sync(path.parent)
    return path.read_bytes().strip()


def publish_file(staged: Path, target: Path) -> None:
    """Move the finished file *staged* to *target* in one step, replacing what is there; both on one file system."""
    _sync(staged)
    staged.replace(target)
    _sync(target.parent)


def publish_folder(staged: Path, target: Path) -> None:
    """Move the finished folder *staged* to *target* in one step, replacing what is there; both on one file system."""
    for path in staged.rglob("*"):
        _sync(path)
    _sync(staged)
    target.parent.mkdir(parents=True, exist_ok=True)
    old = staged.with_name(f"{staged.name}.old")
    if old.exists():  # left by a process that was killed between the two renames
        shutil.rmtree(old)
    if target.exists():
        target.rename(old)
        staged.rename(target)
        shutil.rmtree(old)
    else:
        staged.rename(target)
    _sync(target.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link where the file system lets us, else copy; for files that are never written to again."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextlib.contextmanager
def locked(path: Path, what: str, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock file *path* for the block; the system frees it when the process ends, however it ends.

    Args:
        patience: Seconds to wait for another process that holds it.

    Raises:
        UsageError: Another process holds it; *what* says what it is doing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + patience
    with path.open("a+") as file:
        while not _lock(file):
            if time.monotonic() >= end:
                file.seek(0)
                raise UsageError(f"{what} is going on already (process {file.read() or 'unknown'}); wait for it or end it")
            time.sleep(LOCK_PAUSE)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file *path* for the block, waiting for whoever has it."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
