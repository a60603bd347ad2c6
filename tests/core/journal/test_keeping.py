from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shipway.core import project, serve
from shipway.core.errors import UsageError
from shipway.core.journal import keeping
from shipway.core.journal.keeping import Keeping

CONTRACT = """\
target = "back"
key = ["visit"]
[columns.visit]
type = "text"
[columns.pages]
type = "integer"
[columns.memo]
type = "text"
role = "ignored"
[columns.back]
type = "category"
levels = ["no", "yes"]
"""


def read(folder: Path, section: str) -> Keeping:
    (folder / "project.toml").write_text(section)
    (folder / "contract.toml").write_text(CONTRACT)
    return serve.of(project.load(folder)).journal


def test_without_a_section_all_is_kept_for_ever(tmp_path: Path) -> None:
    found = read(tmp_path, "")
    assert (found.enabled, found.durable, found.age, found.when_away) == (True, False, None, "refuse")


def test_features_and_key_are_kept_where_nothing_is_chosen(tmp_path: Path) -> None:
    found = read(tmp_path, "")
    contract = project.load(tmp_path).contract
    assert found.kept(contract) == ["visit", "pages"]
    assert found.keeps_key(contract)
    assert not read(tmp_path, '[serve.journal]\ncolumns = ["pages"]').keeps_key(contract)


@pytest.mark.parametrize(
    ("text", "expected"), [("36h", timedelta(hours=36)), ("90d", timedelta(days=90)), ("12w", timedelta(weeks=12))]
)
def test_a_period_is_a_number_of_hours_days_or_weeks(text: str, expected: timedelta) -> None:
    assert keeping.period(text) == expected


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1.5d", "90 d", "3m", "999999999d"])
def test_any_other_period_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match='such as "36h"'):
        keeping.period(text)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("[serve]\njurnal = {}", r"\[serve\] has no setting 'jurnal'; did you mean 'journal'"),
        ("[serve]\njournal = 5", r"\[serve\] journal: expected a table with enabled, .*found 5"),
        ("[serve.journal]\nhashed = []", r"\[serve\.journal\] has no setting 'hashed'; did you mean 'hash'"),
        ("[serve.journal]\ndurable = 'yes'", r"\[serve\.journal\] durable: expected true or false; found 'yes'"),
        ("[serve.journal]\nwhen_away = 'wait'", r"\[serve\.journal\] when_away: expected one of refuse, serve; found 'wait'"),
        ("[serve.journal]\nkeep = '3 months'", r"\[serve\.journal\] keep: expected a number of hours.*'3 months'"),
        ("[serve.journal]\nhash = ['visits']", r"hash: there is no column 'visits'; did you mean 'visit'"),
        ("[serve.journal]\ncolumns = ['page']", r"columns: there is no column 'page'; did you mean 'pages'"),
        ("[serve.journal]\ncolumns = ['pages']\nhash = ['visit']", r"hash: 'visit' is not kept"),
    ],
)
def test_a_mistake_is_told_with_the_key_and_the_nearest_name(tmp_path: Path, section: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path, section)
