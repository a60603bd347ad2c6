from __future__ import annotations

import pytest

from shipway.adapters.mlflow.store import Store
from shipway.core.errors import OutsideError


def test_an_embedded_store_lies_where_plain_mlflow_looks_for_it(place):
    client = place.store.open()
    place.store.experiment(client, "garden")
    assert (place.root / "mlflow.db").is_file()
    locations = {one.name: one.artifact_location for one in client.search_experiments()}
    assert locations == {
        "Default": str(place.root / "mlartifacts" / "0"),
        "garden": str(place.root / "mlartifacts" / "garden"),
    }


def test_a_store_that_is_there_is_left_as_it_is(place):
    place.store.experiment(place.store.open(), "kept")
    assert place.store.open().get_experiment_by_name("kept") is not None


def test_an_experiment_in_the_bin_is_taken_out_again(place):
    client = place.store.open()
    number = place.store.experiment(client, "garden")
    client.delete_experiment(number)
    assert place.store.experiment(client, "garden") == number
    assert client.get_experiment(number).lifecycle_stage == "active"


def test_a_relative_sqlite_address_counts_from_the_workspace(tmp_path, cache):
    assert Store(tmp_path, "sqlite:///mlflow.db", cache).database == tmp_path / "mlflow.db"
    assert Store(tmp_path, "sqlite:////srv/mlflow.db", cache).database is not None
    assert str(Store(tmp_path, "sqlite:////srv/mlflow.db", cache).database) == "/srv/mlflow.db"


def test_a_server_that_is_away_is_named_without_its_password(tmp_path, cache):
    store = Store(tmp_path, "http://ann:secret@127.0.0.1:9", cache)
    with pytest.raises(OutsideError, match=r"http://127\.0\.0\.1:9 does not answer") as caught:
        store.open()
    assert "secret" not in str(caught.value)


def test_nothing_half_made_is_left_beside_the_database(place):
    place.store.open()
    assert [path.name for path in place.root.iterdir()] == ["mlflow.db"]
