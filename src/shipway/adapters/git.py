"""Git: a thin face of the git command that leaves the user's index, tree and configuration as they were."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from shipway.core.errors import OutsideError, UsageError

REDIRECTING = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GLOB_PATHSPECS",
        "GIT_GRAFT_FILE",
        "GIT_ICASE_PATHSPECS",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
"""Variables that point git at another repository, index or meaning of paths; set inside hooks, for instance."""

IN_PROGRESS = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "sequencer": "cherry-pick or revert",
    "BISECT_LOG": "bisect",
}
"""What git leaves in its folder while an operation waits for the user (`git-sh-prompt` looks at the same)."""

BUSY = re.compile(r"\.lock': File exists|cannot lock ref 'HEAD': is at ")
IDENTITY = ("-c", "user.name=Shipway", "-c", "user.email=shipway@localhost")
LITERALLY = "--literal-pathspecs"  # a name is a name, whatever signs are in it
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5  # seconds between tries while another git holds a lock


class Git:
    """The git repository that *root* lies in.

    Args:
        root: The workspace; paths are given relative to it, or absolute.
        patience: Seconds to wait for another git process that holds a lock.
    """

    def __init__(self, root: Path, *, patience: float = 10.0) -> None:
        self.root = root.resolve()
        self.patience = patience

    def is_repository(self) -> bool:
        """Whether *root* is in a work tree that does not ignore it (an ignored folder is nobody's repository yet)."""
        inside = self._try("rev-parse", "--is-inside-work-tree")
        if inside.returncode:
            if b"not a git repository" in inside.stderr:
                return False
            raise self._failure("look for a repository", inside)
        return inside.stdout.strip() == b"true" and not self._ignored(["."])

    def init(self) -> None:
        """Make *root* a repository of its own, if it is in none."""
        if not self.is_repository():
            self._run("make a repository", "init", "--quiet")

    def head(self) -> str | None:
        """The commit that HEAD is on; None before the first."""
        found = self._try("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return None if found.returncode else _text(found.stdout)

    def in_progress(self) -> str | None:
        """The operation that waits for the user (`merge`, `rebase`, ...), if there is one."""
        folder = Path(_text(self._run("find its folder", "rev-parse", "--absolute-git-dir")))
        return next((operation for name, operation in IN_PROGRESS.items() if (folder / name).exists()), None)

    def commit_paths(self, paths: Iterable[Path], message: str) -> str | None:
        """Commit the files and folders *paths* as they are on disk, and nothing else, whatever is staged.

        What else is staged stays staged. Commit hooks (linters, DVC's own) are not run: they are about what a person wrote.

        Returns:
            The commit that holds them: HEAD as it was where nothing had changed.

        Raises:
            OutsideError: A merge, rebase or the like waits for the user, git ignores a path, or git refuses.
        """
        if operation := self.in_progress():
            raise OutsideError(f"a {operation} is going on in {self.root}: finish or abort it, then run again")
        names = [self._relative(path) for path in paths]
        if not names:
            return self.head()
        if ignored := self._ignored(names):
            raise OutsideError(
                f"git ignores {ignored[0]} in {self.root}, which is to be committed: mend .gitignore, then run again"
            )
        # Only what git does not know yet: intent-to-add would wipe what is staged of a file that it does know.
        if new := _lines(
            self._run("look for new files", LITERALLY, "ls-files", "--others", "--exclude-standard", "-z", "--", *names)
        ):
            self._run("mark new files", LITERALLY, "add", "--intent-to-add", "--", *new)
        base = self.head() or _text(self._run("name the empty tree", "hash-object", "-t", "tree", "--stdin"))
        changed = self._try(LITERALLY, "diff", "--quiet", "--no-ext-diff", "--no-textconv", base, "--", *names)
        if changed.returncode not in (0, 1):
            raise self._failure("compare with HEAD", changed)
        if changed.returncode:
            command = (LITERALLY, "commit", "--quiet", "--no-verify", "--only", "--cleanup=whitespace", "--message", message)
            self._run("commit", *self._identity(), *command, "--", *names)
        return self.head()

    def tag(self, name: str, commit: str = "HEAD") -> None:
        """Tag *commit*. A tag that is there is left alone; on another commit it is an error, for tags are never moved."""
        wanted = _text(self._run("find the commit", "rev-parse", "--verify", f"{commit}^{{commit}}"))
        # `update-ref` with an old value of zeros makes the tag only if there is none, asks for no message and needs no signature.
        made = self._try("update-ref", f"refs/tags/{name}", wanted, "0" * len(wanted))
        if made.returncode == 0:
            return
        there = self._try("rev-parse", "--verify", "--quiet", f"refs/tags/{name}^{{commit}}")
        if there.returncode:
            raise self._failure(f"make the tag {name}", made)
        if _text(there.stdout) != wanted:
            raise UsageError(
                f"tag {name} is on commit {_text(there.stdout)[:12]}, expected {wanted[:12]}; tags are never moved: rename it"
            )

    def tags(self, prefix: str) -> list[str]:
        """Names of all tags that begin with *prefix*, in git's order."""
        folder = prefix.rpartition("/")[0]
        listed = self._run("list tags", "for-each-ref", "--format=%(refname:strip=2)%00", f"refs/tags/{folder}")
        return [name for name in map(str.strip, _lines(listed)) if name.startswith(prefix)]

    def read(self, revisions: Sequence[str], path: Path) -> list[bytes | None]:
        """The content of the file *path* at each of *revisions*; None where it is not there."""
        asked = "".join(f"{revision}:./{self._relative(path)}\n" for revision in revisions)
        answer = self._run("read an earlier version", "cat-file", "--batch", given=asked.encode())
        contents: list[bytes | None] = []
        while len(contents) < len(revisions):
            heading, _, answer = answer.partition(b"\n")
            found = re.fullmatch(rb"[0-9a-f]+ blob (\d+)", heading)
            size = int(found[1]) if found else 0
            contents.append(answer[:size] if found else None)
            answer = answer[size + 1 :] if found else answer
        return contents

    def _ignored(self, names: Sequence[str]) -> list[str]:
        """Those of *names* that git ignores: a file that it follows is not."""
        answer = self._try("check-ignore", "-z", "--stdin", given="".join(f"{name}\0" for name in names).encode())
        if answer.returncode not in (0, 1):
            raise self._failure("see what it ignores", answer)
        return _lines(answer.stdout)

    def _relative(self, path: Path) -> str:
        whole = self.root / path
        return (whole.parent.resolve() / whole.name).relative_to(self.root).as_posix()

    def _identity(self) -> tuple[str, ...]:
        """Options that name an author where git knows none; a name made up from the machine's is none."""
        known = (self._try("-c", "user.useConfigOnly=true", "var", f"GIT_{who}_IDENT") for who in ("AUTHOR", "COMMITTER"))
        return () if all(answer.returncode == 0 for answer in known) else IDENTITY

    def _run(self, purpose: str, *arguments: str, given: bytes = b"") -> bytes:
        """Run git, waiting for others to let go of their locks; its output. Raises OutsideError with what git said."""
        deadline = time.monotonic() + self.patience
        pause = FIRST_PAUSE
        while True:
            done = self._try(*arguments, given=given)
            if done.returncode == 0:
                return done.stdout
            if not BUSY.search(_text(done.stderr)) or time.monotonic() >= deadline:
                raise self._failure(purpose, done)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _try(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = {name: value for name, value in os.environ.items() if name not in REDIRECTING}
        environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
        try:
            return subprocess.run(
                ["git", *arguments], cwd=self.root, env=environment, input=given, capture_output=True, check=False
            )
        except FileNotFoundError:
            if not self.root.is_dir():
                raise UsageError(f"{self.root} is no folder; make it first") from None
            raise OutsideError("git is not installed or not on PATH; install it (https://git-scm.com), then run again") from None

    def _failure(self, purpose: str, done: subprocess.CompletedProcess[bytes]) -> OutsideError:
        said = _text(done.stderr) or _text(done.stdout) or f"exit code {done.returncode}"
        return OutsideError(f"git could not {purpose} in {self.root}: {said}")


def _lines(output: bytes) -> list[str]:
    """Parts of *output* that each end with a zero byte; names come back as the file system spells them."""
    return [os.fsdecode(part) for part in output.split(b"\0") if part.strip()]


def _text(output: bytes) -> str:
    return output.decode(errors="replace").strip()
