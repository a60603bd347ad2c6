"""Pages in a real Chromium, watched: what they log, what they break of their policy, whom they ask."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARTIFACTS = Path(os.environ.get("SHIPWAY_TEST_ARTIFACTS") or Path(__file__).parents[3] / "test-artifacts")
"""Where screenshots are kept, for people and CI to look at."""

WIDTHS = {"desk": 1100, "phone": 390}
HEIGHT = 900
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]

VIOLATIONS = """addEventListener("securitypolicyviolation", (event) => console.error("policy: " + event.violatedDirective))"""


@contextlib.contextmanager
def opened(browser: Browser, address: str, **changed: Any) -> Iterator[Page]:
    """The page at *address*. Fails when anything went wrong in it, or when it asked anyone else.

    What a refused request logs is no fault: the tests provoke some.
    """
    wrong: list[str] = []
    asked: set[str] = set()
    settings = {"viewport": {"width": WIDTHS["desk"], "height": HEIGHT}, "reduced_motion": "reduce"} | changed
    context = browser.new_context(base_url=address, **settings)
    try:
        context.add_init_script(VIOLATIONS)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.add(request.url))
        page.goto(address)
        yield page
    finally:
        context.close()
    assert [text for text in wrong if not text.startswith("Failed to load resource")] == []
    host = "/".join(address.split("/")[:3])
    assert {url for url in asked if not url.startswith((f"{host}/", "blob:", "data:"))} == set()


def photograph(page: Page, name: str) -> None:
    """Keep a screenshot of the whole page."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
