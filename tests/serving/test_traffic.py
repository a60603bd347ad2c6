from __future__ import annotations

import time
from pathlib import Path

import msgspec

from shipway.serving.outcomes import Outcome
from shipway.serving.traffic import BUCKETS, MINUTES, Minute, Traffic


def outcome(**said: object) -> Outcome:
    found = Outcome(project="iris", version="3", records=2, seconds=0.003)
    found.labels.update(setosa=2)
    for name, value in said.items():
        setattr(found, name, value)
    return found


def total(traffic: Traffic, project: str = "iris") -> Minute:
    found = Minute(start=0)
    for minute in traffic.recent(project).minutes:
        found.add(minute)
    return found


def test_a_minute_counts_requests_records_labels_latency_and_errors() -> None:
    traffic = Traffic()
    traffic(outcome())
    traffic(outcome(seconds=99.0))
    traffic(outcome(reason="contract"))
    found = total(traffic)
    assert (found.requests, found.records, found.labels, found.errors) == (3, 6, {"setosa": 4}, {"contract": 1})
    assert found.latency[BUCKETS.index(0.005)] == found.latency[-1] == 1
    assert sum(found.latency) == 2


def test_each_minute_of_the_hour_is_told_also_those_without_a_request() -> None:
    minutes = Traffic().recent("iris").minutes
    assert [minute.start for minute in minutes] == [minutes[0].start + 60 * place for place in range(MINUTES)]


def test_requests_of_no_project_count_for_none() -> None:
    traffic = Traffic()
    traffic(outcome(project=None))
    assert total(traffic).requests == 0


def test_workers_tell_each_other_and_what_one_counted_outlives_it(tmp_path: Path) -> None:
    one, other = Traffic(tmp_path), Traffic(tmp_path)
    one(outcome())
    one.write()
    other(outcome(reason="rate"))
    other.write()
    assert total(one).requests == total(other).requests == total(Traffic(tmp_path)).requests == 2


def test_what_is_over_an_hour_old_is_told_no_more(tmp_path: Path) -> None:
    old = int(time.time()) // 60 * 60 - MINUTES * 60
    (tmp_path / "1-1.json").write_bytes(msgspec.json.encode({"iris": {old: Minute(start=old, requests=7)}}))
    assert total(Traffic(tmp_path)).requests == 0


def test_a_file_that_is_none_of_ours_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "1-1.json").write_bytes(b"{half")
    assert total(Traffic(tmp_path)).requests == 0
