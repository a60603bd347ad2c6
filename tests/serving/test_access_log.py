from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shipway.serving.access_log import HELD, AccessLog, Form
from shipway.serving.outcomes import Outcome


@contextmanager
def written(form: Form = "json") -> Iterator[tuple[AccessLog, list[str]]]:
    """A log, and the lines that were written once the block is over."""
    reader, writer = os.pipe()
    lines: list[str] = []
    reading = threading.Thread(target=lambda: lines.extend(os.fdopen(reader, encoding="utf-8")))
    reading.start()
    log = AccessLog(form, writer)
    log.start()
    try:
        yield log, lines
    finally:
        log.stop()
        os.close(writer)
        reading.join()


def asked(**said: Any) -> Outcome:
    return Outcome(**{"id": "r1", "method": "POST", "path": "/iris/predict", "client": "127.0.0.1", "status": 200} | said)


def test_a_line_of_json_says_what_became_of_a_request() -> None:
    with written() as (log, lines):
        log(asked(project="iris", version="3", records=2, seconds=0.0042, caller="shop", sent=99))
    (line,) = map(json.loads, lines)
    assert line.pop("time").endswith("Z")
    assert len(line.pop("trace_id")) == 32
    assert len(line.pop("span_id")) == 16
    assert line == {
        "request_id": "r1",
        "client": "127.0.0.1",
        "caller": "shop",
        "method": "POST",
        "path": "/iris/predict",
        "status": 200,
        "milliseconds": 4.2,
        "bytes": 99,
        "project": "iris",
        "version": "3",
        "records": 2,
    }


def test_a_probe_that_was_answered_is_not_logged_and_one_that_was_not_is() -> None:
    with written() as (log, lines):
        log(asked(path="/health/ready"))
        log(asked(path="/health/ready", status=503, reason="unready"))
    assert [json.loads(line)["status"] for line in lines] == [503]


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_address_can_forge_no_line(form: Form) -> None:
    with written(form) as (log, lines):
        log(asked(path="/a\n{}\r\x1b[2J\ud800" + "x" * 10_000))
    assert len(lines) == 1
    assert lines[0].rstrip("\n").isprintable()
    assert len(lines[0]) < 1_000


def test_many_lines_come_whole_and_in_order() -> None:
    with written() as (log, lines):
        for number in range(5_000):
            log(asked(records=number + 1))
    assert [json.loads(line)["records"] for line in lines] == list(range(1, 5_001))


def test_a_reader_that_reads_nothing_holds_nobody_up() -> None:
    reader, writer = os.pipe()
    log = AccessLog("json", writer)
    log.start()
    for _ in range(HELD + 2_000):
        log(asked())
    assert log.dropped > 0
    os.close(reader)
    log.stop()
    os.close(writer)


def test_a_closed_output_stops_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = AccessLog("json", writer)
    log.start()
    log(asked())
    log.stop()
    os.close(writer)
    assert log.dropped == 1


def test_a_pipe_that_does_not_wait_gets_every_line_all_the_same() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    log = AccessLog("json", writing)
    log.start()
    for number in range(2_000):
        log(asked(path=f"/{number}"))
    got = bytearray()
    while got.count(b"\n") < 2_000:
        got += os.read(reading, 65_536)
    log.stop()
    assert (got.count(b"\n"), log.dropped) == (2_000, 0)
    for descriptor in (reading, writing):
        os.close(descriptor)
