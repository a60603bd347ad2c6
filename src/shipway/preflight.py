"""Before the service listens: what it would serve, to whom, and whether that setup holds."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from shipway import offers, wiring
from shipway.core import lineup
from shipway.core.errors import OutsideError, ShipwayError, UsageError
from shipway.core.keys import PLATFORMS
from shipway.core.models import Release
from shipway.core.workspace import Workspace
from shipway.wiring import open_project

if TYPE_CHECKING:
    from shipway.serving.entries import Journalling
    from shipway.serving.live import Live
    from shipway.serving.server import Manner
    from shipway.settings import Settings


@dataclass(frozen=True)
class Setup:
    """How the service is to run.

    Attributes:
        host, port: Where it listens.
        workers: Processes that answer.
        no_auth: Whether nobody is asked for a key, whoever reaches the service.
        behind: The platform that authenticates callers, of `keys.PLATFORMS`; then nobody is asked for a key, either.
        manner: How it listens and ends; None is the usual way, without TLS.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    no_auth: bool = False
    behind: str | None = None
    manner: Manner | None = None

    @property
    def asks(self) -> bool:
        """Whether callers are asked for a key, where there are any."""
        return not (self.no_auth or self.behind)


class Entrance(msgspec.Struct, frozen=True, kw_only=True):
    """Who is let in.

    Attributes:
        valid: How many keys are valid; None: keys are not in force.
        told: The same in words.
        warning: What the operator should know of it, or nothing.
    """

    valid: int | None
    told: str
    warning: str = ""


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A project as it would be served.

    Attributes:
        gates: Whether they held, or why the version may be served though they did not.
        self_tests: How many records got the answers that are stored with them.
        predictions: What becomes of its predictions.
    """

    project: str
    version: str
    data_version: str
    stand_in: bool
    gates: str
    self_tests: int
    predictions: str


class Trouble(msgspec.Struct, frozen=True):
    """Why the service would not start, or would not do what it is for.

    Attributes:
        exit_code: 2 for a wrong setup, 5 for something outside.
    """

    exit_code: int
    message: str


class Check(msgspec.Struct, kw_only=True):
    """What a service would be.

    Attributes:
        tls: The certificate that it shows; None where it speaks plain HTTP.
        journal: Where predictions are kept; None where none are.
        warnings: What does not keep it from starting.
    """

    address: str
    workers: int
    tls: str | None = None
    keys: Entrance | None = None
    journal: str | None = None
    projects: list[Offered] = []
    warnings: list[str] = []
    problems: list[Trouble] = []

    @property
    def exit_code(self) -> int:
        codes = {problem.exit_code for problem in self.problems}
        return UsageError.exit_code if UsageError.exit_code in codes else max(codes, default=0)


def manner(known: Settings, *, certificate: str | None = None, key: str | None = None, drain: float | None = None) -> Manner:
    """How a service listens and ends: by the options, else the settings. Raises UsageError for a certificate without its key."""
    from shipway.serving import tls
    from shipway.serving.connections import Limits
    from shipway.serving.server import Manner

    return Manner(
        tls=tls.files(certificate or known.tls_certificate, key or known.tls_key),
        drain=known.drain if drain is None else drain,
        limits=Limits(
            connections=known.connections,
            header_seconds=known.header_seconds,
            body_seconds=known.body_seconds,
            send_seconds=known.send_seconds,
            idle_seconds=known.idle_seconds,
        ),
    )


def exposed(host: str) -> bool:
    """Whether others than this machine reach what listens on *host*. Raises OutsideError where that is no address."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise OutsideError(f"{host!r} is no address of this machine; --host 127.0.0.1 is the usual one") from None
    return not all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)


def entrance(place: Workspace, setup: Setup) -> Entrance:
    """Who would be let in.

    Raises:
        UsageError: Everybody who reaches an address that is not this machine's own, and nobody said so; or the file of keys is
            gone or none.
        OutsideError: The host is no address of this machine, or the file of keys can't be read.
    """
    reached = exposed(setup.host)
    if setup.behind:
        return Entrance(valid=None, told=f"off: {PLATFORMS[setup.behind]} authenticates the callers")
    if setup.no_auth:
        warning = f"everybody who reaches {setup.host} may ask: keys are off by --no-auth" if reached else ""
        return Entrance(valid=None, told="off: --no-auth", warning=warning)
    file = wiring.keys(place)
    kept = file.read()
    if kept or file.begun:
        now = datetime.now(UTC)
        valid = sum(key.state(now) == "valid" for key in kept)
        told = f"{valid} valid of {len(kept)} in {file.path}"
        return Entrance(valid=valid, told=told, warning="" if valid else f"nobody may ask: no key in {file.path} is valid")
    if reached:
        raise UsageError(
            f"{setup.host} is an address that others reach, and there is no API key in {file.path}: make one "
            f"with `shipway keys add NAME`; or listen on this machine only, with --host 127.0.0.1; or let everybody in, with "
            f"--no-auth, or with --behind {'|'.join(PLATFORMS)} where that platform authenticates the callers"
        )
    return Entrance(valid=None, told=f"off: there are none, and only this machine reaches {setup.host}")


def reach(journalling: Journalling) -> None:
    """See whether the journal takes entries. Raises OutsideError where it does not."""
    try:
        journalling.journal.write(())
    finally:
        journalling.journal.close()


def check(place: Workspace, names: Sequence[str], setup: Setup) -> Check:
    """What `shipway serve` would serve, to the point of loading it; no port is opened."""
    from shipway.serving import tls
    from shipway.serving.live import LiveModels

    host = f"[{setup.host}]" if ":" in setup.host else setup.host
    found = Check(address=f"{host}:{setup.port}", workers=setup.workers)
    with _noted(found):
        found.keys = entrance(place, setup)
        found.warnings += [found.keys.warning] if found.keys.warning else []
    if setup.manner is not None and setup.manner.tls is not None:
        with _noted(found):
            tls.context(setup.manner.tls)
            found.tls = str(setup.manner.tls.certificate)
            found.warnings += tls.warnings(setup.manner.tls)
    with _noted(found):
        models = LiveModels(offers.releases(place, names))
        missing = [name for name in ([] if names else place.names()) if name not in models]
        found.warnings += [f"{name} has no champion, and is not served" for name in missing]
        kept = offers.journalling(place, models)
        for name, live in models.items():
            with _noted(found):
                found.warnings += [f"{name}: {problem}" for problem in lineup.read(place.bundles / name).problems]
                found.projects.append(_offered(place, live, kept))
        if any(kept.keeping(name) for name in models):
            found.journal = kept.journal.place
            reach(kept)
    return found


def _offered(place: Workspace, live: Live, kept: Journalling) -> Offered:
    """A project, its bundle loaded and put to its self-tests. Raises OutsideError where it is not what was registered."""
    from shipway.serving import live as lives

    release, keeps = live.release, kept.keeping(live.release.name)
    gates = _gates(place, release)
    try:
        tests = lives.load(release, live.folder).self_tests
    except ShipwayError:
        raise
    except Exception as error:  # of a library that the model was not made with
        told = f"{type(error).__name__}: {error}"
        raise OutsideError(f"{release.name} version {release.version} can't be loaded ({told}); run the project again") from error
    return Offered(
        project=release.name,
        version=release.version,
        data_version=release.data_version,
        stand_in=release.stand_in,
        gates=gates,
        self_tests=len(tests),
        predictions="not kept" if keeps is None else "kept before the answer" if keeps.durable else "kept",
    )


def _gates(place: Workspace, release: Release) -> str:
    """What the registry says of a version's gates. Raises OutsideError where its files here are not what was registered."""
    _, adapters = open_project(place, release.name)
    try:
        registered = [one for one in adapters.registry.aliases.versions() if one.version == release.version]
    except OutsideError:
        return "unknown: the registry does not answer"
    if not registered:
        return "unknown: the registry has this version no more"
    adapters.registry.verify(place.bundles / release.name, release.version)
    return "held" if registered[0].passed else f"overridden: {registered[0].override}"


@contextlib.contextmanager
def _noted(found: Check) -> Iterator[None]:
    """Note what is wrong, and go on with what comes after the block."""
    try:
        yield
    except ShipwayError as error:
        found.problems.append(Trouble(error.exit_code, str(error)))
