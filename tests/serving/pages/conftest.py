from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.conftest import CASE_STUDIES, CaseStudy
from tests.endpoints import free_port, process
from tests.serving.pages.chromium import FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser(needs: Callable[[str], str]) -> Iterator[Browser]:
    """One for all tests of a module. While it is open, no test of the same process can run an event loop of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=needs("chromium"), args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def service(case_study: Callable[[str], CaseStudy], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`shipway serve` of all three case studies."""
    studies = [case_study(name) for name in CASE_STUDIES]
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "shipway", "serve", "--port", str(port)]
    log = tmp_path_factory.mktemp("service") / "log"
    with contextlib.ExitStack() as stack:
        stack.enter_context(process(command, studies[0], f"{address}/health/ready", log))
        yield stack.enter_context(httpx.Client(base_url=address, timeout=60))
