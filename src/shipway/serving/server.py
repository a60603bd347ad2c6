"""Running an application until the process is told to stop."""

from __future__ import annotations

import contextlib
import copy
import errno
import logging
import logging.config
import os
import signal
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from shipway.core.errors import OutsideError

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE_SECONDS = 10
"""For requests under way when the service is told to stop."""

SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

log = logging.getLogger("shipway.serving")


def run(app: FastAPI, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve *app* until Ctrl-C or SIGTERM, which both end it cleanly. To be called from the main thread.

    Args:
        port: 0 takes a free one; the log names it.

    Raises:
        OutsideError: It can't listen there.
    """
    with listen(host, port) as listener:
        answer(app, listener)


def answer(app: FastAPI, listener: socket.socket) -> None:
    """Serve *app* on *listener*, as `run` does."""
    for variable in SINGLE_THREADED:  # read by the libraries when they are first loaded, which is after this
        os.environ.setdefault(variable, "1")
    config = uvicorn.Config(
        app,
        log_config=_logging(),
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with _stopping():
        uvicorn.Server(config).run(sockets=[listener])


def wait() -> None:
    """Wait until Ctrl-C or SIGTERM, while other processes serve. To be called from the main thread."""
    with _stopping():
        while True:
            signal.pause()


@contextlib.contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens for the block. Raises OutsideError when it can't."""
    logging.config.dictConfig(_logging())
    with _bound(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        log.info("listening on http://%s:%d (Ctrl-C ends)", shown, listener.getsockname()[1])
        yield listener


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family)
    except socket.gaierror:
        raise OutsideError(f"{host!r} is no address of this machine; --host 127.0.0.1 is the usual one") from None
    except OSError as error:
        reason, step = {
            errno.EADDRINUSE: (
                "another program listens there",
                "end it, or choose another port with --port (0 takes a free one)",
            ),
            errno.EACCES: ("this user may not", "choose a port from 1024 on with --port"),
            errno.EADDRNOTAVAIL: ("that is no address of this machine", "--host 127.0.0.1 is the usual one"),
        }.get(error.errno or 0, (error.strerror or str(error), "choose another with --host and --port"))
        raise OutsideError(f"can't listen on port {port} of {host}: {reason}; {step}") from None


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    """Let the signals that end uvicorn end the block, too; once it has shut down, uvicorn raises them again."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signals = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, stop) for one in signals}
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for one in signals:
            signal.signal(one, before[one])


def _logging() -> dict[str, Any]:
    """uvicorn's logging, to stderr, with ours beside it."""
    config: dict[str, Any] = copy.deepcopy(LOGGING_CONFIG)
    config["loggers"]["shipway"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return config
