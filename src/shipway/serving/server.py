"""Running an application until the process is told to stop."""

from __future__ import annotations

import contextlib
import copy
import errno
import logging
import logging.config
import os
import resource
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from shipway.core.errors import OutsideError
from shipway.serving import journalling, tls
from shipway.serving.connections import OVERFLOW, Connections, Limits
from shipway.serving.draining import Server

if TYPE_CHECKING:
    from fastapi import FastAPI

DRAIN_SECONDS = 10.0
"""From SIGTERM to the end of the process: what Docker waits before it kills, and a third of what Kubernetes does
(https://docs.docker.com/reference/cli/docker/container/stop/, terminationGracePeriodSeconds in Kubernetes' pod specification)."""

OTHER_FILES = 256
"""Descriptors that a worker needs beside its connections: the journal, models, pipes, libraries, and some to spare."""

SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

log = logging.getLogger("shipway.serving")


@dataclass(frozen=True)
class Manner:
    """How a service listens and ends.

    Attributes:
        tls: The files of its certificate; None speaks plain HTTP.
        drain: Seconds from SIGTERM to the end of the process. The journal has `kept` of them, requests the others.
    """

    tls: tls.Files | None = None
    drain: float = DRAIN_SECONDS
    limits: Limits = field(default_factory=Limits)

    @property
    def kept(self) -> float:
        """Seconds for the journal after the last request."""
        return min(journalling.DRAIN_SECONDS, self.drain / 2)

    @property
    def options(self) -> list[str]:
        """What tells `shipway work` the same, beside the settings that it reads itself."""
        files = [] if self.tls is None else ["--tls-certificate", str(self.tls.certificate), "--tls-key", str(self.tls.key)]
        return ["--drain", str(self.drain), *files]


def run(app: FastAPI, host: str = "127.0.0.1", port: int = 8000, manner: Manner | None = None) -> None:
    """Serve *app* until Ctrl-C or SIGTERM, which both end it cleanly. To be called from the main thread.

    Args:
        port: 0 takes a free one; the log names it.

    Raises:
        OutsideError: It can't listen there.
        UsageError: The files of its certificate do not fit.
    """
    manner = manner or Manner()
    with listen(host, port, manner) as listener:
        answer(app, listener, manner)


def answer(app: FastAPI, listener: socket.socket, manner: Manner | None = None) -> None:
    """Serve *app* on *listener*, as `run` does."""
    for variable in SINGLE_THREADED:  # read by the libraries when they are first loaded, which is after this
        os.environ.setdefault(variable, "1")
    with _stopping():
        make(app, manner or Manner()).run(sockets=[listener])


def make(app: FastAPI, manner: Manner) -> Server:
    """The server of *app*, which keeps to *manner*."""
    connections = Connections(_affordable(manner.limits))
    context = tls.context(manner.tls) if manner.tls is not None else None
    config = uvicorn.Config(
        app,
        http=connections.protocol,  # type: ignore[arg-type]  # what it calls to make one
        ws="none",
        log_config=_logging(),
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whoever asks from this machine could choose what the log says of the client
        ssl_context_factory=None if context is None else lambda *_: context,
    )
    app.state.connections, app.state.kept_seconds = connections, manner.kept
    renewal = tls.Renewal(manner.tls, context) if manner.tls is not None and context is not None else None
    return Server(config, connections, seconds=manner.drain, kept=manner.kept, renewal=renewal)


def wait() -> None:
    """Wait until Ctrl-C or SIGTERM, while other processes serve. To be called from the main thread."""
    with _stopping():
        while True:
            signal.pause()


@contextlib.contextmanager
def listen(host: str, port: int, manner: Manner | None = None) -> Iterator[socket.socket]:
    """A socket that listens for the block. Raises OutsideError when it can't, UsageError where a certificate does not fit."""
    logging.config.dictConfig(_logging())
    found = manner.tls if manner is not None else None
    if found is not None:
        tls.context(found)
        for warning in tls.warnings(found):
            log.warning("%s", warning)
    with _bound(host, port) as listener:
        shown, scheme = f"[{host}]" if ":" in host else host, "http" if found is None else "https"
        log.info("listening on %s://%s:%d (Ctrl-C ends)", scheme, shown, listener.getsockname()[1])
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


def _affordable(limits: Limits) -> Limits:
    """*limits* with no more connections than the process may have descriptors for; it takes as many of these as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = limits.connections + OVERFLOW + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return limits
    connections = max(soft - OVERFLOW - OTHER_FILES, soft // 4)
    log.warning("as `ulimit -n` is %d, this process takes %d connections; %d allow all", soft, connections, needed)
    return replace(limits, connections=connections)


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
