from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from shipway import wiring
from shipway.cli.keys import keys
from shipway.core.errors import UsageError
from shipway.core.keys import digest
from shipway.core.workspace import Workspace

Call = Callable[..., tuple[str, str]]


@pytest.fixture
def file(place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "keys.json"
    monkeypatch.setenv("SHIPWAY_KEYS", str(found))
    return found


@pytest.fixture
def call(file: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls a command: gives what it wrote on stdout and on stderr. The file of keys is begun with one."""
    keys.main(["add", "first"], standalone_mode=False)
    capsys.readouterr()

    def called(*words: str) -> tuple[str, str]:
        keys.main(list(words), standalone_mode=False)
        found = capsys.readouterr()
        return found.out, found.err

    return called


def test_a_key_alone_is_on_stdout_and_the_advice_on_stderr(call: Call, file: Path) -> None:
    out, advice = call("add", "web", "--project", "visits", "--rate", "100/s", "--expires", "90d")
    assert out.startswith("shipway_")
    assert out.count("\n") == 1
    assert digest(out.strip()).hex() in file.read_text()
    assert "shown this once" in advice
    assert "shipway keys revoke web" in advice
    assert out.strip() not in advice + file.read_text()


def test_a_key_comes_as_json_with_what_is_kept_of_it(call: Call) -> None:
    told = json.loads(call("add", "web", "--project", "visits", "--rate", "100/s", "--json")[0])
    assert told.keys() == {"name", "id", "projects", "rate", "created", "expires", "revoked", "state", "key"}
    assert (told["name"], told["projects"], told["rate"], told["state"]) == ("web", ["visits"], "100/s", "valid")
    assert told["key"].startswith(f"shipway_{told['id']}_")


def test_the_list_shows_every_key_and_neither_key_nor_hash(call: Call, file: Path) -> None:
    key = call("add", "web", "--expires", "1h")[0].strip()
    call("revoke", "first")
    found = json.loads(call("list", "--json")[0])
    assert found["file"] == str(file)
    assert [(one["name"], one["state"], one["expires"] is None) for one in found["keys"]] == [
        ("first", "revoked", True),
        ("web", "valid", False),
    ]
    shown = call("list")[0]
    assert [line.split()[0] for line in shown.splitlines()] == ["name", "first", "web"]
    assert "revoked 20" in shown
    for text in (shown, json.dumps(found)):
        assert key not in text
        assert digest(key).hex() not in text


def test_wrong_words_are_told_with_the_next_step_and_no_key_is_made(call: Call, file: Path) -> None:
    before = file.read_bytes()
    wrong = {
        ("add", "web", "--project", "visit"): "did you mean 'visits'",
        ("add", "web", "--rate", "fast"): "such as \"100/s\".*found 'fast'",
        ("add", "web", "--expires", "soon"): "such as .*found 'soon'",
        ("add", "first"): "choose another, such as first-2",
        ("revoke", "frist"): "did you mean 'first'",
    }
    for words, message in wrong.items():
        with pytest.raises(Exception, match=message):
            call(*words)
    assert file.read_bytes() == before


def test_a_file_that_a_setting_names_must_be_there(file: Path, place: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="is missing"):
        keys.main(["list"], standalone_mode=False)


def test_without_a_setting_the_keys_are_in_the_workspaces_state(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wiring.keys(place).path == place.root / ".shipway/keys.json"
    monkeypatch.setenv("SHIPWAY_KEYS", "secrets/keys.json")
    assert wiring.keys(place).path == place.root / "secrets/keys.json"
