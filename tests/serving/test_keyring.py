"""The keys as a worker holds them."""

from __future__ import annotations

import hmac
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shipway.core.keys import KeyFile
from shipway.serving import keyring as keyrings
from shipway.serving.keyring import Keyring


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def other_secret(text: str) -> str:
    return text[:-1] + ("a" if text[-1] != "a" else "b")


def test_without_a_key_none_is_in_force_and_the_first_puts_them_in_force(file: KeyFile) -> None:
    keyring = Keyring(file)
    assert not keyring.in_force
    key, text = file.add("web", rate="5/s")
    keyring.look()
    assert keyring.in_force
    found = keyring.find(text)
    assert found is not None
    assert found[0] == key
    assert found[1] is not None
    assert found[1].count == 5


def test_only_the_whole_key_is_found(file: KeyFile) -> None:
    _, text = file.add("web")
    keyring = Keyring(file)
    wrong = ["", "web", text[:-1], text + "a", f"{text}\n", other_secret(text), text.replace("shipway", "Shipway")]
    assert [keyring.find(one) for one in wrong] == [None] * len(wrong)


def test_a_key_that_is_revoked_or_expired_is_found_no_more(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = file.add("web")
    _, short = file.add("short", expires=timedelta(hours=1))
    keyring = Keyring(file)
    assert len(keyring) == 2
    file.revoke("web")
    keyring.look()
    assert keyring.find(text) is None
    assert keyring.find(short) is not None

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2999, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(keyrings, "datetime", Later)
    assert keyring.find(short) is None
    assert len(keyring) == 0


def test_an_unknown_id_takes_the_same_comparison_as_a_known_one(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = file.add("web")
    keyring = Keyring(file)
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def noting(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    unknown = text.replace(text.split("_")[1], "00000000")
    for given in (text, other_secret(text), unknown, "no key at all"):
        keyring.find(given)
    assert [(len(one), len(other)) for one, other in compared] == [(32, 32)] * 4


def test_a_file_that_is_broken_leaves_the_keys_in_force_and_says_so(file: KeyFile) -> None:
    _, text = file.add("web")
    keyring = Keyring(file)
    whole = file.path.read_bytes()
    for content in (b"", b"{", whole[:-10]):
        file.path.write_bytes(content)
        keyring.look()
        assert keyring.in_force
        assert keyring.find(text) is not None
        assert keyring.problem is not None
        assert "no file of API keys" in keyring.problem
    file.path.write_bytes(whole)
    keyring.look()
    assert keyring.problem is None


def test_a_file_that_disappears_leaves_the_keys_in_force(file: KeyFile) -> None:
    _, text = file.add("web")
    keyring = Keyring(file)
    file.path.unlink()
    keyring.look()
    assert keyring.in_force
    assert keyring.find(text) is not None
    assert keyring.problem is not None
    assert "is missing" in keyring.problem


def test_a_folder_that_disappears_leaves_the_keys_in_force(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "state/keys.json")
    _, text = file.add("web")
    keyring = Keyring(file)
    shutil.rmtree(tmp_path / "state")
    keyring.look()
    assert keyring.find(text) is not None
    assert keyring.problem is not None


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_worker_that_is_started_again_without_the_file_lets_nobody_in(file: KeyFile, tmp_path: Path, by_hand: bool) -> None:
    _, text = KeyFile(tmp_path / "other.json").add("web")
    if by_hand:
        file.path.write_bytes((tmp_path / "other.json").read_bytes())
    else:
        _, text = file.add("web")
    assert Keyring(file).find(text) is not None
    file.path.unlink()
    again = Keyring(file)
    assert again.in_force
    assert again.find(text) is None


def test_a_file_without_keys_does_not_open_what_keys_had_shut(file: KeyFile) -> None:
    _, text = file.add("web")
    keyring = Keyring(file)
    file.path.write_text('{"keys": []}')
    keyring.look()
    assert keyring.in_force
    assert keyring.find(text) is None
    again = Keyring(file)
    assert again.in_force
    assert again.find(text) is None


def test_a_file_that_is_broken_from_the_start_lets_nobody_in(file: KeyFile) -> None:
    file.path.write_bytes(b"{")
    assert Keyring(file).in_force
