"""Requests made from the published schema of each project (schemathesis), to a running service that keeps its predictions.

    python benchmarks/schemas.py [--requests 100000] [--workspace DIR] [--projects iris telco_churn airline_satisfaction]

The requests are shared evenly among the addresses that take a body; a few go to the others. One half of the bodies fits the
schema, the other does not. Counted are answers with a status of a server's fault, answers that are not what the document says
(status, type and schema), and leaks: texts of ten characters or more, or numbers of six digits or more, that were sent as values
and come back in a problem's text. Examples are printed, and the exit code is 1. Making a request takes 20 to 50 ms.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import Phase
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from workspace import service, workspace

CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]
SHOWN = 3
"""Examples of each kind of failure that are printed."""


@dataclass
class Tally:
    """What came of the requests, by status and by kind of failure."""

    asked: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def fail(self, kind: str, case: Any, told: str) -> None:
        self.failures[kind] += 1
        if self.failures[kind] <= SHOWN:
            print(f"{kind}: {case.method} {case.formatted_path}: {told[:300]!r} for {str(case.body)[:300]}", flush=True)


def leaves(value: Any) -> Iterator[str]:
    """The texts and numbers in *value* that are long enough to be known again, without names."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif isinstance(value, str) and len(value) >= 10:
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool) and len(str(value)) >= 6:
        yield str(value)


def ask(case: Any, base: str, session: requests.Session, tally: Tally, known: str) -> None:
    response = case.call(base_url=base, session=session)
    tally.asked += 1
    tally.statuses[response.status_code] += 1
    if response.status_code >= 500 and response.status_code != 503:
        tally.fail("server errors", case, response.text)
    try:
        case.validate_response(response, checks=CHECKS)
    except Exception as error:  # noqa: BLE001 - each check has an error of its own; they are counted and shown
        tally.fail("answers that the document does not allow", case, f"{response.status_code} {error}")
    if response.status_code >= 400 and "problem+json" in response.headers["content-type"][0]:
        problem = response.json()
        told = problem["detail"] + json.dumps([one["message"] for one in problem.get("errors", [])], ensure_ascii=False)
        if any(leaf in told and leaf not in known for leaf in leaves(case.body)):
            tally.fail("leaks", case, told)


def trial(
    operation: Any, mode: GenerationMode, count: int, base: str, session: requests.Session, tally: Tally, known: str
) -> None:
    @hypothesis.settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        ask(case, base, session, tally, known)

    each()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--round", type=int, default=250, help="requests to one address in a row")
    parser.add_argument("--workspace", help="one with champions; by default one is made")
    parser.add_argument("--projects", nargs="+", default=["iris", "telco_churn", "airline_satisfaction"])
    arguments = parser.parse_args()
    logging.disable()
    tally, began = Tally(), time.monotonic()
    with workspace(arguments.projects, arguments.workspace) as root, service(root, *arguments.projects) as (process, port):
        base = f"http://127.0.0.1:{port}"
        schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
        known = json.dumps(schema.raw_schema, ensure_ascii=False)
        operations = [one.ok() for one in schema.get_all_operations()]
        posts = [one for one in operations if one.method.lower() == "post"]
        with requests.Session() as session:
            while tally.asked < arguments.requests:
                for operation in operations:
                    for mode in (
                        (GenerationMode.POSITIVE, GenerationMode.NEGATIVE) if operation in posts else [GenerationMode.POSITIVE]
                    ):
                        count = arguments.round if operation in posts else max(1, arguments.round // 50)
                        trial(operation, mode, count, base, session, tally, known)
                print(f"{tally.asked:9,d} requests, {time.monotonic() - began:.0f} s, {dict(tally.failures)}", flush=True)
        assert process.poll() is None, "the service ended"
    print("status     answers")
    for status, count in sorted(tally.statuses.items()):
        print(f"{status:<6d} {count:11,d}")
    for kind in ("server errors", "answers that the document does not allow", "leaks"):
        print(f"{kind}: {tally.failures[kind]} of {tally.asked:,}")
    sys.exit(bool(tally.failures))


if __name__ == "__main__":
    main()
