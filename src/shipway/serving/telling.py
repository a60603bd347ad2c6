"""The outermost layer of the application: names each request, measures it, and says afterwards what became of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from shipway.serving import traces
from shipway.serving.outcomes import Outcome

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

GONE = 499
"""For a client that left before its answer; no status is sent then. nginx counts such requests by this number."""

log = logging.getLogger("shipway.serving")

Listener = Callable[[Outcome], None]


class Telling:
    """Hands the outcome of each request to *app* for filling in, and to each of *listeners* once it is over."""

    def __init__(self, app: ASGIApp, listeners: Sequence[Listener]) -> None:
        self._app, self._listeners = app, listeners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _headers(scope, b"x-request-id", b"traceparent")
        outcome = Outcome(
            id=traces.request_id(given.get(b"x-request-id", b"")),
            trace=traces.trace(given.get(b"traceparent", b"")),
            method=scope["method"],
            path=scope["path"],
            client=scope["client"][0] if scope.get("client") else "",
        )
        scope.setdefault("state", {})["outcome"] = outcome
        names = [(b"x-request-id", outcome.id.encode()), (b"traceresponse", outcome.trace.header)]

        over = False

        async def sent(message: Message) -> None:
            nonlocal over
            if message["type"] == "http.response.start":
                outcome.status = message["status"]
                message = {**message, "headers": [*message.get("headers", []), *names]}
            else:
                outcome.sent += len(message.get("body", b""))
                over = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            if not over:
                raise
            # It was answered as a bug already; raised again, it would cost the client its connection.
            log.exception("request %s: %s %s failed", outcome.id, outcome.method, outcome.project or "")
        finally:
            outcome.seconds = time.perf_counter() - outcome.began
            if not outcome.status or outcome.reason == "gone":
                outcome.status, outcome.reason = GONE, outcome.reason or "gone"
            for listener in self._listeners:
                listener(outcome)


def _headers(scope: Scope, *names: bytes) -> dict[bytes, bytes]:
    return {name: value for name, value in scope["headers"] if name in names}
