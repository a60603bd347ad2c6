"""What a service would be, before it listens."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from shipway import offers, preflight
from shipway.core import disk
from shipway.core.errors import OutsideError, UsageError
from shipway.core.keys import PLATFORMS, KeyFile
from shipway.core.workspace import Workspace
from shipway.preflight import Setup, entrance, exposed
from tests.conftest import shipway

THREE_WAYS = r"shipway keys add NAME.*--host 127\.0\.0\.1.*--no-auth.*--behind sagemaker\|vertex\|azureml"


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    (tmp_path / "shipway.toml").touch()
    return Workspace(tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_only_this_machine_reaches_a_loopback_address(host: str) -> None:
    assert not exposed(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", "192.0.2.1", "10.0.0.1", "fe80::1", "169.254.0.1"])
def test_others_reach_every_other_address(host: str) -> None:
    assert exposed(host)


def test_a_name_that_leads_nowhere_is_told(empty: Workspace) -> None:
    for host in ("nowhere.invalid", "", "a" * 300, "a..b"):
        with pytest.raises(OutsideError, match="no address of this machine"):
            entrance(empty, Setup(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_others_reach_is_refused_without_a_key_and_the_ways_out_are_named(empty: Workspace, host: str) -> None:
    with pytest.raises(UsageError, match=THREE_WAYS):
        entrance(empty, Setup(host=host))


def test_each_way_out_is_one(empty: Workspace) -> None:
    assert entrance(empty, Setup()).valid is None
    open_to_all = entrance(empty, Setup(host="0.0.0.0", no_auth=True))
    assert open_to_all.valid is None
    assert "everybody who reaches 0.0.0.0 may ask" in open_to_all.warning
    for platform, name in PLATFORMS.items():
        behind = entrance(empty, Setup(host="0.0.0.0", behind=platform))
        assert (behind.valid, behind.warning) == (None, "")
        assert name in behind.told
    KeyFile(empty.keys).add("web")
    assert entrance(empty, Setup(host="0.0.0.0")).valid == 1
    assert entrance(empty, Setup()).valid == 1


def test_keys_of_which_none_is_valid_shut_the_service_and_that_is_said(empty: Workspace) -> None:
    KeyFile(empty.keys).add("web", expires=timedelta(seconds=0))
    found = entrance(empty, Setup(host="0.0.0.0"))
    assert found.valid == 0
    assert "nobody may ask" in found.warning


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_file_of_keys_that_is_gone_or_broken_is_refused_on_every_address(empty: Workspace, host: str) -> None:
    KeyFile(empty.keys).add("web")
    empty.keys.write_bytes(b"{")
    with pytest.raises(UsageError, match="is no file of API keys"):
        entrance(empty, Setup(host=host))
    empty.keys.unlink()
    with pytest.raises(UsageError, match="is missing"):
        entrance(empty, Setup(host=host))
    assert entrance(empty, Setup(host=host, no_auth=True)).valid is None


def test_a_check_says_what_would_be_served(own_iris: Workspace) -> None:
    found = preflight.check(own_iris, [], Setup(port=1))
    assert (found.exit_code, found.problems) == (0, [])
    (one,) = found.projects
    assert (one.project, one.version, one.gates, one.predictions) == ("iris", "1", "held", "kept")
    assert one.self_tests > 0
    assert found.journal == str(own_iris.journal)
    assert found.keys is not None
    assert found.keys.valid is None
    assert found.warnings == ["unrun has no champion, and is not served"]


def test_a_check_gathers_all_that_is_wrong_and_the_wrong_setup_decides_the_exit_code(own_iris: Workspace) -> None:
    own_iris.journal.mkdir(parents=True)
    found = preflight.check(own_iris, ["iris"], Setup(host="0.0.0.0"))
    assert found.exit_code == 2
    assert sorted(problem.exit_code for problem in found.problems) == [2, 5]
    assert [one.project for one in found.projects] == ["iris"]
    assert preflight.check(own_iris, ["iris"], Setup()).exit_code == 5


def test_a_bundle_that_was_changed_with_its_manifest_is_brought_anew(own_iris: Workspace) -> None:
    (_, bundle), *_ = offers.releases(own_iris, ["iris"])
    tests, manifest = bundle / "example.json", bundle / "manifest.json"
    before, registered = disk.sha256_of(tests), tests.read_bytes()
    tests.write_text(tests.read_text() + "\n")
    manifest.write_text(manifest.read_text().replace(before, disk.sha256_of(tests)))
    assert preflight.check(own_iris, ["iris"], Setup()).problems == []
    assert tests.read_bytes() == registered


def test_a_check_names_a_journal_that_takes_nothing_and_a_project_that_has_no_champion(own_iris: Workspace) -> None:
    own_iris.journal.mkdir(parents=True)
    assert ["can't be used" in problem.message for problem in preflight.check(own_iris, [], Setup()).problems] == [True]
    (problem,) = preflight.check(own_iris, ["iris", "unrun"], Setup()).problems
    assert problem.exit_code == 2
    assert "no champion to serve for unrun" in problem.message


def test_the_command_prints_a_check_and_ends_with_its_exit_code(own_iris: Workspace) -> None:
    told = shipway("serve", "iris", "--host", "0.0.0.0", "--check", "--json", cwd=own_iris.root)
    report = json.loads(told.stdout)
    assert (told.returncode, report["ok"]) == (2, False)
    assert [one["project"] for one in report["projects"]] == ["iris"]
    assert "shipway keys add" in told.stderr
    assert "Traceback" not in told.stderr
    refused = shipway("serve", "iris", "--host", "0.0.0.0", cwd=own_iris.root)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert shipway("serve", "--no-auth", "--behind", "vertex", cwd=own_iris.root).returncode == 2
