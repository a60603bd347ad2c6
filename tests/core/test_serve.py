"""The section `[serve]`."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.core import project, serve
from shipway.core.errors import UsageError
from shipway.core.serve import Canary, Serve

CONTRACT = 'target = "back"\n[columns.pages]\ntype = "integer"\n[columns.back]\ntype = "category"\nlevels = ["no", "yes"]\n'


def read(folder: Path, section: str) -> Serve:
    (folder / "project.toml").write_text(section)
    (folder / "contract.toml").write_text(CONTRACT)
    return serve.of(project.load(folder))


def test_a_canary_is_an_alias_and_a_share(tmp_path: Path) -> None:
    found = read(tmp_path, '[serve]\ncanary = { alias = "challenger", share = 0.1 }')
    assert found.canary == Canary(alias="challenger", share=0.1)
    assert read(tmp_path, "[serve]").canary is None


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("canary = 0.1", r"\[serve\] canary: expected a table with alias, share; found 0.1"),
        (
            'canary = { alias = "champion", share = 0.1 }',
            r"\[serve.canary\] alias: expected .*challenger, shadow; found 'champion'",
        ),
        ('canary = { alias = "chalenger", share = 0.1 }', r"found 'chalenger'; did you mean 'challenger'"),
        ('canary = { alias = "challenger" }', r"\[serve.canary\] needs the key 'share': a number"),
        ('canary = { alias = "challenger", part = 0.1 }', r"\[serve.canary\] has no setting 'part'"),
        ('canary = { alias = "challenger", share = "10 %" }', r"\[serve.canary\] share: expected a number; found '10 %'"),
        *(
            (f'canary = {{ alias = "challenger", share = {share} }}', r"share: expected a number above 0 and below 1")
            for share in ("0", "1", "1.0", "-0.1", "10", "nan", "inf")
        ),
        ('canary = { alias = "challenger", share = true }', r"\[serve.canary\] share: expected a number; found True"),
    ],
)
def test_a_canary_that_is_none_is_told_with_its_key(tmp_path: Path, section: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"project\.toml: .*{message}"):
        read(tmp_path, f"[serve]\n{section}")
