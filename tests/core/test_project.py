from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.errors import UsageError
from shipway.core.project import lay_over, load

FILE = """
[project]
title = "A title"
[ingest.source]
kind = "files"
path = "a.csv"
[split]
seed = 0
test_share = 0.2
[variant.sql.ingest.source]
kind = "sql"
url = "$URL"
[variant.quick.split]
seed = 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project.toml").write_text(FILE)
    return tmp_path


def test_a_variant_is_laid_over_the_rest_and_another_kind_replaces_its_table_whole(folder: Path) -> None:
    assert load(folder, variant="quick").section("split") == {"seed": 1, "test_share": 0.2}
    assert load(folder, variant="sql").section("ingest") == {"source": {"kind": "sql", "url": "$URL"}}


def test_an_override_is_toml_or_a_text_and_goes_over_the_variant(folder: Path) -> None:
    loaded = load(folder, variant="quick", overrides=["split.seed=7", "tune.metric=roc_auc", "train.grid={a = [1, 2]}"])
    assert loaded.section("split")["seed"] == 7
    assert loaded.section("tune")["metric"] == "roc_auc"
    assert loaded.section("train")["grid"] == {"a": [1, 2]}


@pytest.mark.parametrize("text", ["split.seed", "seed=1", "=1", "split.=1"])
def test_an_override_of_another_shape_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"--set takes section\.key=value"):
        load(folder, overrides=[text])


def test_an_unknown_variant_names_the_nearest(folder: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'quick'"):
        load(folder, variant="quik")


def test_a_file_that_is_no_toml_is_named_with_the_place(folder: Path) -> None:
    (folder / "project.toml").write_text("[split\n")
    with pytest.raises(UsageError, match=r"project\.toml is not valid TOML: .*line 1"):
        load(folder)


@pytest.mark.parametrize("name", ["weird name (1)", "dots.in.it", "-x", "größe"])
def test_a_folder_whose_name_can_name_no_model_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "project.toml").write_text("")
    with pytest.raises(UsageError, match="a project's folder is its name"):
        load(tmp_path / name)


tables = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | st.integers(), max_size=3),
    max_leaves=8,
)


@given(tables, tables)
def test_laying_a_table_over_another_keeps_every_value_of_the_upper_one(
    below: dict[str, object], above: dict[str, object]
) -> None:
    merged = lay_over(below, above)
    assert lay_over(merged, above) == merged
    assert set(merged) == set(below) | set(above)


@given(tables)
def test_laying_a_table_over_itself_or_nothing_changes_nothing(table: dict[str, object]) -> None:
    assert lay_over(table, table) == table == lay_over(table, {}) == lay_over({}, table)
