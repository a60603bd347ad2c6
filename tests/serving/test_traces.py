from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.serving import traces

GIVEN = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_goes_on_with_a_span_of_its_own() -> None:
    found = traces.trace(GIVEN)
    assert (found.trace, found.parent, found.flags) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01")
    assert found.span != found.parent


def test_a_later_version_of_the_header_may_say_more() -> None:
    assert traces.trace(b"cc" + GIVEN[2:] + b"-more").trace == "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"ff" + GIVEN[2:],
        GIVEN + b"-more",
        GIVEN.upper(),
        b"00-" + b"0" * 32 + GIVEN[35:],
        GIVEN[:36] + b"0" * 16 + b"-01",
        GIVEN[:-1],
    ],
)
def test_what_is_no_trace_begins_a_new_one(given: bytes) -> None:
    found = traces.trace(given)
    assert found.parent is None
    assert found.trace != "4bf92f3577b34da6a3ce929d0e0e4736"


@given(st.binary(max_size=200))
def test_whatever_comes_what_is_logged_is_plain_text_of_bounded_length(given: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._:/+=-]{1,128}", traces.request_id(given))
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", traces.trace(given).header)
