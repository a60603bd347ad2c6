"""Who may ask. Every request passes here first: what is not named as open needs a key, whatever routes there will be."""

from __future__ import annotations

import base64
import math
from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from shipway.core.keys import Key
from shipway.serving import outcomes, problems
from shipway.serving.keyring import Keyring
from shipway.serving.live import RESERVED
from shipway.serving.problems import Problem
from shipway.serving.rates import Rates

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/health/live", "/health/ready")
"""What probes ask, which have no key; to who shows none they tell no more than a status."""
SHARED = ("/", "/docs", "/openapi.json")
"""Addresses that are of no project, and that show each key its own projects."""

CACHED = ("GET", "HEAD")
"""Methods whose answers a cache on the way might give to others. It does not know that X-API-Key stands for somebody, as it does
of Authorization (RFC 9111, section 3.5)."""

SECOND = 10**9
"""In nanoseconds."""

NO_KEY = (
    "This needs an API key that is valid: as Authorization: Bearer KEY, as X-API-Key: KEY, or as the password of HTTP Basic "
    "with any user name."
)


@dataclass(frozen=True)
class Guest:
    """Who asks.

    Attributes:
        key: What was shown; None where none was, or no key is asked for.
        known: Whether the caller may be told how the service is.
    """

    key: Key | None = None
    known: bool = True

    def may_see(self, project: str) -> bool:
        return self.known and (self.key is None or not self.key.projects or project in self.key.projects)


def guest(request: Request) -> Guest:
    """Who asks *request*."""
    found = getattr(request.state, "guest", None)
    return found if isinstance(found, Guest) else Guest()


@dataclass(frozen=True)
class Guard:
    """What the service knows of keys: which are valid, and how much of its rate each has used up."""

    keyring: Keyring
    rates: Rates

    @property
    def problems(self) -> list[str]:
        return [one for one in (self.keyring.problem, self.rates.problem) if one is not None]


class Doors:
    """Lets a request through to *app* that shows a valid key, where keys are in force. No body is read before that.

    Args:
        projects: The projects that are served: what is refused is counted for the one that it asks.
    """

    def __init__(self, app: ASGIApp, guard: Guard, projects: Container[str] = ()) -> None:
        self._app, self._guard, self._projects = app, guard, projects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not self._guard.keyring.in_force:
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        else:
            request = Request(scope)
            try:
                request.state.guest = self._admit(request)
            except Problem as problem:
                await problems.answer(request, problem)(scope, receive, send)
            else:
                await self._app(scope, receive, send if scope["method"] not in CACHED else _private(send))

    def _admit(self, request: Request) -> Guest:
        """Who asks. Raises Problem 401 without a valid key, 403 where it is for other projects, 429 where it asks too often."""
        path = request.scope["path"]
        place = path[1:].partition("/")[0]
        if place in self._projects:
            outcomes.of(request).project = place
        found = self._guard.keyring.find(_shown(request.scope))
        if found is None:
            if path in OPEN:
                return Guest(known=False)
            raise Problem(401, NO_KEY, {"WWW-Authenticate": _challenge(request)})
        key, rate = found
        outcomes.of(request).caller = key.name
        visitor = Guest(key)
        if path in OPEN:
            return visitor
        if key.projects and path not in SHARED and (place in RESERVED or place not in key.projects):
            raise Problem(403, "This API key is not for this address.")
        wait = self._guard.rates.wait(key.number, rate) if rate is not None else 0
        if wait:
            told = f"This API key is good for {key.rate}; ask again later."
            raise Problem(429, told, {"Retry-After": str(math.ceil(wait / SECOND))})
        return visitor


def _shown(scope: Scope) -> str:
    """The key of a request, or a text that is none."""
    authorization = ""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return str(value, "latin-1").strip()
        if name == b"authorization" and not authorization:
            authorization = str(value, "latin-1")
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
    except ValueError:  # neither base64 nor UTF-8
        return ""


def _private(send: Send) -> Send:
    """*send*, with a header that keeps the answer out of caches."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", []) if name.lower() != b"cache-control"]
            message = {**message, "headers": [*kept, (b"cache-control", b"no-store")]}
        await send(message)

    return sent


def _challenge(request: Request) -> str:
    """How to show a key: a browser asks its user for name and password."""
    return 'Basic realm="Shipway", charset="UTF-8"' if "text/html" in request.headers.get("accept", "") else "Bearer"
