from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.cli.display import LiveWatcher
from shipway.core.watching import Outcome

if TYPE_CHECKING:
    import pytest


def test_a_long_warning_is_left_to_the_terminal_to_wrap(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    with LiveWatcher("flights") as watcher:
        watcher.finished(Outcome("clean", "done", warnings=("many words [of] warning " * 5,)))
    assert f"warning clean: {'many words [of] warning ' * 5}\n" in capsys.readouterr().err
