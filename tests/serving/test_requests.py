from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.contract import Column, Contract
from shipway.serving import requests
from shipway.serving.problems import Problem

PLAIN = Contract(target="y", columns={"x": Column(type="integer"), "y": Column(type="category", levels=["a", "b"])})
AWKWARD = Contract(
    target="y",
    columns={
        "records": Column(type="integer"),
        "columns": Column(type="integer", nullable=True),
        "y": Column(type="category", levels=["a", "b"]),
    },
)


def read(body: object, contract: Contract) -> list[object]:
    return requests.records(msgspec.json.encode(body), contract)


def test_a_contract_may_have_columns_named_as_the_batches_are() -> None:
    assert read({"records": 5}, AWKWARD) == [{"records": 5}]
    assert read({"records": 5, "columns": 6}, AWKWARD) == [{"records": 5, "columns": 6}]
    assert read({"records": [{"records": 5}]}, AWKWARD) == [{"records": 5}]
    assert read({"columns": {"records": [5, 6]}}, AWKWARD) == [{"records": 5}, {"records": 6}]


def test_a_list_beside_other_cells_is_a_cell_that_the_contract_will_refuse() -> None:
    assert read({"records": [5], "columns": 6}, AWKWARD) == [{"records": [5], "columns": 6}]


def test_without_such_a_column_a_batch_must_be_a_batch() -> None:
    with pytest.raises(Problem, match="must be a list of record objects"):
        read({"records": 5}, PLAIN)
    with pytest.raises(Problem, match="must be the only member"):
        read({"x": 1, "columns": {}}, PLAIN)


@given(st.lists(st.fixed_dictionaries({"x": st.integers(-9, 9), "y": st.none()}), min_size=1, max_size=5))
def test_columns_are_the_same_records_turned_round(records: list[dict[str, object]]) -> None:
    columns = {name: [record[name] for record in records] for name in ("x", "y")}
    assert read({"columns": columns}, PLAIN) == read({"records": records}, PLAIN) == records
