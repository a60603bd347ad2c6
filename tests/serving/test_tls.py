"""TLS by certificate files."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.serving import certificates
from tests.serving.certificates import DAY
from tests.serving.test_draining import running
from tests.serving.wires import LIVE, PATIENCE, Answer, Reader
from tests.waiting import until

from shipway.core.errors import UsageError
from shipway.serving import server, tls
from shipway.serving.app import create_app
from shipway.serving.connections import Limits
from shipway.serving.server import Manner

if TYPE_CHECKING:
    from tests.serving.conftest import Releases


def test_a_certificate_without_its_key_is_refused() -> None:
    assert tls.files(None, None) is None
    assert tls.files("a.crt", "a.key") == tls.Files(Path.cwd() / "a.crt", Path.cwd() / "a.key")
    with pytest.raises(UsageError, match="the key is not set; give it by --tls-key"):
        tls.files("a.crt", None)
    with pytest.raises(UsageError, match="the certificate is not set; give it by --tls-certificate"):
        tls.files(None, "a.key")


def broken(tmp_path: Path, how: str) -> tls.Files:
    files, other = certificates.write(tmp_path), certificates.write(tmp_path, "other")
    match how:
        case "no certificate":
            return replace(files, certificate=tmp_path / "none.crt")
        case "no key":
            return replace(files, key=tmp_path / "none.key")
        case "a folder":
            return replace(files, key=tmp_path)
        case "another's key":
            return replace(files, key=other.key)
        case "the two exchanged":
            return tls.Files(files.key, files.certificate)
        case "no certificate in the file":
            files.certificate.write_text("hello")
        case "half a certificate":
            files.certificate.write_bytes(files.certificate.read_bytes()[:200])
        case "no key in the file":
            files.key.write_bytes(b"\x00\xff")
        case "an empty key":
            files.key.write_bytes(b"")
        case "ended":
            return certificates.write(tmp_path, begins=-9 * DAY, lasts=8 * DAY)
        case "not begun":
            return certificates.write(tmp_path, begins=DAY)
        case "a password":
            return certificates.write(tmp_path, password="secret")
    return files


BROKEN = {
    "no certificate": "the TLS certificate .*none.crt can't be read: No such file",
    "no key": "the TLS key .*none.key can't be read: No such file .*--tls-key",
    "a folder": "the TLS key .* can't be read: Is a directory",
    "another's key": "other.key does not belong to the certificate",
    "the two exchanged": "service.key can't be used: expected certificates in PEM form",
    "no certificate in the file": "service.crt can't be used: expected certificates in PEM form",
    "half a certificate": "service.crt can't be used: expected certificates in PEM form",
    "no key in the file": "service.key can't be used .*expected a private key in PEM form",
    "an empty key": "service.key can't be used .*expected a private key in PEM form",
    "ended": r"service.crt ended on \d{4}-\d\d-\d\d; renew it",
    "not begun": r"service.crt is valid from \d{4}-\d\d-\d\d on; .*clock",
    "a password": "service.key has a password.*`openssl pkey -in",
}


@pytest.mark.parametrize("how", BROKEN)
def test_files_that_do_not_fit_are_refused_before_a_port_is_opened(tmp_path: Path, how: str) -> None:
    with pytest.raises(UsageError, match=BROKEN[how]), server.listen("127.0.0.1", 0, Manner(tls=broken(tmp_path, how))):
        pass


def test_a_key_that_others_can_read_and_a_certificate_that_ends_soon_are_warned_of(tmp_path: Path) -> None:
    assert tls.warnings(certificates.write(tmp_path)) == []
    files = certificates.write(tmp_path, lasts=5 * DAY)
    files.key.chmod(0o640)
    readable, ends = tls.warnings(files)
    assert "can be read by others than its owner; `chmod 600" in readable
    assert "ends on" in ends


@pytest.fixture
def files(tmp_path: Path) -> tls.Files:
    return certificates.write(tmp_path)


def trusting(*files: tls.Files) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files[0].certificate))
    for one in files[1:]:
        context.load_verify_locations(cafile=str(one.certificate))
    return context


def test_requests_are_answered_by_https_and_limits_hold(releases: Releases, files: tls.Files) -> None:
    manner = Manner(tls=files, limits=Limits(header_seconds=0.5, idle_seconds=0.5))
    with running(create_app(releases[:1]), manner) as (port, _, _):
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusting(files)) as client:
            answer = client.get("/health/live")
            assert answer.status_code == 200
            assert client.post("/iris/predict", content=b" " * 20_000_000).status_code == 415
        assert [one.status for one in ask(port, files, LIVE)] == [200]
        assert [one.status for one in ask(port, files, b"GET / HT")] == [408]
        assert [one.status for one in ask(port, files, b"HELLO\r\n\r\n")] == [400]


def ask(port: int, files: tls.Files, sent: bytes, context: ssl.SSLContext | None = None) -> list[Answer]:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        (context or trusting(files)).wrap_socket(plain, server_hostname="localhost") as wire,
    ):
        wire.sendall(sent)
        return Reader(wire).rest()


def test_a_client_that_does_not_shake_hands_is_let_go(
    releases: Releases, files: tls.Files, caplog: pytest.LogCaptureFixture
) -> None:
    manner = Manner(tls=files, limits=Limits(header_seconds=0.5))
    with running(create_app(releases[:1]), manner) as (port, _, _):
        for sent in (b"", b"\x16\x03\x01", LIVE):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
                wire.sendall(sent)
                try:
                    while wire.recv(1000):
                        pass
                except ConnectionResetError:
                    pass
        assert [one.status for one in ask(port, files, b"HELLO\r\n\r\n")] == [400]
    assert [one.message for one in caplog.records if one.levelname in ("WARNING", "ERROR")] == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_versions_of_tls_before_1_2_are_not_spoken(releases: Releases, files: tls.Files) -> None:
    with running(create_app(releases[:1]), Manner(tls=files)) as (port, _, _):
        old = trusting(files)
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            ask(port, files, LIVE, old)
        middle = trusting(files)
        middle.maximum_version = ssl.TLSVersion.TLSv1_2
        assert [one.status for one in ask(port, files, b"HELLO\r\n\r\n", middle)] == [400]


def test_a_renewed_certificate_is_taken_and_half_a_renewal_is_not(
    tmp_path: Path, releases: Releases, files: tls.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "LOOK_SECONDS", 0.05)
    first = files.certificate.read_bytes()
    with running(create_app(releases[:1]), Manner(tls=files)) as (port, service, _):
        assert shown(port) == ssl.PEM_cert_to_DER_cert(first.decode())
        new = certificates.write(tmp_path, "new")
        new.certificate.replace(files.certificate)
        renewal = service.renewal
        assert renewal is not None
        until(lambda: "does not belong" in renewal.problem)
        assert shown(port) == ssl.PEM_cert_to_DER_cert(first.decode())
        second = files.certificate.read_text()
        new.key.replace(files.key)
        until(lambda: shown(port) == ssl.PEM_cert_to_DER_cert(second))


def shown(port: int) -> bytes:
    """The certificate that the service shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain, context.wrap_socket(plain) as wire:
        found = wire.getpeercert(binary_form=True)
        assert found is not None
        return found
