"""TLS by certificate files: checked before a port is opened, and taken anew when they are renewed."""

from __future__ import annotations

import logging
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shipway.core.errors import UsageError

LOOK_SECONDS = 5.0
"""Between two looks whether the files were renewed."""

SOON = timedelta(days=14)
"""Before the end of a certificate at which it is warned of; renewal by ACME is due 30 days before (RFC 9773 and its clients)."""

log = logging.getLogger("shipway.serving")


@dataclass(frozen=True)
class Files:
    """A certificate, with those that lead to its authority after it, and its private key: two PEM files, or one and the same."""

    certificate: Path
    key: Path


def files(certificate: str | None, key: str | None) -> Files | None:
    """The files of two settings; None where neither is set. Raises UsageError where only one is."""
    if certificate and key:
        return Files(Path(certificate).absolute(), Path(key).absolute())  # workers run in another folder
    if certificate or key:
        missing, option = ("key", "--tls-key") if certificate else ("certificate", "--tls-certificate")
        raise UsageError(f"TLS needs a certificate and its key, and the {missing} is not set; give it by {option} FILE")
    return None


def context(found: Files) -> ssl.SSLContext:
    """What the service answers TLS 1.2 and 1.3 with. Raises UsageError where the files don't fit, saying what to do."""
    for what, file in (("certificate", found.certificate), ("key", found.key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise UsageError(f"the TLS {what} {file} can't be read: {error.strerror}; give its path by --tls-{what}") from None
    since, until = _span(found.certificate)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    _load(made, found)
    if until <= datetime.now(UTC):
        raise UsageError(f"the TLS certificate {found.certificate} ended on {until:%Y-%m-%d}; renew it")
    if since > datetime.now(UTC):
        told = f"is valid from {since:%Y-%m-%d} on; wait, or set this machine's clock"
        raise UsageError(f"the TLS certificate {found.certificate} {told}")
    return made


def warnings(found: Files) -> list[str]:
    """What is not wrong with files that fit, and should be looked at."""
    told = []
    if found.key.stat().st_mode & 0o077:
        told.append(f"the TLS key {found.key} can be read by others than its owner; `chmod 600 {found.key}` mends that")
    if (until := _span(found.certificate)[1]) <= datetime.now(UTC) + SOON:
        told.append(f"the TLS certificate {found.certificate} ends on {until:%Y-%m-%d}; renew it, which needs no restart")
    return told


class Renewal:
    """Takes renewed files into a context that is in use: connections from then on get the new certificate.

    Attributes:
        problem: Why files that have changed are not taken; empty where they are.
    """

    def __init__(self, found: Files, live: ssl.SSLContext) -> None:
        self._files, self._live = found, live
        self._seen = self._marks()
        self._next = time.monotonic() + LOOK_SECONDS
        self.problem = ""

    def look(self) -> None:
        """Take the files where they have changed and fit; else go on with what was there, and say so once."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK_SECONDS
        marks = self._marks()
        if marks == self._seen:
            return
        try:
            context(self._files)  # aside first: a context that took a certificate and not its key would answer nobody
            _load(self._live, self._files)
        except UsageError as error:
            if str(error) != self.problem:  # one of the two may be there before the other
                log.warning("the service goes on with the TLS certificate it has: %s", error)
            self.problem = str(error)
            return
        self._seen, self.problem = marks, ""
        log.info("the TLS certificate was renewed; it ends on %s", f"{_span(self._files.certificate)[1]:%Y-%m-%d}")

    def _marks(self) -> list[tuple[int, ...]]:
        marks: list[tuple[int, ...]] = []
        for file in (self._files.certificate, self._files.key):
            try:
                told = file.stat()
                marks.append((told.st_ino, told.st_size, told.st_mtime_ns))
            except OSError:
                marks.append(())
        return marks


def _load(made: ssl.SSLContext, found: Files) -> None:
    encrypted = False

    def password() -> str:
        nonlocal encrypted
        encrypted = True
        return ""

    try:
        made.load_cert_chain(found.certificate, found.key, password)
    except (ssl.SSLError, OSError, ValueError) as error:
        if encrypted:
            step = f"`openssl pkey -in {found.key} -out FILE` takes it away; let only the service's user read that file"
            raise UsageError(f"the TLS key {found.key} has a password, and a service can't be asked for it; {step}") from None
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise UsageError(f"the TLS key {found.key} does not belong to the certificate {found.certificate}") from None
        raise UsageError(
            f"the TLS key {found.key} can't be used with {found.certificate}: expected a private key in PEM form; "
            f"`openssl pkey -in {found.key} -noout -check` says what is wrong with it"
        ) from None


def _span(certificate: Path) -> tuple[datetime, datetime]:
    """From when until when the first certificate of a file holds, which is the service's own."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        return found.not_valid_before_utc, found.not_valid_after_utc
    except (ValueError, OSError):
        raise UsageError(
            f"the TLS certificate {certificate} can't be used: expected certificates in PEM form, the service's own first"
        ) from None
