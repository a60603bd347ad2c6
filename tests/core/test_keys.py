"""The file of API keys."""

from __future__ import annotations

import json
import re
import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shipway.core import keys
from shipway.core.errors import OutsideError, UsageError
from shipway.core.keys import KeyFile, Rate


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def add_some(path: Path, who: str) -> list[str]:
    return [KeyFile(path).add(f"{who}-{number}")[1] for number in range(5)]


def test_a_key_has_a_prefix_and_256_random_bits_and_is_kept_as_a_hash_that_only_its_owner_may_read(file: KeyFile) -> None:
    key, text = file.add("web-shop")
    assert re.fullmatch(r"shipway_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}", text)
    secret = text.rpartition("_")[2]
    content = file.path.read_text()
    assert secret not in content
    assert key.sha256 == keys.digest(text).hex()
    assert key.sha256 in content
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_what_is_read_is_what_was_added(file: KeyFile) -> None:
    one, _ = file.add("one", projects=["iris", "telco", "iris"], rate="100/s", expires=timedelta(days=90))
    other, _ = file.add("other")
    assert file.read() == [one, other]
    assert one.projects == ["iris", "telco"]
    assert one.expires is not None
    assert one.expires - one.created == timedelta(days=90)
    assert [one.number, other.number] == [0, 1]


def test_of_processes_that_add_at_once_none_loses_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with ProcessPoolExecutor(4) as pool:
        made = [text for texts in pool.map(add_some, [path] * 4, "abcd") for text in texts]
    kept = KeyFile(path).read()
    assert {key.sha256 for key in kept} == {keys.digest(text).hex() for text in made}
    assert sorted(key.number for key in kept) == list(range(20))


@pytest.mark.parametrize("name", ["", "two words", "-x", "a\n", "x" * 65, "a/b", "\u202eevil"])
def test_a_name_that_is_none_is_refused(file: KeyFile, name: str) -> None:
    with pytest.raises(UsageError, match="expected up to 64 letters"):
        file.add(name)
    assert not file.awaited


@pytest.mark.parametrize("rate", ["100", "0/s", "1/w", "1.5/s", "-1/s", "99999999/s", "1/s\n", ""])
def test_a_rate_that_is_none_is_refused(file: KeyFile, rate: str) -> None:
    with pytest.raises(UsageError, match="expected a rate as requests a second"):
        file.add("web", rate=rate)
    assert not file.awaited


def test_a_rate_is_a_count_and_a_period(file: KeyFile) -> None:
    assert keys.rate_of("600/m") == Rate(600, timedelta(minutes=1))
    assert keys.rate_of("10000/h").interval == 360_000_000
    assert keys.rate_of("9999999/s").interval == 100


def test_a_name_that_is_taken_is_refused_even_after_its_key_was_revoked(file: KeyFile) -> None:
    file.add("web")
    with pytest.raises(UsageError, match="there is a key of the name 'web'; choose another, such as web-2"):
        file.add("web")
    file.add("web-2")
    file.revoke("web")
    with pytest.raises(UsageError, match=r"there was a key, by now revoked, of the name 'web'; .*web-3"):
        file.add("web")


def test_a_revoked_key_stays_on_record_with_the_time_of_the_first_revocation(file: KeyFile) -> None:
    file.add("web")
    file.add("app")
    first = file.revoke("web").revoked
    assert first is not None
    assert file.revoke("web").revoked == first
    assert {key.name: key.revoked for key in file.read()} == {"web": first, "app": None}


def test_revoking_names_the_nearest_key_or_says_that_there_is_none(file: KeyFile) -> None:
    with pytest.raises(UsageError, match="no key 'web', and no other"):
        file.revoke("web")
    assert not file.awaited
    file.add("web-shop")
    with pytest.raises(UsageError, match="did you mean 'web-shop'"):
        file.revoke("webshop")


def test_a_file_that_is_not_there_has_no_keys_until_there_were_some_or_somebody_named_it(file: KeyFile) -> None:
    assert file.read() == []
    with pytest.raises(UsageError, match="is missing"):
        KeyFile(file.path, named=True).read()
    file.add("web")
    file.path.unlink()
    with pytest.raises(UsageError, match="is missing; bring it back"):
        file.read()
    file.add("web")
    assert [key.name for key in file.read()] == ["web"]


def broken(file: KeyFile, **changed: Any) -> bytes:
    """The file with its second key changed."""
    for name in ("first", "second"):
        file.add(name)
    document = json.loads(file.path.read_text())
    document["keys"][1] |= {name: document["keys"][0][name] if value is ... else value for name, value in changed.items()}
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"keys": 1}', b'{"keys": [{}]}', b"\xff\xfe", b'{"keys": [], "more": 1}']
)
def test_what_is_no_file_of_keys_is_refused_and_left_as_it_is(file: KeyFile, content: bytes) -> None:
    file.path.write_bytes(content)
    for action in (file.read, lambda: file.add("web"), lambda: file.revoke("web")):
        with pytest.raises(UsageError, match="is no file of API keys"):
            action()
    assert file.path.read_bytes() == content


@pytest.mark.parametrize(
    "changed",
    [{"id": ...}, {"number": ...}, {"sha256": "00"}, {"rate": "often"}, {"created": "2026-11-25T08:00:00"}, {"name": "a b"}],
    ids=str,
)
def test_keys_that_no_command_of_ours_wrote_are_refused_and_not_shown(file: KeyFile, changed: dict[str, Any]) -> None:
    content = broken(file, **changed)
    hashes = [key.sha256 for key in file.read()]
    file.path.write_bytes(content)
    with pytest.raises(UsageError, match=r"bring back .* that `shipway keys` wrote") as error:
        file.read()
    assert not any(one in str(error.value) for one in hashes)


def test_a_folder_in_the_place_of_the_file_is_told(file: KeyFile) -> None:
    file.path.mkdir()
    with pytest.raises(OutsideError, match="can't be read"):
        file.read()


def test_a_link_to_the_file_stays_a_link(file: KeyFile, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file.path.symlink_to(tmp_path / "there/keys.json")
    file.add("web")
    assert file.path.is_symlink()
    assert [key.name for key in KeyFile(tmp_path / "there/keys.json").read()] == ["web"]
