"""A service without models, which starts at once: `python -m tests.serving.bare_service WORKERS DRAIN [SOCKET]`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Request, Response

from shipway.serving import problems, processes, server

log = logging.getLogger("shipway.serving")


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    log.info("a worker is there")
    yield


app = FastAPI(lifespan=lifespan)
problems.handle(app)


@app.get("/health/live")
async def live() -> Response:
    return Response("live")


@app.post("/iris/predict")
async def predict(request: Request) -> dict[str, list[dict[str, str]]]:
    log.info("reading a body")
    await request.body()
    await asyncio.sleep(0.01)
    made = str(uuid.uuid4())
    log.info("a worker answers with %s", made)
    return {"predictions": [{"id": made}]}


def main(workers: str, drain: str, *descriptor: str) -> None:
    manner = server.Manner(drain=float(drain))
    if descriptor:
        processes.until_alone()
        server.answer(app, socket.socket(fileno=int(descriptor[0])), manner)
        return
    with server.listen("127.0.0.1", 0, manner) as listener:
        if workers == "1":
            server.answer(app, listener, manner)
            return
        command = [sys.executable, "-m", "tests.serving.bare_service", workers, drain, str(listener.fileno())]
        with processes.kept({f"worker {one}": command for one in "12"}, Path.cwd(), listener=listener, drain=manner.drain):
            server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
