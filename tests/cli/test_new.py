"""`shipway new`: from a bare table to an answering endpoint, in an empty folder, in a workspace, in somebody's repository."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import shipway

from shipway.beginning import resolve
from shipway.core.errors import UsageError

LOADING = 503
HEADER = ["class", "size (cm)", "price.€", "[code]", "first seen", "weight ½", "id"]


def table(path: Path, *, rows: int = 300, separator: str = ";", encoding: str = "cp1252", header: bool = True) -> list[str]:
    """A messy table: odd names, decimal commas, days before months, marks for missing values. Gives its first row."""
    draw = random.Random(0)
    lines = []
    for number in range(rows):
        size = draw.gauss(20, 5)
        lines.append(
            [
                draw.choice(["Käse", "Brot", "Wurst"]),
                f"{size:.2f}".replace(".", ","),
                "?" if number % 11 == 0 else f"{draw.uniform(1, 9):.2f}".replace(".", ","),
                draw.choice(["a", "b"]),
                f"{draw.randint(1, 28):02}.{draw.randint(1, 12):02}.20{draw.randint(10, 24)}",
                draw.choice(["light", "heavy", ""]),
                f"K-{number:05}",
                "ja" if size + draw.gauss(0, 3) > 20 else "nein",
            ]
        )
    names = [*HEADER, "answer"]
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=separator).writerows([names, *lines] if header else lines)
    return lines[0]


def report(folder: Path, name: str) -> Any:
    done = shipway("run", name, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def goods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that was empty but for a messy table, which was served at once: what the first row got is in `answer.json`."""
    folder = tmp_path_factory.mktemp("goods")
    record = dict(zip([*HEADER, "answer"], table(folder / "goods in.csv"), strict=True))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "shipway", "new", "goods in.csv", "--target", "answer", "--serve", "--port", str(port)]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            answer = _ask(f"http://127.0.0.1:{port}/goods_in/predict", record, process, log.name)
        finally:
            process.send_signal(signal.SIGTERM)
    (folder / "answer.json").write_text(json.dumps(answer))
    return folder


def test_a_messy_table_in_an_empty_folder_runs_without_edits(goods: Path) -> None:
    found = report(goods, "goods_in")
    assert {step["state"] for step in found["steps"]} == {"cached"}
    assert (found["alias"], found["quarantined"]) == ("champion", 0)
    assert found["metrics"]["roc_auc"]["value"] > 0.8


def test_each_guess_is_written_down_with_its_reason(tmp_path: Path) -> None:
    table(tmp_path / "goods.csv")
    made = shipway("new", "goods.csv", "--target", "-1", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "Next: shipway run goods" in made.stdout
    project = (tmp_path / "projects/goods/project.toml").read_text()
    contract = (tmp_path / "projects/goods/contract.toml").read_text()
    assert 'separator = ";"   # ' in project
    assert 'decimal = ","' in contract and 'format = "%d.%m.%Y"' in contract and '"?"' in contract
    assert contract.count("#") > len(HEADER)


def test_in_somebodys_repository_nothing_is_committed_or_tagged(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "theirs.txt").write_text("mine")
    table(tmp_path / "goods.csv")
    assert shipway("new", "goods.csv", "--target", "answer", cwd=tmp_path).returncode == 0
    report(tmp_path, "goods")
    said = subprocess.run(["git", "log", "--oneline", "--all"], cwd=tmp_path, capture_output=True, text=True, check=False)
    tags = subprocess.run(["git", "tag"], cwd=tmp_path, capture_output=True, text=True, check=True)
    staged = subprocess.run(["git", "diff", "--cached", "--name-only"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (said.stdout, tags.stdout, staged.stdout) == ("", "", "")
    assert (tmp_path / "theirs.txt").read_text() == "mine"


def test_a_workspace_gets_one_more_project_and_commits_it(tmp_path: Path) -> None:
    assert shipway("init", "place", cwd=tmp_path).returncode == 0
    table(tmp_path / "place/goods.csv")
    assert shipway("new", "goods.csv", "--target", "answer", "--name", "cheese", cwd=tmp_path / "place").returncode == 0
    said = subprocess.run(
        ["git", "status", "--porcelain", "projects"], cwd=tmp_path / "place", capture_output=True, text=True, check=True
    )
    assert said.stdout == ""
    again = shipway("new", "goods.csv", "--target", "answer", "--name", "cheese", cwd=tmp_path / "place")
    assert again.returncode == 2
    assert "already" in again.stderr


def test_serve_answers_an_unmodified_row_of_the_file(goods: Path) -> None:
    answer = json.loads((goods / "answer.json").read_text())
    assert answer["predictions"][0]["label"] in ("ja", "nein")
    assert re.search(r"curl -s http://127\.0\.0\.1:\d+/goods_in/predict", (goods / "log").read_text())


def _ask(url: str, record: dict[str, str], process: subprocess.Popen[bytes], log: str) -> Any:
    request = urllib.request.Request(url, json.dumps(record).encode(), {"Content-Type": "application/json"})
    until = time.monotonic() + 300
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code != LOADING:
                pytest.fail(error.read().decode())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    pytest.fail(Path(log).read_text())


def test_a_table_without_names_gets_numbered_ones(tmp_path: Path) -> None:
    table(tmp_path / "goods.csv", header=False, separator="\t", encoding="utf-16")
    made = shipway("new", "goods.csv", "--target", "-1", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "[columns.column_2]" in (tmp_path / "projects/goods/contract.toml").read_text()
    assert report(tmp_path, "goods")["quarantined"] == 0


def test_rows_without_a_class_are_set_apart_however_many_they_are(tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [(draw.gauss(0, 1), place) for place in range(300)]
    lines = [f"{x:.3f},{'' if place % 4 == 0 else 'yes' if x + draw.gauss(0, 1) > 0 else 'no'}" for x, place in rows]
    (tmp_path / "gaps.csv").write_text("\n".join(["x,y", *lines]))
    assert shipway("new", "gaps.csv", "--target", "y", cwd=tmp_path).returncode == 0
    assert "75 of 300 rows have no class" in (tmp_path / "projects/gaps/project.toml").read_text()
    done = shipway("run", "gaps", "--to", "check", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["quarantined"] == 75


def test_rows_that_are_equal_by_chance_are_kept_and_spread(tmp_path: Path) -> None:
    draw = random.Random(0)
    lines = [f"{draw.choice('abc')},{draw.choice('xy')},{draw.choice(('yes', 'no'))}" for _ in range(300)]
    (tmp_path / "people.csv").write_text("\n".join(["cabin,sex,saved", *lines]))
    assert shipway("new", "people.csv", "--target", "saved", cwd=tmp_path).returncode == 0
    known = tomllib.loads((tmp_path / "projects/people/project.toml").read_text())
    assert (known["clean"], known["split"]) == ({"duplicates": "keep"}, {"twins": "spread"})
    done = shipway("run", "people", "--to", "split", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


REFUSED = {
    "numeric.csv": ("x,y\n" + "".join(f"{n},{n * 1.37:.2f}\n" for n in range(200)), "y", 2, "class"),
    "one-class.csv": ("x,y\n" + "".join(f"{n},yes\n" for n in range(50)), "y", 2, "one"),
    "empty.csv": ("", "y", 3, "empty"),
    "names-only.csv": ("x,y\n", "y", 3, "no rows"),
    "no-column.csv": ("x,y\n" + "1,a\n2,b\n" * 20, "z", 2, "did you mean"),
    "far.csv": ("x,y\n" + "1,a\n2,b\n" * 20, "7", 2, "place"),
    "groups.csv": ("group A,,group B\nx,z,y\n" + "1,a,no\n2,b,yes\n" * 20, "y", 2, "its row 1 has such a cell"),
    "page.csv": ("<!DOCTYPE html><html><body>404</body></html>", "y", 3, "web page"),
}


@pytest.mark.parametrize("file", REFUSED)
def test_what_can_not_be_learned_is_refused_in_one_sentence_and_leaves_nothing(tmp_path: Path, file: str) -> None:
    text, target, code, words = REFUSED[file]
    (tmp_path / file).write_text(text)
    made = shipway("new", file, "--target", target, cwd=tmp_path)
    assert made.returncode == code, made.stderr
    assert words in made.stderr
    assert len(made.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_a_file_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "goods.csv").write_text("x,y\n1,a\n")
    made = shipway("new", "good.csv", "--target", "y", cwd=tmp_path)
    assert made.returncode == 2
    assert "did you mean 'goods.csv'?" in made.stderr


def test_a_pipe_is_refused_with_the_next_step(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    made = shipway("new", "pipe.csv", "--target", "y", cwd=tmp_path)
    assert (made.returncode, "save what comes out of it as a file" in made.stderr) == (2, True)


def test_a_target_is_found_by_name_before_place() -> None:
    assert resolve("1", ["a", "b", "1"]) == "1"
    assert resolve("-1", ["a", "b"]) == "b"
    assert resolve("0", ["a", "b"]) == "a"
    assert resolve("CHURN ", ["a", "churn"]) == "churn"
    with pytest.raises(UsageError, match="place 2"):
        resolve("2", ["a", "b"])
