"""Encodings, told from bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.dialect.encodings import decode, encoding_of

FRAME = "name,city,score\n" * 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@given(text=st.text(max_size=20))
def test_a_unicode_text_is_read_back_without_being_told_its_encoding(encoding, text):
    written = (FRAME + text).encode(encoding)
    assert decode(written, encoding_of([written])[0]) == FRAME + text


@pytest.mark.parametrize(("signs", "name"), [("éßÜ", "cp1252"), ("€“”", "cp1252"), ("é\x81", "latin-1")])
def test_other_bytes_are_western_european_with_a_reason(signs, name):
    found, reason = encoding_of([(FRAME + signs).encode(name)])
    assert (found, bool(reason)) == (name, True)


def test_a_byte_late_in_the_file_counts_as_one_at_its_start():
    assert encoding_of([b"a,b\n"] * 5 + ["é".encode("cp1252")])[0] == "cp1252"


def test_a_character_may_be_cut_between_two_parts():
    euro = "€".encode()
    assert encoding_of([b"a" + euro[:1], euro[1:] + b"b"]) == ("utf-8", "")


def test_a_character_may_be_cut_at_the_end_of_a_sample():
    assert encoding_of([b"a" + "€".encode()[:2]], cut=True) == ("utf-8", "")


def test_one_bad_byte_does_not_spoil_a_utf_8_text():
    assert encoding_of(["naïve, ".encode(), b"caf\xe9"]) == ("utf-8", "")


def test_an_empty_text_is_utf_8():
    assert encoding_of([]) == ("utf-8", "")
