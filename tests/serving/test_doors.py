"""Who may ask."""

from __future__ import annotations

import base64
import http.client
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route
from tests.serving.guarded import bearer, guarding
from tests.serving.kept import kept
from tests.serving.test_live import forged
from tests.waiting import PATIENCE, until

from shipway.adapters.journal import SqliteJournal
from shipway.core.keys import KeyFile
from shipway.serving.app import create_app

if TYPE_CHECKING:
    import httpx
    from tests.serving.conftest import Releases

IRIS = {"SepalLengthCm": 5.1, "PetalLengthCm": 1.4}


@dataclass
class Place:
    """A running service that asks for keys, and keys for it by name: `all`, `iris` (good for that project), `gone`, `old`."""

    client: httpx.Client
    file: KeyFile
    folder: Path
    keys: dict[str, str]

    def ask(self, path: str, key: str | None = None, **headers: str) -> httpx.Response:
        shown = bearer(self.keys[key]) if key else {}
        return self.client.get(path, headers=shown | headers)

    def predict(self, project: str, key: str | None = None, body: Any = IRIS) -> httpx.Response:
        return self.client.post(f"/{project}/predict", json=body, headers=bearer(self.keys[key]) if key else {})

    @property
    def journal(self) -> Path:
        return self.folder / "journal.db"


@pytest.fixture(scope="module")
def place(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("doors")
    file = KeyFile(folder / "keys.json")
    wanted: dict[str, dict[str, Any]] = {"all": {}, "iris": {"projects": ["iris", "metrics"]}, "gone": {}, "old": {}}
    keys = {name: file.add(name, **told)[1] for name, told in wanted.items()}
    file.revoke("gone")
    content = json.loads(file.path.read_text())
    content["keys"][3]["expires"] = content["keys"][3]["created"]
    file.path.write_text(json.dumps(content))
    with guarding(releases, folder) as client:
        yield Place(client, file, folder, keys)


def test_every_route_there_is_needs_a_key_but_those_of_probes(place: Place, releases: Releases) -> None:
    routes = [route for route in create_app(releases).routes if isinstance(route, Route)]
    found = {}
    for route in routes:
        path = re.sub(r"\{(\w+)\}", lambda name: "iris" if name[1] == "project" else "1", route.path)
        for method in route.methods or ():
            found[f"{method} {path}"] = place.client.request(method, path).status_code
    assert {path for path, status in found.items() if status != 401} == {
        f"{method} /health/{what}" for method in ("GET", "HEAD") for what in ("live", "ready")
    }
    assert len(found) > 12


@pytest.mark.parametrize("path", ["/nothing/of/that/kind", "/health", "/health/ready/", "/metrics", "//health/live", "/%68ealth"])
def test_an_address_that_no_route_has_needs_a_key_as_well(place: Place, path: str) -> None:
    assert place.client.get(path, follow_redirects=False).status_code == 401


@pytest.mark.parametrize(
    "shown",
    [
        lambda key: {"Authorization": f"Bearer {key}"},
        lambda key: {"authorization": f"bearer  {key}"},
        lambda key: {"X-API-Key": key},
        lambda key: {"Authorization": "Basic " + base64.b64encode(f"anybody:{key}".encode()).decode()},
        lambda key: {"Authorization": "Basic " + base64.b64encode(f":{key}".encode()).decode()},
        lambda key: {"Authorization": "Basic of a proxy", "X-API-Key": key},
    ],
)
def test_a_key_may_be_shown_in_three_ways(place: Place, shown: Callable[[str], dict[str, str]]) -> None:
    assert place.client.get("/iris", headers=shown(place.keys["all"])).status_code == 200


def refusals(place: Place) -> dict[str, dict[str, str]]:
    key = place.keys["all"]
    basic = base64.b64encode(key.encode()).decode()
    return {
        "none": {},
        "nothing in it": {"Authorization": "Bearer"},
        "no scheme": {"Authorization": key},
        "another scheme": {"Authorization": f"Digest {key}"},
        "no base64": {"Authorization": f"Basic {key}!"},
        "no password": {"Authorization": f"Basic {basic}"},
        "no UTF-8": {"Authorization": "Basic " + base64.b64encode(b"\xff:\xfe").decode()},
        "cut short": bearer(key[:-1]),
        "too long": bearer(key + "0" * 5000),
        "an unknown id": bearer(f"shipway_00000000_{key.rpartition('_')[2]}"),
        "a wrong secret": bearer(key[:-1] + ("a" if key[-1] != "a" else "b")),
        "revoked": bearer(place.keys["gone"]),
        "expired": bearer(place.keys["old"]),
        "wrong where the other is right": {"X-API-Key": "wrong"} | bearer(key),
    }


def test_all_that_is_no_valid_key_is_refused_in_the_same_words(place: Place) -> None:
    answers = {why: place.client.get("/iris", headers=headers) for why, headers in refusals(place).items()}
    assert {answer.status_code for answer in answers.values()} == {401}
    assert len({answer.content for answer in answers.values()}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers.values()} == {"Bearer"}
    assert answers["none"].headers["content-type"] == "application/problem+json"
    assert answers["none"].json().keys() == {"type", "title", "status", "detail"}


def test_a_browser_is_asked_for_a_password(place: Place) -> None:
    challenge = place.ask("/", Accept="text/html,application/xhtml+xml;q=0.9,*/*;q=0.8").headers["www-authenticate"]
    assert challenge == 'Basic realm="Shipway", charset="UTF-8"'


def test_a_refusal_comes_before_the_body_is_read(place: Place) -> None:
    connection = http.client.HTTPConnection(place.client.base_url.host, place.client.base_url.port, timeout=PATIENCE)
    connection.putrequest("POST", "/iris/predict")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**9))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


def test_a_web_socket_is_refused(place: Place) -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    headers["Sec-WebSocket-Key"] = base64.b64encode(secrets.token_bytes(16)).decode()
    assert place.client.get("/iris", headers=headers).status_code in (401, 403)


def test_a_key_for_certain_projects_does_not_tell_others_from_those_that_are_not_there(place: Place) -> None:
    answers = [place.ask(path, "iris") for path in ("/visits", "/nobody", "/visits/versions/1/predict", "/metrics", "/health")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(403, answers[0].content)}
    assert place.predict("visits", "iris").status_code == 403
    assert place.predict("iris", "iris").status_code == 200
    assert place.ask("/nobody", "all").status_code == 404


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_what_tells_of_all_projects_shows_a_key_only_its_own(place: Place, path: str, accept: str) -> None:
    assert "visits" in place.ask(path, "all", Accept=accept).text
    shown = place.ask(path, "iris", Accept=accept)
    assert shown.status_code == 200
    assert "iris" in shown.text
    assert "visits" not in shown.text
    assert "visits" in place.ask(path, "all", Accept=accept).text


def test_what_a_key_may_see_is_kept_out_of_caches(place: Place) -> None:
    assert {place.ask(path, "all").headers["cache-control"] for path in ("/", "/iris", "/docs", "/nobody")} == {"no-store"}


def test_the_document_says_how_a_key_is_shown_and_where_none_is_needed(place: Place) -> None:
    document = place.ask("/openapi.json", "all").json()
    named = {name for one in document["security"] for name in one}
    assert named == document["components"]["securitySchemes"].keys()
    operations = {path: one for path, methods in document["paths"].items() for one in methods.values()}
    assert {path for path, one in operations.items() if one.get("security") == []} == {"/health/live", "/health/ready"}
    assert {"401", "403", "429"} <= operations["/iris/predict"]["responses"].keys()


def test_readiness_tells_who_shows_no_key_the_status_only(place: Place) -> None:
    assert place.ask("/health/ready").content == b'{"status":"ready"}'
    assert place.client.get("/health/ready", headers=bearer("wrong")).content == b'{"status":"ready"}'
    assert place.ask("/health/live").content == b'{"status":"live"}'
    assert place.ask("/health/ready", "iris").json()["models"].keys() == {"iris"}
    told = place.ask("/health/ready", "all").json()
    assert told["models"].keys() == {"iris", "visits"}
    assert told["keys"] == {"valid": 2, "problems": []}


def test_a_service_that_is_not_ready_tells_why_only_who_may_know(releases: Releases, tmp_path: Path) -> None:
    (iris, good), (visits, bundle) = releases
    file = KeyFile(tmp_path / "keys.json")
    every, other = file.add("every")[1], file.add("other", projects=["iris"])[1]
    with guarding([(iris, good), (visits, forged(bundle, tmp_path / "bundle"))], tmp_path, ready=False) as client:
        until(lambda: "could not" in client.get("/health/ready", headers=bearer(every)).json()["detail"])
        told = [client.get("/health/ready", headers=headers) for headers in (bearer(every), bearer(other), {})]
    assert [answer.status_code for answer in told] == [503] * 3
    assert [answer.json()["detail"] for answer in told] == ["Not ready: visits could not be loaded.", "Not ready.", "Not ready."]


def test_the_journal_says_who_asked_and_who_told_the_label(place: Place) -> None:
    prediction = place.predict("iris", "iris").json()["predictions"][0]
    answer, told = prediction["id"], {"id": prediction["id"], "label": prediction["label"]}
    assert place.client.post("/iris/feedback", json=told, headers=bearer(place.keys["all"])).status_code == 200
    until(lambda: any(one.id == answer for one in kept(place.journal, "iris")))
    assert [one.caller for one in kept(place.journal, "iris") if one.id == answer] == ["iris"]
    journal = SqliteJournal(place.journal)
    with journal._opened() as connection:
        assert ("all",) in connection.execute("SELECT caller FROM feedback WHERE prediction = ?", (answer,)).fetchall()
    journal.close()


def test_no_key_is_written_anywhere(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    for headers in refusals(place).values():
        place.client.get("/iris", headers=headers)
    id = place.predict("iris", "all").json()["predictions"][0]["id"]
    until(lambda: any(one.id == id for one in kept(place.journal, "iris")))
    written = "".join(capfd.readouterr()).encode() + b"".join(path.read_bytes() for path in place.folder.iterdir())
    assert id.encode() in written
    assert not any(key.rpartition("_")[2].encode() in written for key in place.keys.values())


def test_a_key_gets_429_with_the_seconds_to_wait_and_no_other_key_does(releases: Releases, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    slow, other = file.add("slow", rate="2/h")[1], file.add("other", rate="2/h")[1]
    body = {"records": [IRIS] * 5}
    with guarding(releases, tmp_path) as client:
        answers = [client.post("/iris/predict", json=body, headers=bearer(slow)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 1790 < int(answers[2].headers["retry-after"]) <= 1800
        assert answers[2].json()["detail"] == "This API key is good for 2/h; ask again later."
        assert client.get("/health/ready", headers=bearer(slow)).status_code == 200
        assert client.get("/iris", headers=bearer(other)).status_code == 200
    with guarding(releases, tmp_path) as client:
        assert client.get("/iris", headers=bearer(slow)).status_code == 429


def test_a_running_service_keeps_to_what_the_file_says_and_never_opens_again(releases: Releases, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    with guarding(releases, tmp_path) as client:
        assert client.get("/iris").status_code == 200
        first, second = file.add("first")[1], file.add("second", expires=timedelta(days=1))[1]
        until(lambda: client.get("/iris").status_code == 401)
        assert client.get("/iris", headers=bearer(first)).status_code == 200
        file.revoke("first")
        until(lambda: client.get("/iris", headers=bearer(first)).status_code == 401)
        assert client.get("/iris", headers=bearer(second)).status_code == 200
        file.path.unlink()
        until(lambda: client.get("/health/ready", headers=bearer(second)).json()["keys"]["problems"] != [])
        assert client.get("/iris").status_code == 401
        assert client.get("/iris", headers=bearer(second)).status_code == 200


def test_an_address_below_a_shared_one_tells_a_key_no_names_of_others(place: Place) -> None:
    for path in ("/docs/predict", "/docs/traffic", "/openapi.json/feedback"):
        answer = place.client.post(path, json={}, headers=bearer(place.keys["iris"]))
        assert answer.status_code == 403, path


def test_what_a_door_refuses_is_counted_for_the_project_that_was_asked(place: Place) -> None:
    place.predict("iris", "gone")
    figures = place.ask("/metrics", "all").text
    assert re.search(r'shipway_errors_total\{(?=[^}]*project="iris")(?=[^}]*reason="unauthenticated")[^}]*\} ', figures)
