from __future__ import annotations

from pathlib import Path

from shipway.core.artifacts import Page


def test_a_page_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    page = Page("<!doctype html>\r\n<title>Blüten &amp; more</title>\n")
    page.save(tmp_path)
    assert Page.load(tmp_path) == page


def test_a_page_is_called_what_its_title_says() -> None:
    assert Page("<head>\n<title>Blüten &amp; more</title></head>").title == "Blüten & more"
    assert Page("<p>nothing").title == ""
