"""DVC in this process: the only module that imports it, and what `dvc init` writes."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shipway.core.disk import write_file
from shipway.core.errors import OutsideError, UsageError

WORKSPACE = {
    ".dvc/config": "[core]\n    analytics = false\n    check_update = false\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvcignore": "# Patterns of files that DVC should ignore: https://dvc.org/doc/user-guide/dvcignore\n",
}
"""What `dvc init` writes, with its statistics and its look for updates off, in this repository alone."""

WITHOUT_GIT = "    no_scm = true\n"
OVERRIDES = {"core": {"analytics": False, "check_update": False, "autostage": False}}
LEFT = re.compile(r"\.[\w-]{22}\.tmp|\..+\.dvc\.\d+")
"""What a killed process leaves beside the folder: DVC's trials of links (named by its `tmp_fname`), pointers half written."""
LOGGERS = ("dvc", "dvc_data", "dvc_objects")


def init(root: Path) -> list[Path]:
    """Make *root* a DVC repository, or finish one that was begun; what is there stays. Returns the files that git should have."""
    in_git = any((folder / ".git").exists() for folder in (root.resolve(), *root.resolve().parents))
    for name, content in WORKSPACE.items():
        if not (root / name).exists():
            if name == ".dvc/config" and not in_git:
                content += WITHOUT_GIT
            write_file(root / name, content.encode())
    return [root / name for name in WORKSPACE]


@contextlib.contextmanager
def opened(root: Path, patience: float) -> Iterator[Any]:
    """DVC's repository at *root*, locked and silent.

    Args:
        patience: Seconds to wait for another DVC process that holds the lock; DVC itself waits for three.

    Raises:
        UsageError: A pointer, of any project, is not one: with a merge's conflict in it, for instance.
        OutsideError: The lock stays held, or DVC refuses what is asked within the block.
    """
    import dvc.repo
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

    deadline = time.monotonic() + patience
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silence())
        try:
            repo = stack.enter_context(contextlib.closing(dvc.repo.Repo(str(root), config=OVERRIDES)))
            while True:
                try:
                    stack.enter_context(dvc.repo.lock_repo(repo))
                    break
                except LockError:
                    if time.monotonic() >= deadline:
                        raise
            stack.enter_context(repo.scm_context(autostage=False, quiet=True))
            yield repo
        except LockError as error:
            raise OutsideError(f"another DVC process holds the lock of {root}; wait for it or end it, then run again") from error
        except (YAMLSyntaxError, YAMLValidationError) as error:
            raise UsageError(
                f"a file of DVC's in {root} can't be read ({error}): settle the conflict in it, or delete a pointer for a new one"
            ) from error
        except DvcException as error:
            raise OutsideError(f"DVC could not keep the data in {root}: {error}") from error


def add(repo: Any, folder: Path) -> Any:
    """What `dvc add` does, but for writing the pointer: cache the files and put the folder under DVC. Returns DVC's stage."""
    from dvc.repo.add import get_or_create_stage

    for file in folder.parent.iterdir():
        if LEFT.fullmatch(file.name):
            file.unlink()
    stage, _ = get_or_create_stage(repo, str(folder))
    repo.check_graph([stage])
    # Not `stage.add_outs`: its second lock is a file of process ids, which a killed process leaves torn or held.
    stage.outs[0].add()
    return stage


def dump(stage: Any) -> bytes:
    """The pointer's text."""
    from dvc.utils.serialize import dumps_yaml

    text: str = dumps_yaml(stage.dumpd())
    return text.encode()


def parse(pointer: bytes) -> dict[str, Any] | None:
    """What a pointer says; None where it is no YAML mapping."""
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml

    try:
        said = parse_yaml(pointer.decode(errors="replace"), "pointer")
    except YAMLFileCorruptedError:
        return None
    return said if isinstance(said, dict) else None


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep DVC's messages and progress bars off our output: both follow the level of its loggers."""
    levels = {logger: logger.level for logger in map(logging.getLogger, LOGGERS)}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
