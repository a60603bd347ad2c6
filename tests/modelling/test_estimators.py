from __future__ import annotations

from pathlib import Path

import pytest

from shipway.core.errors import OutsideError
from shipway.modelling import estimators


def test_a_package_that_lacks_a_library_of_the_system_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package.py").write_text("raise OSError('libgomp.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OutsideError, match=r"libgomp\.so\.1.*apt-get install libgomp1"):
        estimators.find("broken_package.Classifier", "[tune.candidates.one]")
