"""The git adapter, against the git command on real repositories."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.adapters.git import Git
from shipway.core.errors import OutsideError, UsageError


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)


def said(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def write(root: Path, **contents: str) -> None:
    for name, content in contents.items():
        (root / name).write_text(content)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit of the files `old` and `other`."""
    root = tmp_path / "a workspace"
    root.mkdir()
    said(root, "init", "--quiet", "--initial-branch=main")
    write(root, old="old\n", other="other\n")
    said(root, "add", "old", "other")
    said(root, "commit", "--quiet", "-m", "Begin")
    return root


def test_a_folder_in_no_repository_is_made_one(tmp_path: Path) -> None:
    git = Git(tmp_path)
    assert not git.is_repository()
    git.init()
    git.init()
    assert git.is_repository()
    assert git.head() is None


def test_a_folder_that_the_repository_around_it_ignores_becomes_a_repository_of_its_own(root: Path) -> None:
    write(root, **{".gitignore": "demo/\n"})
    demo, kept = root / "demo", root / "kept"
    demo.mkdir()
    kept.mkdir()
    assert Git(kept).is_repository()
    assert not Git(demo).is_repository()
    Git(demo).init()
    assert Git(demo).is_repository()
    assert Git(demo).head() is None


def test_the_first_commit_of_a_repository_holds_only_the_paths(tmp_path: Path) -> None:
    git = Git(tmp_path)
    git.init()
    write(tmp_path, a="a", b="b", c="c")
    said(tmp_path, "add", "b")
    made = git.commit_paths([Path("a")], "First")
    assert made == git.head()
    assert said(tmp_path, "ls-tree", "--name-only", "HEAD").split() == ["a"]
    assert said(tmp_path, "status", "--porcelain") == "A  b\n?? c\n"


PLACES = st.sampled_from(["same", "changed", "absent"])


@given(staged=PLACES, on_disk=PLACES, new=PLACES)
@settings(max_examples=12, deadline=None)
def test_whatever_else_is_staged_or_changed_stays_so(staged: str, on_disk: str, new: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        said(root, "init", "--quiet")
        write(root, mine="1", other="1")
        said(root, "add", "mine", "other")
        said(root, "commit", "--quiet", "-m", "Begin")
        if staged == "changed":
            write(root, other="staged")
            said(root, "add", "other")
        elif staged == "absent":
            said(root, "rm", "--quiet", "--cached", "other")
        if on_disk == "changed":
            write(root, other="on disk")
        elif on_disk == "absent":
            (root / "other").unlink()
        if new != "absent":
            write(root, new="new")
        if new == "changed":
            said(root, "add", "--intent-to-add", "new")
        index = [line for line in said(root, "ls-files", "--stage").splitlines() if not line.endswith("mine")]
        tree = said(root, "status", "--porcelain")
        write(root, mine="2")
        Git(root).commit_paths([root / "mine"], "Mine")
        assert [line for line in said(root, "ls-files", "--stage").splitlines() if not line.endswith("mine")] == index
        assert said(root, "status", "--porcelain") == tree
        assert said(root, "show", "--name-only", "--format=", "HEAD").split() == ["mine"]


def test_nothing_to_commit_is_fine_and_gives_the_commit_that_is_there(root: Path) -> None:
    before = Git(root).head()
    assert Git(root).commit_paths([Path("old")], "Again") == before
    assert Git(root).commit_paths([], "Again") == before
    assert Git(root).commit_paths([Path("not there")], "Again") == before


def test_a_file_put_back_after_staging_has_nothing_to_commit(root: Path) -> None:
    before = Git(root).head()
    write(root, old="staged\n")
    said(root, "add", "old")
    write(root, old="old\n")
    assert Git(root).commit_paths([Path("old")], "Again") == before


def test_a_folder_is_committed_without_what_git_ignores_in_it(root: Path) -> None:
    write(root, **{".gitignore": "*.log\n"})
    (root / "folder").mkdir()
    write(root / "folder", a="a", b="b", **{"c.log": "c"})
    Git(root).commit_paths([Path("folder"), Path(".gitignore")], "Folder")
    assert said(root, "ls-files").split() == [".gitignore", "folder/a", "folder/b", "old", "other"]


def test_a_path_that_git_ignores_is_named(root: Path) -> None:
    write(root, **{".gitignore": "data*\n", "data.dvc": "outs:\n"})
    with pytest.raises(OutsideError, match=r"git ignores data\.dvc"):
        Git(root).commit_paths([Path("data.dvc")], "Pointer")


def test_names_are_taken_as_they_stand_and_not_as_patterns(root: Path) -> None:
    write(root, **{"*": "star", "ä é.txt": "umlaut"})
    Git(root).commit_paths([Path("*"), Path("ä é.txt")], "Names with a meaning — ünïcode")
    assert said(root, "show", "-z", "--name-only", "--format=%s", "HEAD").split("\0")[:1] == ["Names with a meaning — ünïcode"]
    assert said(root, "show", "-z", "--name-only", "--format=", "HEAD").rstrip("\0").split("\0") == ["*", "ä é.txt"]


def test_an_author_is_named_only_where_git_knows_none_and_never_configured(root: Path) -> None:
    write(root, new="1")
    Git(root).commit_paths([Path("new")], "By nobody")
    assert said(root, "log", "-1", "--format=%an <%ae>, %cn").strip() == "Shipway <shipway@localhost>, Shipway"
    assert "Shipway" not in (root / ".git" / "config").read_text()
    said(root, "config", "user.name", "Grace")
    said(root, "config", "user.email", "grace@example.org")
    write(root, new="2")
    Git(root).commit_paths([Path("new")], "By somebody")
    assert Git(root)._try("log", "-1", "--format=%an, %cn").stdout.strip() == b"Grace, Grace"


def test_hooks_of_the_user_neither_stop_nor_change_the_commit(root: Path) -> None:
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    write(root, new="1")
    Git(root).commit_paths([Path("new")], "Past the hook")
    assert said(root, "status", "--porcelain") == ""


def test_it_works_on_a_detached_head(root: Path) -> None:
    said(root, "checkout", "--quiet", "--detach")
    write(root, new="1")
    made = Git(root).commit_paths([Path("new")], "Detached")
    Git(root).tag("iris/2026", made or "")
    assert said(root, "rev-parse", "iris/2026").strip() == made


def test_it_works_in_a_work_tree_and_in_a_folder_of_the_repository(root: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    said(root, "worktree", "add", "--quiet", "-b", "side", str(tree))
    (tree / "workspace").mkdir()
    write(tree / "workspace", new="1")
    git = Git(tree / "workspace")
    git.commit_paths([tree / "workspace" / "new"], "In a folder")
    assert said(tree, "show", "--name-only", "--format=", "side").strip() == "workspace/new"
    assert git.read(["side", "main"], Path("new")) == [b"1", None]
    said(tree, "bisect", "start")
    assert git.in_progress() == "bisect"
    assert Git(root).in_progress() is None


def test_variables_that_point_elsewhere_and_the_language_play_no_part(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    said(elsewhere, "init", "--quiet")
    for name, value in {"GIT_DIR": ".git", "GIT_WORK_TREE": "", "GIT_INDEX_FILE": "index"}.items():
        monkeypatch.setenv(name, str(elsewhere / value))
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    write(root, new="1")
    git = Git(root)
    made = git.commit_paths([Path("new")], "Here")
    assert Git(tmp_path).is_repository() is False
    monkeypatch.undo()
    assert said(root, "rev-parse", "HEAD").strip() == made
    assert Git(elsewhere).head() is None


@pytest.mark.parametrize("operation", ["merge", "rebase", "cherry-pick", "revert", "bisect"])
def test_nothing_is_committed_while_an_operation_waits_for_the_user(root: Path, operation: str) -> None:
    said(root, "checkout", "--quiet", "-b", "side")
    write(root, old="side\n")
    said(root, "commit", "--quiet", "-am", "Side")
    said(root, "checkout", "--quiet", "main")
    write(root, old="main\n")
    said(root, "commit", "--quiet", "-am", "Main")
    write(root, old="more\n")
    said(root, "commit", "--quiet", "-am", "More")
    subject = {"bisect": ["start"], "revert": ["HEAD~1"]}.get(operation, ["side"])
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", operation, *subject], cwd=root, capture_output=True, check=False
    )
    head = Git(root).head()
    write(root, new="1")
    with pytest.raises(OutsideError, match=f"a {operation} is going on .* finish or abort it, then run again"):
        Git(root).commit_paths([Path("new")], "Not now")
    assert Git(root).head() == head
    said(root, operation, "reset" if operation == "bisect" else "--abort")
    assert Git(root).in_progress() is None


def test_a_lock_is_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = root / ".git" / "index.lock"
    lock.touch()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            lock.unlink()

    monkeypatch.setattr(time, "sleep", pause)
    write(root, new="1")
    Git(root).commit_paths([Path("new")], "After a while")
    assert pauses == sorted(pauses)
    assert said(root, "status", "--porcelain") == ""


def test_a_lock_that_stays_is_named(root: Path) -> None:
    (root / ".git" / "index.lock").touch()
    write(root, new="1")
    with pytest.raises(OutsideError, match=r"index\.lock"):
        Git(root, patience=0).commit_paths([Path("new")], "Never")


def test_a_tag_is_made_once_and_never_moved(root: Path) -> None:
    git = Git(root)
    git.tag("iris/2026-11")
    first = git.head()
    git.tag("iris/2026-11")
    write(root, old="2\n")
    git.commit_paths([Path("old")], "Second")
    with pytest.raises(UsageError, match="tags are never moved"):
        git.tag("iris/2026-11")
    assert said(root, "rev-parse", "iris/2026-11").strip() == first


def test_an_annotated_tag_on_the_same_commit_counts(root: Path) -> None:
    said(root, "tag", "-a", "-m", "By hand", "iris/2026-11")
    Git(root).tag("iris/2026-11")


def test_a_tag_whose_name_git_refuses_says_what_git_said(root: Path) -> None:
    said(root, "tag", "iris")
    with pytest.raises(OutsideError, match="could not make the tag iris/2026-11"):
        Git(root).tag("iris/2026-11")


def test_tags_are_found_by_how_they_begin(root: Path) -> None:
    git = Git(root)
    for name in ("iris/2026-11", "iris/2026-11.2", "iris/2025-01", "irises/2026-11", "plain"):
        git.tag(name)
    assert git.tags("iris/") == ["iris/2025-01", "iris/2026-11", "iris/2026-11.2"]
    assert git.tags("iris/2026") == ["iris/2026-11", "iris/2026-11.2"]
    assert git.tags("nothing/") == []
    assert "plain" in git.tags("")


def test_earlier_contents_are_read_byte_for_byte(root: Path) -> None:
    (root / "binary").write_bytes(b"\0\n blob 3\nabc\n")
    made = Git(root).commit_paths([Path("binary")], "Binary")
    (root / "binary").write_bytes(b"")
    Git(root).commit_paths([Path("binary")], "Empty")
    assert Git(root).read(["HEAD~2", made or "", "nowhere", "HEAD"], Path("binary")) == [None, b"\0\n blob 3\nabc\n", None, b""]


def test_git_missing_says_what_to_install(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(OutsideError, match=r"git is not installed.*install it"):
        Git(root).head()
