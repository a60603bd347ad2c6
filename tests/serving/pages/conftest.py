from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import CASE_STUDIES, CaseStudy, alone
from tests.serving.pages.chromium import FLAGS
from tests.serving.served import serving

from shipway import offers, wiring
from shipway.serving.app import create_app

if TYPE_CHECKING:
    import httpx
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
def service(common: Path, case_study: Callable[[str], CaseStudy]) -> Iterator[httpx.Client]:
    """A service of the champions of all three case studies."""
    places = [wiring.open_workspace(case_study(name).workspace) for name in CASE_STUDIES]
    with alone(common / "pages.lock"):
        releases = offers.releases(places[0], CASE_STUDIES)
    with serving(create_app(releases)) as client:
        yield client
