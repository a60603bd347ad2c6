from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy
import pytest
from mlflow_garden import PROJECT, Made, Place

from shipway.core.artifacts import Origin
from shipway.core.errors import OutsideError
from shipway.core.models import Bundle, Model, Release

CALLS = (
    "create_run",
    "create_logged_model",
    "log_model_artifacts",
    "finalize_logged_model",
    "log_outputs",
    "create_registered_model",
    "create_model_version",
    "set_registered_model_alias",
)
"""The writes of `register`, in order."""


def versions(place: Place) -> list[tuple[str, list[str]]]:
    client = place.store.open()
    found = sorted(client.search_model_versions(f"name = '{PROJECT}'"), key=lambda version: int(version.version))
    return [(str(one.version), client.get_model_version(PROJECT, one.version).aliases) for one in found]


@pytest.fixture
def copied(registered: Place, tmp_path: Path) -> Place:
    """A copy of the store with one champion, to be written to."""
    shutil.copyfile(registered.root / "mlflow.db", tmp_path / "mlflow.db")
    shutil.copytree(registered.root / "mlartifacts", tmp_path / "mlartifacts")
    return replace(registered, root=tmp_path)


def test_a_copied_workspace_reads_and_writes_its_own_files(registered: Place, copied: Place, made: Made):
    before = sorted(registered.root.rglob("*"))
    assert copied.registry().export(copied.root / "bundles") is not None
    copied.register(made, "key-2")
    client = copied.store.open()
    for version in client.search_model_versions(f"name = '{PROJECT}'"):
        assert Path(client.get_model_version_download_uri(PROJECT, version.version)).is_relative_to(copied.root)
    assert sorted(registered.root.rglob("*")) == before


def test_a_version_whose_files_are_gone_does_not_count_and_is_made_anew(copied: Place, made: Made):
    first = copied.register(made)
    assert copied.registry("key-1").holds(first)
    shutil.rmtree(copied.root / "mlartifacts")
    assert not copied.registry("key-1").holds(first)
    with pytest.raises(OutsideError, match="the files of version 1 of model garden are gone"):
        copied.registry().export(copied.root / "bundles")
    second = copied.register(made)
    assert (second.version, copied.registry("key-1").holds(second)) == ("2", True)


def test_a_version_tells_its_lineage(registered, made):
    tags = registered.store.open().get_model_version_by_alias(PROJECT, "champion").tags
    expected = {
        "shipway.data_version": "garden/2026-11",
        "shipway.data_hash": "0a1b2c3d.dir",
        "shipway.stand_in": "false",
        "shipway.passed": "true",
        "shipway.contract_hash": made.model.card.contract.fingerprint(),
        "shipway.bundle_digest": made.bundle.digest,
        "shipway.model_key": "key-1",
        "shipway.judged_against": "champion=none",
    }
    assert expected.items() <= tags.items()
    assert json.loads(tags["shipway.metrics"])["roc_auc"] == {"value": 0.97, "low": 0.9, "high": 1.0}


def test_the_same_content_again_is_the_same_version(copied, made):
    again = copied.register(made, passed=False)
    assert (again.version, again.alias) == ("1", "champion")
    assert versions(copied) == [("1", ["champion"])]
    assert copied.store.open().get_model_version(PROJECT, "1").tags["shipway.passed"] == "false"


def test_another_model_is_the_next_version_and_takes_the_alias(copied, made):
    assert copied.register(made, "key-2", champion="1").version == "2"
    assert versions(copied) == [("1", []), ("2", ["champion"])]


def test_a_challenger_leaves_the_champion_in_place_and_may_rise(copied, made):
    copied.register(made, "key-2", alias="challenger", champion="1")
    assert versions(copied) == [("1", ["champion"]), ("2", ["challenger"])]
    copied.register(made, "key-2", champion="1")
    assert versions(copied) == [("1", []), ("2", ["champion"])]


def test_the_fingerprint_names_the_champion_that_a_model_is_judged_against(copied, made):
    assert copied.registry("key-2").fingerprint() == "champion=1"
    before = copied.registry("key-2").fingerprint()
    copied.register(made, "key-2", champion="1")
    assert copied.registry("key-2").fingerprint() == before
    assert copied.registry("key-3").fingerprint() == "champion=2"


def test_without_a_store_there_is_no_champion(place):
    assert place.registry("key").fingerprint() == "champion=none"
    assert place.registry("key").champion() is None
    assert place.registry().export(place.root / "bundles") is None
    assert not list(place.root.iterdir())


def test_a_database_that_is_none_is_named(place):
    (place.root / "mlflow.db").write_text("not a database, but long enough to be told from an empty one" * 20)
    with pytest.raises(OutsideError, match=r"mlflow\.db can't be read"):
        place.registry("key").fingerprint()


def test_the_champion_answers_as_the_model_did(registered, made):
    version, model = registered.registry("key-2").champion()
    assert version == "1"
    assert numpy.array_equal(model.probabilities(made.rows), made.model.probabilities(made.rows))


def test_a_model_is_not_compared_with_itself(registered):
    assert registered.registry("key-1").champion() is None


def test_a_version_is_held_while_it_and_its_alias_are_there(copied, made):
    one = copied.register(made)
    registry = copied.registry()
    assert registry.holds(one)
    copied.register(made, "key-2", champion="1")
    assert registry.holds(one)
    copied.store.open().delete_registered_model_alias(PROJECT, "champion")
    assert not registry.holds(one)
    copied.store.open().set_registered_model_alias(PROJECT, "champion", "2")
    copied.store.open().delete_model_version(PROJECT, "1")
    assert not registry.holds(one)


def test_a_deleted_model_is_registered_anew(copied, made):
    copied.store.open().delete_model_version(PROJECT, "1")
    assert copied.registry().fingerprint() == "champion=none"
    assert copied.register(made).version == "2"


def test_a_pickle_is_kept_with_the_run_where_it_is_asked_for(copied, made):
    copied.register(made, "key-2", pickle=True)
    client = copied.store.open()
    run = client.search_runs([client.get_experiment_by_name(PROJECT).experiment_id], order_by=["attributes.start_time DESC"])[0]
    assert [file.path for file in client.list_artifacts(run.info.run_id, "pickle")] == ["pickle/pipeline.pkl"]


def test_stand_in_data_is_said_in_the_description(copied, made):
    stand_in = msgspec.structs.replace(made.data_version, origin=Origin(source="dataset", rows=60, stand_in=True))
    version = copied.register(replace(made, data_version=stand_in), "key-2").version
    found = copied.store.open().get_model_version(PROJECT, version)
    assert found.description.startswith("STAND-IN DATA")
    assert copied.registry().export(copied.root / "bundles").stand_in


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_register_that_was_killed_is_finished_by_the_next_and_makes_one_version(place, made, call, when):
    place.store.open()
    if (child := os.fork()) == 0:
        _register_and_die(place, made, call, when)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert place.register(made).version == "1"
    assert versions(place) == [("1", ["champion"])]
    client = place.store.open()
    experiment = client.get_experiment_by_name(PROJECT).experiment_id
    assert len(client.search_logged_models([experiment])) == 1
    assert place.registry().export(place.root / "bundles") is not None


def _register_and_die(place: Place, made: Made, call: str, when: str) -> None:
    import mlflow

    whole = getattr(mlflow.MlflowClient, call)

    def cut_short(*args, **kwargs):
        if when == "after":
            whole(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(mlflow.MlflowClient, call, cut_short)
    place.register(made)
    os._exit(1)


def test_the_champion_is_exported_whole(registered, made, tmp_path):
    release = registered.registry().export(tmp_path)
    assert (release.name, release.version, release.title) == (PROJECT, "1", "A garden")
    assert msgspec.json.decode((tmp_path / "1" / "release.json").read_bytes(), type=Release) == release
    assert Bundle.load(tmp_path / "1" / "bundle").digest == made.bundle.digest
    assert Model.load(tmp_path / "1" / "bundle").card == made.model.card
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "1"]


def test_an_export_that_was_tampered_with_is_made_anew(registered, tmp_path):
    registered.registry().export(tmp_path)
    (tmp_path / "1" / "bundle" / "card.json").write_text("{}")
    registered.registry().export(tmp_path)
    assert (tmp_path / "1" / "bundle" / "card.json").read_text() != "{}"


def test_a_bundle_that_is_not_what_was_registered_is_refused(place, made, tmp_path):
    place.register(made)
    stored = next((place.root / "mlartifacts").rglob("bundle/card.json"))
    stored.write_text("{}")
    with pytest.raises(OutsideError, match=r"version 1 of model garden .*card\.json was changed"):
        place.registry().export(tmp_path / "bundles")
    assert not (tmp_path / "bundles" / "1").exists()


def test_a_version_that_shipway_did_not_register_is_not_served(copied, tmp_path):
    client = copied.store.open()
    foreign = client.create_model_version(PROJECT, client.get_model_version(PROJECT, "1").source)
    client.set_registered_model_alias(PROJECT, "champion", foreign.version)
    with pytest.raises(OutsideError, match="Shipway did not register it"):
        copied.registry().export(tmp_path / "bundles")


def test_what_an_unchanged_run_asks_imports_no_mlflow(registered, tmp_path):
    registered.registry().export(tmp_path)
    script = """
import sys
from pathlib import Path
from shipway.adapters.mlflow.registry import MlflowRegistry
from shipway.adapters.mlflow.tracking import MlflowTracker
from shipway.core.models import ModelVersion
root, cache, bundles = map(Path, sys.argv[1:])
registry = MlflowRegistry(root, "garden", None, cache, MlflowTracker(root, "garden", None, cache)).reading({"model": "key-1"})
assert registry.fingerprint() == "champion=none"
assert registry.holds(ModelVersion(name="garden", version="1", alias="champion", run_id="", data_version=""))
assert registry.export(bundles).version == "1"
print([name for name in ("mlflow", "sklearn", "pandas", "polars", "dvc", "numpy") if name in sys.modules])
"""
    found = subprocess.run(
        [sys.executable, "-c", script, registered.root, registered.cache, tmp_path], capture_output=True, text=True, check=False
    )
    assert (found.stdout.strip(), found.stderr) == ("[]", "")


def test_a_server_keeps_runs_and_versions_as_the_embedded_store_does(place, made, server, tmp_path):
    remote = replace(place, uri=server)
    assert remote.registry("key-1").fingerprint() == "champion=none"
    tracker = remote.tracker
    tracker.begin({"split.seed": "0"})
    one = remote.register(made, tracker=tracker)
    tracker.end("done")
    run = remote.store.open().get_run(tracker.run_id)
    assert (one.run_id, run.info.status, run.data.params) == (tracker.run_id, "FINISHED", {"split.seed": "0"})
    assert remote.register(made) == one
    assert (remote.registry("key-1").fingerprint(), remote.registry("key-2").fingerprint()) == ("champion=none", "champion=1")
    holds = remote.registry().holds
    assert holds(one)
    assert not holds(msgspec.structs.replace(one, version="9"))
    assert not holds(msgspec.structs.replace(one, alias="nobody"))
    assert remote.registry().export(tmp_path / "bundles").version == "1"
    version, model = remote.registry("key-2").champion()
    assert version == "1"
    assert numpy.array_equal(model.probabilities(made.rows), made.model.probabilities(made.rows))
    assert not (place.root / "mlflow.db").exists()
