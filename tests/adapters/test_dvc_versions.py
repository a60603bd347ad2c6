"""The DVC adapter, against the `dvc` command line, git and SIGKILL."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.adapters.dvc_versions import DvcVersions
from shipway.adapters.dvc_versions.cache import Cache, parts_of
from shipway.adapters.git import Git
from shipway.core.artifacts import DataVersion, Origin, Received
from shipway.core.errors import DataError, OutsideError, UsageError

NOVEMBER = datetime(2026, 11, 23, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def settings_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the user's, and DVC's own notes within the test's folder."""
    for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


class Place:
    """A workspace with one project, `iris`."""

    def __init__(self, root: Path, *, commit: bool = True) -> None:
        self.root = root
        self.git = Git(root)
        self.versions = DvcVersions(root, "iris", self.git, commit=commit, state=root / ".shipway", patience=0)

    def make(self) -> Place:
        self.root.mkdir()
        self.git.init()
        (self.root / ".gitignore").write_text("/.shipway/\n")
        self.git.commit_paths([self.root / ".gitignore", *DvcVersions.init(self.root)], "Make a workspace")
        return self

    def received(self, *contents: str) -> Received:
        folder = self.root / ".shipway" / "received" / "-".join(contents)
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(contents):
            (folder / f"part-{number:05}.parquet").write_text(content)
        (folder / "origin.json").write_text("{}")
        return Received(folder, Origin(source="a table", rows=len(contents), positions={"first": contents[0]}))

    def keep(self, *contents: str, now: datetime = NOVEMBER, period: str = "month", commit: bool | None = None) -> DataVersion:
        return self.versions.keep(self.received(*contents), period=period, now=now, commit=commit)

    def says(self, *command: str) -> str:
        command = (sys.executable, "-m", *command) if command[0] == "dvc" else command
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True).stdout

    @property
    def data(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted((self.root / "data" / "iris").iterdir())}

    @property
    def tags(self) -> list[str]:
        return self.says("git", "tag").split()

    @property
    def commits(self) -> list[str]:
        return self.says("git", "log", "--format=%s").splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "workspace").make()


def contents(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.iterdir())]


def test_a_version_is_named_committed_and_tagged_and_the_pointer_says_where_it_came_from(place: Place) -> None:
    version = place.keep("a", "b")
    assert version.name == "iris/2026-11"
    assert (version.path, version.origin.rows) == ("data/iris", 2)
    assert place.data == {"part-00000.parquet": "a", "part-00001.parquet": "b"}
    assert place.tags == ["iris/2026-11"]
    assert place.commits == ["Data version iris/2026-11", "Make a workspace"]
    assert place.says("git", "status", "--porcelain") == ""
    pointer = (place.root / "data" / "iris.dvc").read_text()
    assert f"- md5: {version.hash}\n" in pointer
    assert "meta:\n  source: a table\n  rows: 2\n  positions:\n    first: a\n  stand_in: false\n" in pointer


def test_a_pointer_with_a_merges_conflict_in_it_is_named_with_what_to_do(place: Place) -> None:
    place.keep("a")
    text = place.versions.pointer.read_text()
    place.versions.pointer.write_text(f"<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n")
    with pytest.raises(UsageError, match=r"iris\.dvc.*settle the conflict"):
        place.keep("b", commit=False)
    place.versions.pointer.unlink()
    assert place.keep("b", commit=False).name == "iris/2026-11.2"


def test_the_dvc_command_agrees_and_brings_an_older_version_back(place: Place) -> None:
    place.keep("a")
    place.keep("b", "c")
    assert "up to date" in place.says("dvc", "status")
    place.says("git", "checkout", "--quiet", "iris/2026-11")
    place.says("dvc", "checkout", "--quiet")
    assert place.data == {"part-00000.parquet": "a"}
    assert place.keep("b", "c").name == "iris/2026-11.2"
    assert "up to date" in place.says("dvc", "status")


def test_the_dvc_command_finds_the_workspace_as_it_would_have_made_it(tmp_path: Path) -> None:
    ours, theirs = Place(tmp_path / "ours").make(), Place(tmp_path / "theirs")
    theirs.root.mkdir()
    theirs.git.init()
    theirs.says("dvc", "init", "--quiet")
    assert (ours.root / ".dvc" / ".gitignore").read_text() == (theirs.root / ".dvc" / ".gitignore").read_text()
    assert ours.says("dvc", "config", "core.analytics").strip() == "false"
    assert DvcVersions.init(theirs.root) == [theirs.root / name for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore")]
    assert (theirs.root / ".dvc" / "config").read_text() == ""
    assert theirs.keep("a").name == "iris/2026-11"


def test_the_same_content_is_the_version_that_has_it(place: Place) -> None:
    first, second = place.keep("a"), place.keep("b")
    commits = place.commits
    pointer = (place.root / "data" / "iris.dvc").read_bytes()
    assert place.keep("b", now=DECEMBER) == second
    assert place.keep("a", now=DECEMBER) == first
    assert place.data == {"part-00000.parquet": "a"}
    assert place.versions.open(first) == place.root / "data" / "iris"
    assert place.keep("b", now=DECEMBER) == second
    assert (place.root / "data" / "iris.dvc").read_bytes() == pointer
    assert (place.commits, place.tags) == (commits, ["iris/2026-11", "iris/2026-11.2"])
    assert place.says("git", "status", "--porcelain") == ""


def test_versions_are_numbered_within_their_period(place: Place) -> None:
    names = [
        place.keep("a").name,
        place.keep("b").name,
        place.keep("c", now=DECEMBER).name,
        place.keep("d", period="year").name,
        place.keep("e", period="year").name,
        place.keep("f", period="day").name,
    ]
    assert names == ["iris/2026-11", "iris/2026-11.2", "iris/2026-12", "iris/2026", "iris/2026.2", "iris/2026-11-23"]


@given(st.lists(st.integers(1, 40), unique=True))
def test_the_next_name_is_free_and_above_all_that_are_taken(numbers: list[int]) -> None:
    taken = {"iris/2026-11" + (f".{number}" if number > 1 else "") for number in numbers} | {"iris/2026", "iris/2026-110"}
    versions = DvcVersions(Path("workspace"), "iris", Git(Path("workspace")), commit=False, state=Path("state"))
    assert versions._next_name("2026-11", taken) == "iris/2026-11" + (f".{max(numbers) + 1}" if numbers else "")


def test_a_name_that_a_tag_has_is_not_given_again(place: Place) -> None:
    place.git.tag("iris/2026-11.6")
    assert place.keep("a").name == "iris/2026-11.7"


def test_another_clone_knows_the_versions_by_their_tags(place: Place, tmp_path: Path) -> None:
    first, second = place.keep("a"), place.keep("b")
    place.says("git", "clone", "--quiet", str(place.root), str(tmp_path / "clone"))
    clone = Place(tmp_path / "clone")
    assert not clone.versions.holds(first)
    assert clone.keep("a") == first
    assert clone.keep("b") == second
    assert clone.tags == place.tags
    assert clone.keep("c").name == "iris/2026-11.3"


def test_where_commits_are_not_wanted_versions_are_kept_and_named_all_the_same(tmp_path: Path) -> None:
    place = Place(tmp_path / "workspace", commit=False).make()
    first, second = place.keep("a"), place.keep("b")
    assert (first.name, second.name) == ("iris/2026-11", "iris/2026-11.2")
    assert (place.tags, place.commits) == ([], ["Make a workspace"])
    assert contents(place.versions.open(first)) == ["a"]
    assert place.keep("b", commit=True) == second
    assert (place.tags, place.commits[0]) == (["iris/2026-11.2"], "Data version iris/2026-11.2")


def test_without_git_versions_are_kept_and_named_all_the_same(tmp_path: Path) -> None:
    place = Place(tmp_path / "workspace", commit=False)
    place.root.mkdir()
    DvcVersions.init(place.root)
    assert place.keep("a").name == "iris/2026-11"
    assert "up to date" in place.says("dvc", "status")
    with pytest.raises(UsageError, match="in no git repository"):
        place.keep("b", commit=True)


def test_what_the_user_has_staged_and_changed_stays_so(place: Place) -> None:
    (place.root / "staged").write_text("1")
    place.says("git", "add", "staged")
    (place.root / "staged").write_text("2")
    place.says("git", "config", "core.hooksPath", "nowhere")
    place.says("dvc", "config", "core.autostage", "true")
    before = place.says("git", "status", "--porcelain")
    place.keep("a")
    assert place.says("git", "status", "--porcelain") == before
    assert place.says("git", "show", "--name-only", "--format=").split() == ["data/.gitignore", "data/iris.dvc"]


def test_an_earlier_version_is_opened_from_the_cache_and_the_data_folder_stays(place: Place) -> None:
    first, second = place.keep("a", "b"), place.keep("c")
    assert contents(place.versions.open(first)) == ["a", "b"]
    assert place.versions.open(first) == place.versions.open(first)
    assert place.versions.open(second) == place.root / "data" / "iris"
    assert place.data == {"part-00000.parquet": "c"}


def test_a_data_folder_that_was_changed_is_not_taken_for_the_version(place: Place) -> None:
    version = place.keep("a")
    (place.root / "data" / "iris" / "part-00000.parquet").write_text("changed")
    assert contents(place.versions.open(version)) == ["a"]
    assert place.keep("a") == version
    assert place.data == {"part-00000.parquet": "a"}


def test_changing_the_data_folder_leaves_what_was_received_as_it_was(place: Place) -> None:
    received = place.received("a")
    place.versions.keep(received, period="month", now=NOVEMBER)
    with (place.root / "data" / "iris" / "part-00000.parquet").open("w") as file:
        file.write("changed")
    assert (received.folder / "part-00000.parquet").read_text() == "a"


@pytest.mark.parametrize("lost", ["part", "list"])
@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_lost_content_is_told_with_the_next_step_and_can_be_kept_again(place: Place, lost: str, how: str) -> None:
    first = place.keep("a")
    place.keep("b")
    assert place.versions.holds(first)
    cached = place.versions.cache
    path = cached.path(first.hash if lost == "list" else parts_of(place.received("a").folder)["part-00000.parquet"])
    path.chmod(0o644)
    path.unlink()
    if how == "damaged":
        path.write_text("[]")
    with pytest.raises(OutsideError, match=r"iris/2026-11: .* missing or damaged .* `dvc fetch --all-tags data/iris\.dvc`"):
        place.versions.open(first)
    assert not place.versions.holds(first)
    assert place.keep("a") == first
    assert contents(place.versions.open(first)) == ["a"]
    assert place.versions.holds(first)


def test_anything_but_a_data_version_is_held(place: Place) -> None:
    assert place.versions.holds(object())


def test_a_workspace_that_moved_goes_on(place: Place, tmp_path: Path) -> None:
    first = place.keep("a")
    place.keep("b")
    moved = Place(place.root.rename(tmp_path / "moved"))
    assert moved.versions.holds(first)
    assert contents(moved.versions.open(first)) == ["a"]
    assert moved.keep("a") == first
    assert moved.keep("c").name == "iris/2026-11.3"
    assert moved.says("git", "status", "--porcelain") == ""
    for file in [moved.root / "data" / "iris.dvc", moved.root / ".shipway" / "versions" / "iris.json"]:
        assert str(tmp_path) not in file.read_text()


def test_a_workspace_behind_a_link_is_the_same_workspace(place: Place, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(place.root)
    linked = Place(tmp_path / "link")
    version = linked.keep("a")
    assert place.keep("a") == version
    assert place.says("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("links", ["hardlink", "symlink"])
def test_a_cache_elsewhere_and_linked_works_as_well(place: Place, tmp_path: Path, links: str) -> None:
    (place.root / ".dvc" / "config.local").write_text(f"[cache]\n    dir = ../../cache\n    type = {links}\n")
    first, second = place.keep("a"), place.keep("b")
    assert Cache(place.root).folder.resolve() == tmp_path / "cache"
    assert place.versions.holds(first)
    assert contents(place.versions.open(first)) == ["a"]
    assert place.versions.open(second) == place.root / "data" / "iris"
    assert place.keep("b") == second


def test_files_that_are_not_shipways_in_the_data_folder_are_never_replaced(place: Place) -> None:
    (place.root / "data" / "iris").mkdir(parents=True)
    (place.root / "data" / "iris" / "iris.csv").write_text("mine")
    with pytest.raises(UsageError, match=r"iris\.csv is there: move it elsewhere"):
        place.keep("a")
    assert place.data == {"iris.csv": "mine"}


def test_nothing_is_touched_while_a_merge_waits(place: Place) -> None:
    place.keep("a")
    (place.root / ".git" / "MERGE_HEAD").write_text(f"{place.git.head()}\n")
    with pytest.raises(OutsideError, match=r"a merge is going on .* finish or abort it, then run again"):
        place.keep("b")
    assert place.data == {"part-00000.parquet": "a"}
    assert place.keep("b", commit=False).name == "iris/2026-11.2"


def test_nothing_received_is_an_error(place: Place) -> None:
    with pytest.raises(DataError, match="nothing to keep"):
        place.versions.keep(Received(place.root, Origin(source="nowhere", rows=0)), period="month", now=NOVEMBER)


def test_a_period_that_is_none_names_those_that_are(place: Place) -> None:
    with pytest.raises(UsageError, match="expected one of year, month, day, found 'week'"):
        place.keep("a", period="week")


def test_a_folder_that_is_no_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shipway init"):
        Place(tmp_path, commit=False).keep("a")


def test_a_pointer_that_git_ignores_is_an_error_of_dvcs_in_plain_words(place: Place) -> None:
    (place.root / ".gitignore").write_text("/.shipway/\n*.dvc\n")
    with pytest.raises(OutsideError, match=r"iris\.dvc"):
        place.keep("a")


def test_a_damaged_ledger_names_itself(place: Place) -> None:
    place.keep("a")
    ledger = place.root / ".shipway" / "versions" / "iris.json"
    ledger.write_text("[{")
    with pytest.raises(UsageError, match=r"iris\.json is damaged .* delete it"):
        place.keep("a")
    ledger.unlink()
    assert place.keep("a").name == "iris/2026-11"


def test_the_lock_of_another_dvc_is_named(place: Place) -> None:
    import zc.lockfile

    (place.root / ".dvc" / "tmp").mkdir()
    lock = zc.lockfile.LockFile(str(place.root / ".dvc" / "tmp" / "lock"))
    try:
        with pytest.raises(OutsideError, match="another DVC process holds the lock"):
            place.keep("a")
    finally:
        lock.close()
    assert place.keep("a").name == "iris/2026-11"


def test_it_is_silent_and_an_unchanged_run_imports_no_dvc(place: Place) -> None:
    (version,) = [place.keep("a")]
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_dvc_versions import Place, Path
place = Place(Path({str(place.root)!r}))
if sys.argv[1] == "keep":
    place.keep("b")
else:
    version = place.versions._listed()[0]
    assert place.keep("a") == version and place.versions.holds(version) and place.versions.open(version)
    assert "dvc" not in sys.modules
"""
    for what in ("hold", "keep"):
        done = subprocess.run([sys.executable, "-c", script, what], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert version.name == "iris/2026-11"


KILL_STRIDE = 8  # 1 kills before every change, and takes a minute
CHANGES = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.truncate",
    "subprocess.Popen",
}


def die_before_change(number: int) -> None:
    """Have this process killed just before it changes something on disk, or starts git, for the *number*th time."""
    left = number

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        written = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if event in CHANGES or written:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def in_child(work: Callable[[], object]) -> int:
    """Run *work* in a fork of this process; its exit code, or less than 0 for the signal that killed it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def check_what_came_of_it(place: Place, before: list[str], now: str) -> None:
    """After a kill `keep` runs again, a month later, and all is as if it had run once."""
    version = place.keep(now, now=DECEMBER)
    assert place.data == {"part-00000.parquet": now}, place.data
    assert place.versions.open(version) == place.root / "data" / "iris"
    new = [] if now in before else [version.name]
    assert len(place.tags) == len(before) + len(new), place.tags
    assert version.name in place.tags
    assert place.commits.count("Make a workspace") == 1
    assert len([subject for subject in place.commits if subject.startswith("Data version")]) == len(place.tags), place.commits
    assert place.says("git", "show", f"{version.name}:data/iris.dvc") == (place.root / "data" / "iris.dvc").read_text()
    ledger = json.loads((place.root / ".shipway" / "versions" / "iris.json").read_text())
    assert sorted(entry["name"] for entry in ledger) == sorted(place.tags)
    changed = "" if not before or now != before[0] or len(before) == 1 else " M data/iris.dvc\n"
    assert place.says("git", "status", "--porcelain") == f"{changed}?? mine\n", place.says("git", "status", "--porcelain")
    for entry, content in zip(ledger, before, strict=False):
        earlier = place.versions.open(DataVersion(**{**entry, "origin": Origin(**entry["origin"])}))
        assert contents(earlier) == [content]
    assert place.keep(now, now=DECEMBER) == version

    from dvc.repo import Repo

    assert Repo(str(place.root)).status() == {}


def kill_everywhere(folder: Path, before: list[str], now: str, stride: int) -> int:
    """Kill `keep` before each change that it makes (each *stride*th), and check what comes of running it again."""
    Place(folder / "warm").make().keep("so that DVC is imported before each fork and not after")
    base = Place(folder / "base").make()
    (base.root / "mine").write_text("not Shipway's")
    for content in before:
        base.keep(content)
    base.received(now)
    number = 1
    while True:
        place = Place(folder / f"killed-{number}")
        shutil.copytree(base.root, place.root, symlinks=True)

        def killed(place: Place = place, number: int = number) -> None:
            die_before_change(number)
            place.keep(now)

        ended = in_child(killed)
        checked = in_child(lambda place=place: check_what_came_of_it(place, before, now))  # type: ignore[misc]
        if ended not in (0, -signal.SIGKILL) or checked != 0:
            raise SystemExit(f"killed before change {number}: ended with {ended}, checked with {checked}")
        if ended == 0:
            return number
        shutil.rmtree(place.root)
        number += stride


@pytest.mark.parametrize("before", [[], ["a"], ["b", "a"]], ids=["first", "second", "back"])
def test_killed_before_any_change_it_finishes_when_run_again(tmp_path: Path, before: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), json.dumps(before), "b", str(KILL_STRIDE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10, "too few changes to have been counted"


if __name__ == "__main__":
    print(kill_everywhere(Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3], int(sys.argv[4])))  # noqa: T201
