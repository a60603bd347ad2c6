"""A real server in a thread of the test's process, and a light check of JSON Schemas."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from shipway.serving import server as servers
from shipway.serving.connections import Limits

if TYPE_CHECKING:
    from fastapi import FastAPI

CHECKED = {"type", "enum", "pattern", "minimum", "maximum", "properties", "required", "additionalProperties", "items"}
CHECKED |= {"maxItems", "anyOf", "not", "$ref"}
SAID = {"description", "examples", "format"}


@contextmanager
def serving(app: FastAPI, *, ready: bool = True, limits: Limits | None = None) -> Iterator[httpx.Client]:
    """A client of *app* on a free port, once all its models are ready."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = servers.make(app, servers.Manner(limits=limits or Limits()))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30) as client:
                while client.get("/health/live").status_code != 200 or (ready and client.get("/health/ready").status_code != 200):
                    assert not any(live.state == "failed" for live in app.state.models.values()) or not ready
                yield client
        finally:
            server.should_exit = True
            thread.join()


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether *value* is what *schema* allows, by those keywords of JSON Schema 2020-12 that the service uses."""
    assert schema.keys() <= CHECKED | SAID, schema.keys()
    if "$ref" in schema:
        return fits(value, _resolve(schema["$ref"], root), root)
    kinds = schema.get("type", [])
    tests = [
        not kinds or any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)),
        "enum" not in schema or any(_same(value, one) for one in schema["enum"]),
        "anyOf" not in schema or any(fits(value, one, root) for one in schema["anyOf"]),
        "not" not in schema or not fits(value, schema["not"], root),
    ]
    if isinstance(value, str):
        tests.append(re.search(schema.get("pattern", ""), value) is not None)
    if _is(value, "number"):
        tests += [value >= schema.get("minimum", value), value <= schema.get("maximum", value)]
    if isinstance(value, list):
        tests.append(len(value) <= schema.get("maxItems", len(value)))
        tests += [fits(item, schema["items"], root) for item in value] if "items" in schema else []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        tests += [
            set(schema.get("required", [])) <= value.keys(),
            schema.get("additionalProperties", True) or value.keys() <= known.keys(),
        ]
        tests += [fits(item, known[name], root) for name, item in value.items() if name in known]
    return all(tests)


def _is(value: Any, kind: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "null": value is None,
        "boolean": isinstance(value, bool),
        "string": isinstance(value, str),
        "number": number,
        "integer": number and value == int(value),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }[kind]


def _same(value: Any, other: Any) -> bool:
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def _resolve(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    found = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found
