from __future__ import annotations

from pathlib import Path

import pytest

from shipway import settings
from shipway.core.errors import UsageError

SERVER = "postgresql://me@db.example/journal"


def load(root: Path, text: str = "", **environment: str) -> settings.Settings:
    (root / "shipway.toml").write_text(text)
    return settings.load(root, environment)


def test_the_journal_is_the_workspaces_own_file_unless_a_server_is_named(tmp_path: Path) -> None:
    assert load(tmp_path).journal is None
    assert load(tmp_path, f'journal = "{SERVER}"').journal == SERVER
    assert load(tmp_path, f'journal = "{SERVER}"', SHIPWAY_JOURNAL="postgres://a:secret@b/c").journal == "postgres://a:secret@b/c"


@pytest.mark.parametrize("address", ["me:s3cret@db/journal", ":s3cret@[::1/journal", "db/journal?user=me&password=s3cret"])
def test_a_password_in_the_file_is_refused_and_not_shown(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError, match="SHIPWAY_JOURNAL") as error:
        load(tmp_path, f'journal = "postgresql://{address}"')
    assert "s3cret" not in str(error.value)


def test_a_database_of_another_kind_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected an address such as postgresql://.*'mysql'") as error:
        load(tmp_path, SHIPWAY_JOURNAL="mysql://me:s3cret@db/journal")
    assert "s3cret" not in str(error.value)


def test_times_come_from_the_environment_before_the_file(tmp_path: Path) -> None:
    found = load(tmp_path, "drain = 3\nidle_seconds = 65.5", SHIPWAY_DRAIN="0.5")
    assert (found.drain, found.idle_seconds) == (0.5, 65.5)


@pytest.mark.parametrize("text", ["drain = 0", "header_seconds = -1", "body_seconds = nan", "connections = 0"])
def test_times_and_numbers_that_would_end_every_request_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=text.partition(" ")[0]):
        load(tmp_path, text)
