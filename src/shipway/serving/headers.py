"""What a request's header must be beyond what the parser asks: what is not served, or is read differently by others."""

from __future__ import annotations

from collections.abc import Sequence

import httptools

from shipway.serving.problems import Problem

VERSIONS = ("1.0", "1.1")


def fault(version: str, method: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Problem | None:
    """Why a request is refused; None where it is not.

    The parser has refused by then: two lengths, a length beside a transfer coding, lines that end otherwise than by CR LF or are
    folded, characters that no name or value may have.

    Args:
        headers: Names in small letters, and values.
    """
    if version not in VERSIONS:
        return Problem(505, "The service speaks HTTP/1.1.", reason="malformed")
    if method == b"CONNECT":
        return Problem(501, "The service is no proxy.", reason="malformed")
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                return Problem(501, "Of transfer codings the service takes only chunked.", reason="malformed")
            if version == "1.0":  # RFC 9112, section 6.1
                return Problem(400, "A request of HTTP/1.0 can't be sent in chunks.")
    if hosts > 1 or (version == "1.1" and not hosts):  # RFC 9112, section 3.2
        return Problem(400, "The request must have one header Host.")
    return None


def origin_form(url: bytes) -> bytes:
    """The path and query of a request's target, which may be a whole address (RFC 9112, section 3.2.2).

    Raises:
        httptools.HttpParserInvalidURLError: It is neither.
    """
    if url.startswith(b"/") or url == b"*":
        return url
    parsed = httptools.parse_url(url)
    return (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
