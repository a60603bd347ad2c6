"""What the documents say is run, and held against the code."""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars
import pytest

from shipway import offers, operating
from shipway.cli import app
from shipway.cli.serve import serve
from shipway.core import project
from shipway.core import serve as serve_section
from shipway.core.contract import Column
from shipway.core.journal.keeping import Keeping
from shipway.core.plan import INJECTED
from shipway.core.project import FREE_SECTIONS
from shipway.core.serve import Serve
from shipway.core.step import Step
from shipway.core.workspace import Workspace
from shipway.preflight import Setup
from shipway.serving.app import create_app
from shipway.settings import VARIABLES
from shipway.steps import LIFECYCLE
from tests.serving.served import serving

from .conftest import CaseStudy, alone, shipway

ROOT = Path(__file__).parents[1]


def test_the_readmes_python_runs(case_study: Callable[[str], CaseStudy], monkeypatch: pytest.MonkeyPatch) -> None:
    study = case_study("iris")
    monkeypatch.chdir(study.workspace)
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    with alone(study.workspace.parent / "iris.lock"):
        exec(example, names)
    assert repr(names["run"]).startswith("<run of iris")


def test_the_references_own_table_goes_to_a_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shipway("init", "workspace", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    page = (ROOT / "docs/project-file.md").read_text()
    for name, text in re.findall(r"```toml\n# (projects/\S+)\n(.*?)```", page, re.DOTALL):
        (tmp_path / "workspace" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "workspace" / name).write_text(text)
    draw = random.Random(0)
    lines = ["visit,pages,minutes,device,came_back"]
    for number in range(400):
        pages, device = draw.randrange(20), draw.choice(["phone", "desk"])
        minutes = "?" if number % 9 == 0 else f"{pages * 1.5 + draw.random():.2f}"
        lines.append(f"v{number},{pages},{minutes},{device},{'yes' if pages + draw.gauss(0, 3) > 9 else 'no'}")
    (tmp_path / "workspace/projects/visits/visits.csv").write_text("\n".join(lines))
    done = shipway("run", "visits", "--json", cwd=tmp_path / "workspace")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["alias"], report["quarantined"]) == ("champion", 0)
    assert report["metrics"]["roc_auc"]["low"] > 0.8
    monkeypatch.chdir(tmp_path / "workspace")
    commands = re.findall(r"^shipway (contract .*?|quarantine .*?)(?:  +#.*)?$", page, re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        assert not app.main(command.split(), standalone_mode=False), command


def test_the_page_on_the_journal_does_what_it_says(
    case_study: Callable[[str], CaseStudy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/journal.md").read_text()
    place = Workspace(case_study("iris").workspace)
    monkeypatch.setenv("SHIPWAY_JOURNAL", "")
    journalling = offers.journalling(place, ["iris"])
    names: dict[str, Any] = {}
    with serving(create_app(offers.releases(place, ["iris"]), journal=journalling)) as client:
        for example in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
            exec(example.replace("http://127.0.0.1:8000", str(client.base_url).rstrip("/")), names)
        ready = client.get("/health/ready").json()
    answers = [json.loads(text) for text in re.findall(r"^# (\{.*\})$", page, re.MULTILINE)]
    assert [names["first"], names["second"]] == answers
    (shown,) = re.findall(r"```json\n(.*?)\n```", page)
    assert {key: value.keys() for key, value in json.loads(shown).items() if isinstance(value, dict)} == {
        key: value.keys() for key, value in ready.items() if isinstance(value, dict)
    }
    (commands,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(place.root)
    for command in commands.replace("iris.parquet", str(tmp_path / "iris.parquet")).splitlines():
        assert not app.main(command.split()[1:], standalone_mode=False), command
    rows = polars.read_parquet(tmp_path / "iris.parquet").filter(polars.col("_id") == names["told"]["id"])
    assert rows["_true_label"].to_list() == ["Iris-virginica"]

    ((name, text),) = re.findall(r"```toml\n# (\S+)\n(.*?)```", page, re.DOTALL)
    folder = tmp_path / "iris"
    folder.mkdir()
    (folder / "contract.toml").write_bytes((place.root / name).with_name("contract.toml").read_bytes())
    (folder / "project.toml").write_text(text)
    assert set(tomllib.loads(text)["serve"]["journal"]) == {*Keeping.__struct_fields__} - {"enabled"}
    assert serve_section.of(project.load(folder)).journal.durable


def test_the_page_on_serving_does_what_it_says(
    own_iris: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(own_iris.projects / "unrun")
    page = (ROOT / "docs/serving.md").read_text()
    monkeypatch.chdir(own_iris.root)
    names: dict[str, Any] = {}
    with serving(operating.application(own_iris, offers.releases(own_iris, ["iris"]), Setup())) as client:
        for kind, text in re.findall(r"```(sh|python)\n(.*?)```", page, re.DOTALL):
            if kind == "python":
                while client.get("/iris").status_code == 200:
                    pass  # the keys are not in force yet
                exec(text.replace("http://127.0.0.1:8000", str(client.base_url).rstrip("/")), names)
                continue
            for line in text.splitlines():
                command, _, out = line.partition(" > ")
                words = shlex.split(command)[1:]
                if words[0] == "serve" and "--check" not in words:
                    serve.make_context("serve", words[1:])
                    continue
                capsys.readouterr()
                assert not app.main(words, standalone_mode=False), line
                said = capsys.readouterr().out
                if out:
                    Path(out).write_text(said)
                if words[0] == "serve":
                    shown = page[page.index("project  version") :].partition("\n```")[0]
                    said = re.sub(r"iris/[\d-]+", "iris/2026-11", said.replace(f"{own_iris.root}/", ""))
                    assert said.splitlines() == shown.splitlines()
    told = re.findall(r"^# (\d{3})$", page, re.MULTILINE)
    assert [str(names[name]) for name in ("first", "second", "third")] == told


@pytest.mark.parametrize("step", LIFECYCLE, ids=lambda step: step.name)
def test_the_reference_names_every_setting_of_a_step_and_no_other(step: Step[..., Any]) -> None:
    page = (ROOT / "docs/project-file.md").read_text()
    section = re.search(rf"### \[{step.name}\]\n(.*?)(?=\n##|\Z)", page, re.DOTALL)
    keys = re.findall(r"^\| `(\w+)", section.group(1), re.MULTILINE) if section else []
    injected = {name for name in step.parameters if step.annotations[name] in INJECTED}
    assert set(keys) == {*step.parameters} - injected - {*FREE_SECTIONS}


def test_the_reference_names_every_key_of_how_a_project_is_served() -> None:
    page = (ROOT / "docs/project-file.md").read_text()
    (section,) = re.findall(r"### \[serve\]\n(.*?)(?=\n##)", page, re.DOTALL)
    assert {*re.findall(r"^\| `(\w+)", section, re.MULTILINE)} == {*Serve.__struct_fields__} - {"journal"}
    (section,) = re.findall(r"### \[serve\.journal\]\n(.*?)(?=\n##)", page, re.DOTALL)
    assert re.findall(r"^\| `(\w+)", section, re.MULTILINE) == [*Keeping.__struct_fields__]


def test_the_reference_names_every_key_of_a_column_and_every_setting_of_a_workspace() -> None:
    page = (ROOT / "docs/project-file.md").read_text()
    for name in [*Column.__struct_fields__, *VARIABLES, *VARIABLES.values()]:
        assert f"`{name}`" in page, name
