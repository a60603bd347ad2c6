"""The schemas that editors complete and check project.toml and contract.toml by."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shipway import beginning, schemas, wiring
from shipway.core import file_schemas, plugins
from shipway.core.project import FREE_SECTIONS
from shipway.steps import LIFECYCLE
from tests.steps.said import Said

ROOT = Path(__file__).parents[1]
PROJECTS = sorted(path.parent.name for path in (ROOT / "projects").glob("*/project.toml"))
VISITS = {"target": "back", "columns": {"pages": {"type": "integer"}, "back": {"type": "category", "levels": ["no", "yes"]}}}


@pytest.fixture(scope="module")
def generated() -> dict[str, Any]:
    return schemas.generate(LIFECYCLE, wiring.SOURCES, wiring.SOURCE_CONTEXT)


def fits(schema: dict[str, Any], document: Any) -> bool:
    jsonschema.Draft7Validator.check_schema(schema)
    return bool(jsonschema.Draft7Validator(schema).is_valid(document))


@pytest.mark.parametrize("file", ["project", "contract"])
def test_the_schemas_of_this_repository_are_those_that_the_code_makes(generated: dict[str, Any], file: str) -> None:
    kept = json.loads((ROOT / "schemas" / f"{file}.json").read_text())
    assert kept == generated[file], "make schemas writes them anew"


@pytest.mark.parametrize("file", ["project", "contract"])
@pytest.mark.parametrize("project", PROJECTS)
def test_the_case_studies_fit_the_schema_that_their_first_line_names(generated: dict[str, Any], project: str, file: str) -> None:
    path = ROOT / "projects" / project / f"{file}.toml"
    first, _, _ = path.read_text().partition("\n")
    assert first == file_schemas.directive(file)
    assert (path.parent / first.removeprefix("#:schema ")).resolve() == ROOT / "schemas" / f"{file}.json"
    assert fits(generated[file], tomllib.loads(path.read_text()))


def test_the_examples_of_the_reference_fit(generated: dict[str, Any]) -> None:
    page = (ROOT / "docs/project-file.md").read_text()
    examples = re.findall(r"```toml\n# projects/\S+/(\w+)\.toml\n(.*?)```", page, re.DOTALL)
    assert {file for file, _ in examples} == {"project", "contract"}
    assert all(fits(generated[file], tomllib.loads(text)) for file, text in examples)


@pytest.mark.parametrize(
    "text",
    [
        "[chekc]\nmax_bad_share = 0.1",
        "[check]\nmax_bad_shar = 0.1",
        "[check]\nmax_bad_share = '5 %'",
        "[clean]\nduplicates = 'remove'",
        "[tune.candidates.trees]\nparams = {}",
        "[tune.candidates.trees]\nestimator = 'a.B'\ngird = {}",
        "[train]\nthreshold = 'best'",
        "[train]\nthreshold = { false_positive = 1 }",
        "[validate.gates]\nroc_auc = { at_leest = 0.8 }",
        "[prepare]\ncast = { age = 'int' }",
        "[ingest.source]\nkind = 'files'",
        "[ingest.source]\nkind = 'files'\npath = 5",
        "[ingest.source]\nkind = 'dataset'\nname = 'iris'\nstand_in = true",
        "[ingest.source]\npath = 'a.csv'",
        "[variant.small.split]\ntest_size = 0.1",
        "[project]\ntitle = 5",
        "[serve.journal]\nwhen_away = 'ignore'",
        "[serve.journal]\nkeep = '3 months'",
        "[serve.journal]\ncolums = []",
    ],
)
def test_a_typical_mistake_in_a_project_file_does_not_fit(generated: dict[str, Any], text: str) -> None:
    assert not fits(generated["project"], tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[train]\nthreshold = 0.3",
        "[train]\nthreshold = { false_positive = 1, false_negative = 5 }",
        "[ingest.source]\nkind = 'telegraph'\nline = 3",
        "[variant.small.tune.candidates.trees]\ngrid = { C = [1] }",
        "[variant.other.ingest.source]\npath = 'b.csv'",
        "[serve.journal]\nkeep = '90d'\nhash = ['a']\ndurable = true",
    ],
)
def test_what_a_project_file_may_say_fits(generated: dict[str, Any], text: str) -> None:
    assert fits(generated["project"], tomllib.loads(text))


@pytest.mark.parametrize(
    "change",
    [{"targt": "back"}, {"key": "visit"}, {"columns": {"a": {}}}, {"columns": {"a": {"type": "int"}}}, {"positive": 1.5}]
    + [
        {"columns": {"a": {"type": "text", rule: value}}}
        for rule, value in {"nullabel": True, "missing": "", "role": "key"}.items()
    ],
)
def test_a_typical_mistake_in_a_contract_does_not_fit(generated: dict[str, Any], change: dict[str, Any]) -> None:
    assert fits(generated["contract"], VISITS)
    assert not fits(generated["contract"], VISITS | change)


def test_every_section_and_setting_says_what_it_is_for(generated: dict[str, Any]) -> None:
    sections = generated["project"]["properties"]
    told = {name: section for name, section in sections.items() if section.get("properties")}
    assert set(told) >= {step.name for step in LIFECYCLE if step.name not in ("compile",)} - set(FREE_SECTIONS)
    column = generated["contract"]["properties"]["columns"]["additionalProperties"]
    for name, section in {**told, "contract": generated["contract"], "column": column}.items():
        silent = [key for key, schema in section["properties"].items() if not schema.get("description")]
        assert not silent, f"{name}: {silent} need a line under Args or Attributes"


def test_the_keys_of_each_kind_of_source_are_those_that_its_adapter_takes(generated: dict[str, Any]) -> None:
    kinds = generated["project"]["properties"]["ingest"]["properties"]["source"]["anyOf"][:-1]
    assert [schema["properties"]["kind"]["enum"] for schema in kinds] == [[kind] for kind in wiring.SOURCES]
    for kind, schema in zip(wiring.SOURCES, kinds, strict=True):
        adapter = plugins.find("shipway.sources", kind, wiring.SOURCES)
        for key in set(schema["properties"]) - {"kind"}:
            assert schema["properties"][key].keys() & {"type", "anyOf"}, f"{adapter}: {key}"


def test_a_workspace_gets_the_schemas_and_an_older_one_is_renewed(tmp_path: Path, generated: dict[str, Any]) -> None:
    place = wiring.create_workspace(tmp_path, examples=False)
    file = place.root / "schemas/contract.json"
    file.write_text(json.dumps({"title": generated["contract"]["title"], "type": "object"}))
    wiring.create_workspace(tmp_path, examples=False)
    assert json.loads(file.read_text()) == generated["contract"]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's workspace with the case studies, and with a project that `new` wrote."""
    root = tmp_path_factory.mktemp("a stranger's")
    wiring.create_workspace(root, examples=True)
    (root / "visits.csv").write_text(
        "pages;device;back\n" + "".join(f"{n},5;{'ab'[n % 2]};{'yn'[n % 3 == 0]}\n" for n in range(60))
    )
    beginning.begin(root / "visits.csv", "back", start=root, name=None, progress=Said())
    return root


def lint(taplo: str, *files: Path) -> subprocess.CompletedProcess[str]:
    """What the engine of the editors' extension says of files, without a network."""
    offline = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return subprocess.run(
        [taplo, "lint", *files], cwd=files[0].parent, env=os.environ | offline, capture_output=True, text=True, check=False
    )


def test_taplo_finds_nothing_wrong_with_the_files_of_a_workspace(begun: Path, needs: Callable[[str], str]) -> None:
    files = sorted((begun / "projects").glob("*/*.toml"))
    assert len(files) == 8
    done = lint(needs("taplo"), *files)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("project", "[split]\ntest_sahre = 0.1\n", "'test_sahre' was unexpected"),
        ("project", '[split]\ntest_share = "much"\n', '"much" is not of type "number"'),
        ("project", '[preprocess.columns.pages]\nmissin = "mean"\n', "'missin' was unexpected"),
        ("contract", '[columns.more]\ntype = "int"\n', '"int" is not one of'),
        ("contract", "[columns.more]\nnulable = true\n", "'nulable' was unexpected"),
    ],
)
def test_taplo_flags_a_mistake_in_a_file_that_new_wrote(
    begun: Path, needs: Callable[[str], str], file: str, text: str, fault: str
) -> None:
    taplo = needs("taplo")
    wrong = begun / f"projects/visits/wrong_{file}.toml"
    wrong.write_text(f"{(begun / f'projects/visits/{file}.toml').read_text()}\n{text}")
    done = lint(taplo, wrong)
    wrong.unlink()
    assert done.returncode == 1
    assert fault in done.stderr


def test_a_file_of_that_name_that_is_somebody_elses_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/project.json").write_text('{"title": "Our projects"}')
    assert [file.name for file in wiring.write_schemas(tmp_path)] == ["contract.json"]
    assert (tmp_path / "schemas/project.json").read_text() == '{"title": "Our projects"}'
