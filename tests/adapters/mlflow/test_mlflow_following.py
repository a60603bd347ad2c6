"""What the aliases point to is brought and told; how they are moved is kept."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from mlflow_garden import PROJECT, Made, Place, free_port

from shipway.adapters.mlflow import registry as registry_module
from shipway.core.errors import OutsideError, UsageError
from shipway.core.lineup import Lineup


@pytest.fixture
def two(registered: Place, made: Made, tmp_path: Path) -> Place:
    """A store with a champion, version 1, and version 2 whose gates did not hold."""
    shutil.copyfile(registered.root / "mlflow.db", tmp_path / "mlflow.db")
    shutil.copytree(registered.root / "mlartifacts", tmp_path / "mlartifacts")
    place = replace(registered, root=tmp_path)
    place.register(made, "key-2", alias="challenger", passed=False)
    return place


def test_what_may_be_served_is_brought_and_what_may_not_is_refused_with_the_next_step(two: Place):
    found = two.registry().follow(two.root / "bundles", Lineup())
    assert found.versions == {"champion": "1"}
    assert "the gates of version 2 did not hold" in found.refused["challenger"].reason
    assert "shipway models promote garden 2 --alias challenger --override" in found.refused["challenger"].reason
    assert (two.root / "bundles" / "1" / "bundle" / "card.json").is_file()
    assert not (two.root / "bundles" / "2").exists()


def test_a_champion_whose_gates_did_not_hold_leaves_the_one_before_in_place(two: Place):
    before = two.registry().follow(two.root / "bundles", Lineup())
    two.store.open().set_registered_model_alias(PROJECT, "champion", "2")
    after = two.registry().follow(two.root / "bundles", before)
    assert (after.versions["champion"], after.refused["champion"].version) == ("1", "2")


def test_an_alias_that_is_gone_leaves_the_champion_in_place(two: Place):
    before = two.registry().follow(two.root / "bundles", Lineup())
    two.store.open().delete_registered_model_alias(PROJECT, "champion")
    after = two.registry().follow(two.root / "bundles", before)
    assert after.versions["champion"] == "1"
    assert "no version of model garden has that alias any more" in after.refused["champion"].reason


def test_files_that_are_not_what_was_registered_are_refused_and_tried_again(two: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry_module, "AGAIN_SECONDS", 0.0)
    stored = next((two.root / "mlartifacts").rglob("bundle/card.json"))
    sound = stored.read_bytes()
    for place in (two.root / "mlartifacts").rglob("bundle/card.json"):
        place.write_text("{}")
    registry = two.registry()
    found = registry.follow(two.root / "bundles", Lineup())
    assert found.versions == {}
    assert "card.json was changed" in found.refused["champion"].reason
    for place in (two.root / "mlartifacts").rglob("bundle/card.json"):
        place.write_bytes(sound)
    assert registry.follow(two.root / "bundles", found).versions == {"champion": "1"}


def test_a_version_whose_gates_did_not_hold_is_promoted_with_a_reason_only(two: Place):
    aliases = two.registry().aliases
    with pytest.raises(UsageError, match=r"the gates of version 2 .* --override"):
        aliases.move("champion", "2", why="")
    move = aliases.move("champion", "2", why="we need it", by="ann", override="the gate is too high")
    assert (move.before, move.version, move.by) == ("1", "2", "ann")
    one = next(one for one in aliases.versions() if one.version == "2")
    assert (one.passed, one.override, one.aliases) == (False, "the gate is too high (ann)", ["champion"])
    assert two.registry().follow(two.root / "bundles", Lineup()).versions == {"champion": "2"}


def test_each_move_is_kept_with_who_when_and_why(two: Place, made: Made):
    aliases = two.registry().aliases
    aliases.move("champion", "2", why="one", by="ann", override="so be it")
    aliases.move("champion", "1", why="two", by="ben")
    assert aliases.move("champion", "1", why="again", by="ben") is None
    told = [(move.alias, move.before, move.version, move.why) for move in aliases.moves()]
    assert told == [
        ("champion", None, "1", "registered by a run"),
        ("challenger", None, "2", "registered by a run"),
        ("champion", "1", "2", "one"),
        ("champion", "2", "1", "two"),
    ]
    times = [move.at for move in aliases.moves()]
    assert times == sorted(times)


def test_a_version_that_is_not_there_is_named_with_those_that_are(two: Place):
    with pytest.raises(UsageError, match=r"has no version '3'.*2"):
        two.registry().aliases.move("champion", "3", why="")


def test_a_server_is_followed_as_the_embedded_store_is(place: Place, made: Made, server: str, tmp_path: Path):
    remote = replace(place, uri=server)
    remote.register(made, "key-f1")
    second = remote.register(made, "key-f2", passed=False, alias="challenger")
    registry = remote.registry()
    before = registry.follow(tmp_path / "bundles", Lineup())
    assert before.refused["challenger"].version == second.version
    registry.aliases.move("champion", second.version, why="try", by="ann", override="yes")
    assert registry.follow(tmp_path / "bundles", before).versions == {"champion": second.version}
    assert registry.aliases.moves()[-1].override == "yes"
    newest = registry.aliases.versions()[0]
    assert (newest.version, newest.aliases, newest.created > 0) == (second.version, ["champion"], True)
    remote.store.open().delete_registered_model(PROJECT)


def test_a_server_that_is_away_is_told_from_a_version_that_is_unfit(registered: Place, tmp_path: Path):
    away = replace(registered, uri=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(OutsideError, match="does not answer"):
        away.registry().follow(tmp_path, Lineup(versions={"champion": "1"}))


def test_moves_are_told_as_json_can_be(two: Place):
    assert msgspec.json.decode(msgspec.json.encode(two.registry().aliases.moves()))[0]["version"] == "1"


def test_a_bundle_that_was_damaged_here_is_brought_anew_by_the_next_process(two: Place):
    before = two.registry().follow(two.root / "bundles", Lineup())
    card = two.root / "bundles" / "1" / "bundle" / "card.json"
    sound = card.read_bytes()
    card.write_text("{}")
    assert two.registry().follow(two.root / "bundles", before).versions == {"champion": "1"}
    assert card.read_bytes() == sound


def test_each_unfit_version_is_tried_again_in_its_own_time(two: Place, made: Made, monkeypatch: pytest.MonkeyPatch):
    two.register(made, "key-3", alias="shadow")
    for path in (two.root / "mlartifacts").rglob("bundle/card.json"):
        path.write_text("{}")
    registry = two.registry()
    asked: list[str] = []
    bring = registry.bundles.bring
    monkeypatch.setattr(registry.bundles, "bring", lambda entry, folder: asked.append(entry.version) or bring(entry, folder))
    for _ in range(3):
        registry.follow(two.root / "bundles", Lineup())
    assert sorted(asked) == ["1", "3"]


def test_an_override_of_what_the_alias_points_to_is_on_record_and_no_move_to_go_back_from(two: Place):
    aliases = two.registry().aliases
    two.store.open().set_registered_model_alias(PROJECT, "champion", "2")  # as MLflow's own page does
    move = aliases.move("champion", "2", why="", by="ann", override="we know")
    assert move is not None
    assert (move.before, move.version, aliases.moves()[-1].override) == ("2", "2", "we know")
    assert two.registry().follow(two.root / "bundles", Lineup()).versions == {"champion": "2"}


ODD = {
    "a page for people": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<p>hi</p>",
    "a body that is cut": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",
    "no HTTP": b"hello\r\n\r\n",
    "another document": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a proxy's own 404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
    "another 404": b'HTTP/1.1 404 Not Found\r\nContent-Length: 35\r\n\r\n{"error_code":"ENDPOINT_NOT_FOUND"}',
}


@pytest.mark.parametrize("odd", ODD)
def test_who_answers_in_the_place_of_the_registry_is_no_registry(place: Place, odd: str):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(2):  # MLflow's client may ask as well
                with contextlib.suppress(OSError):
                    wire, _ = listener.accept()
                    with wire:
                        wire.recv(65_536)
                        wire.sendall(ODD[odd])

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(OutsideError, match="does not answer"):
            replace(place, uri=f"http://127.0.0.1:{listener.getsockname()[1]}").registry().fingerprint()
