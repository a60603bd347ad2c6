from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core.contract import load, read
from shipway.core.errors import UsageError
from shipway.core.inference import infer

TYPES = {
    "count": "integer",
    "visits": "integer",
    "amount": "number",
    "ratio": "number",
    "member": "boolean",
    "colour": "category",
    "remark": "text",
    "day": "datetime",
    "moment": "datetime",
    "outcome": "category",
}
GAPS = ("visits", "ratio", "colour", "moment")
ROWS = 60


def table(seed: int) -> pd.DataFrame:
    """A table with each type that the contract knows, some with gaps."""
    draw = np.random.default_rng(seed)
    days = np.datetime64("2001-01-01") + draw.integers(0, 9000, ROWS).astype("timedelta64[D]")
    moments = days.astype("datetime64[s]") + draw.integers(0, 24 * 60, ROWS).astype("timedelta64[m]")
    frame = pd.DataFrame(
        {
            "count": draw.integers(-900, 90_000, ROWS),
            "visits": pd.array(draw.integers(0, 50, ROWS), dtype="Int64"),
            "amount": np.round(draw.normal(0, 3000, ROWS), 2) + 0.25,
            "ratio": np.round(draw.random(ROWS) * 90, 3) + 0.0625,
            "member": draw.random(ROWS) < 0.5,
            "colour": draw.choice(["red", "dark blue", "grün", 'the "other"', "a,b;c"], ROWS),
            "remark": [f"row {row}, as seen by {name}" for row, name in enumerate(draw.integers(0, 10**9, ROWS))],
            "day": days,
            "moment": moments,
            "outcome": draw.choice(["won", "lost"], ROWS),
        }
    )
    for name in GAPS:
        frame.loc[draw.random(ROWS) < 0.2, name] = None
    return frame


def texts(frame: pd.DataFrame, **columns: Callable[[Any], str]) -> pd.DataFrame:
    """The table with some columns as texts that a person would write."""
    return frame.assign(**{name: frame[name].map(make, na_action="ignore") for name, make in columns.items()})


def swapped(text: str) -> str:
    """A number written in English, as it is in German."""
    return text.translate(str.maketrans(",.", ".,"))


def polars(frame: pd.DataFrame) -> pl.DataFrame:
    return pl.from_pandas(frame)


def rounded(series: pl.Series) -> list[Any]:
    """Values to the six places that all manners write."""
    return (series.round(6) if series.dtype.is_float() else series).to_list()


SEMICOLON = {"sep": ";", "index": False}
MANNERS: dict[str, Callable[[pd.DataFrame], str]] = {
    "pandas": lambda frame: frame.to_csv(index=False),
    "with an index": lambda frame: frame.to_csv(),
    "with a shuffled index": lambda frame: frame.set_index(np.random.default_rng(0).permutation(ROWS)).to_csv(),
    "decimal comma": lambda frame: frame.to_csv(decimal=",", **SEMICOLON),
    "NA": lambda frame: frame.to_csv(index=False, na_rep="NA"),
    "question mark": lambda frame: frame.to_csv(index=False, na_rep="?"),
    "unknown": lambda frame: frame.to_csv(index=False, na_rep="unknown"),
    "N/A and decimal comma": lambda frame: frame.to_csv(decimal=",", na_rep="N/A", **SEMICOLON),
    "day first": lambda frame: frame.to_csv(index=False, date_format="%d/%m/%Y %H:%M"),
    "month first": lambda frame: frame.to_csv(index=False, date_format="%m/%d/%Y %I:%M:%S %p"),
    "points between": lambda frame: frame.to_csv(index=False, date_format="%d.%m.%y %H:%M"),
    "named months": lambda frame: frame.to_csv(index=False, date_format="%d %b %Y %H:%M"),
    "ISO with T": lambda frame: frame.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ"),
    "all quoted": lambda frame: frame.to_csv(index=False, quoting=csv.QUOTE_ALL),
    "texts quoted": lambda frame: frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC),
    "fixed places": lambda frame: frame.to_csv(index=False, float_format="%.6f"),
    "scientific": lambda frame: frame.to_csv(index=False, float_format="%.9e"),
    "integers as floats": lambda frame: frame.assign(visits=frame["visits"].astype(float)).to_csv(index=False),
    "thousands": lambda frame: texts(frame, count="{:,}".format, amount="{:,.2f}".format).to_csv(index=False),
    "German": lambda frame: texts(frame, amount=lambda x: swapped(f"{x:,.2f}"), count=lambda x: swapped(f"{x:,}")).to_csv(
        decimal=",", **SEMICOLON
    ),
    "percent": lambda frame: texts(frame, ratio="{:.6f}%".format).to_csv(index=False),
    "currency": lambda frame: texts(frame, amount="${:,.2f}".format, ratio="{} €".format).to_csv(index=False),
    "units": lambda frame: texts(frame, count="{} km".format).to_csv(index=False),
    "Polars": lambda frame: polars(frame).write_csv(),
    "Polars with null": lambda frame: polars(frame).write_csv(null_value="null", quote_style="non_numeric"),
    "Polars with a decimal comma": lambda frame: polars(frame).write_csv(separator=";", decimal_comma=True),
    "Polars with formats": lambda frame: polars(frame).write_csv(datetime_format="%d/%m/%Y %H:%M:%S", float_precision=6),
}


@pytest.mark.parametrize("manner", MANNERS)
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_what_pandas_and_polars_write_is_typed_and_read_back(manner: str, seed: int) -> None:
    frame = table(seed)
    text = MANNERS[manner](frame)
    rows = pl.read_csv(
        io.StringIO(text), separator=";" if "outcome" in text.split(";") or ";amount;" in text else ",", infer_schema=False
    )
    found = infer(rows, target="outcome")
    assert {name: found.contract.columns[name].type for name in TYPES} == TYPES
    assert {name for name in found.contract.features if found.contract.columns[name].nullable} == set(GAPS)
    reading = read(found.contract, rows, target=True)
    assert reading.breaches == []
    expected = polars(frame).select(cs.datetime().dt.cast_time_unit("us"), ~cs.datetime())
    for name in TYPES:
        assert rounded(reading.frame[name]) == rounded(expected[name]), name
    records = read(found.contract, rows.to_dicts(), target=False)
    assert records.breaches == []
    assert records.frame.equals(reading.frame.select(found.contract.features))


cell = st.one_of(
    st.none(),
    st.sampled_from(
        ["", " ", "?", "NA", "unknown", "None", "-", "0", "1", "-1", "-999", "99", "1,234", "1.234,5", "$5", "5 %", "07"]
    ),
    st.sampled_from(["true", "False", "yes", "no", "2026-01-02", "03/04/2026", "13/04/2026", "1e400", "nan", "inf", "٣", "１２"]),
    st.integers(-200, 200).map(str),
    st.floats(allow_nan=True).map(str),
    st.dates().map(str),
    st.text(max_size=6),
)


@st.composite
def messes(draw: st.DrawFn) -> pl.DataFrame:
    """A table in which anything may stand anywhere, for the most part of few kinds a column."""
    height = draw(st.integers(20, 60))
    columns: dict[str, list[str | None]] = {}
    for place in range(draw(st.integers(1, 5))):
        pool = draw(st.lists(cell, min_size=1, max_size=12))
        slips = draw(st.lists(cell, max_size=2))
        order = draw(st.randoms(use_true_random=False))
        columns[f"x{place}"] = [order.choice(pool) for _ in range(height - len(slips))] + slips
    columns["z"] = [str(row % 7) for row in range(height)]
    columns["y"] = ["b" if row % 3 else "a" for row in range(height)]
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


@settings(max_examples=60, deadline=None)
@given(messes())
def test_the_contract_holds_for_the_table_that_it_was_guessed_from(rows: pl.DataFrame) -> None:
    found = infer(rows, target="y")
    reading = read(found.contract, rows, target=True)
    bad = sorted({breach.row for breach in reading.breaches})
    assert len(bad) <= found.bad <= max(0.03 * rows.height, 1)
    good = pl.Series([row not in bad for row in range(rows.height)])
    records = read(found.contract, rows.filter(good).to_dicts(), target=False)
    assert records.breaches == []
    assert records.frame.equals(reading.frame.filter(good).select(found.contract.features))


def test_names_of_columns_may_be_anything() -> None:
    names = ["a.b", "", 'say "x"', "😀", "line\nbreak", "class", "price [€]", " "]
    rows = pl.DataFrame({name: [str(row % 9) for row in range(40)] for name in names}).with_columns(y=pl.Series(["a", "b"] * 20))
    assert infer(rows, target="y").contract.features == names


def test_a_line_of_names_that_comes_again_is_no_row() -> None:
    part = {"x": [str(row) for row in range(50)], "z": ["a", "b"] * 25, "y": ["yes", "no"] * 25}
    rows = pl.concat([pl.DataFrame(part), pl.DataFrame({name: [name] for name in part}), pl.DataFrame(part)])
    found = infer(rows, target="y")
    assert (found.contract.classes, found.contract.columns["z"].levels, found.bad) == (["no", "yes"], ["a", "b"], 1)
    assert {breach.row for breach in read(found.contract, rows, target=True).breaches} == {50}
    assert "1 row is the line of names again, and set apart" in found.remarks


def test_a_reserved_name_is_refused() -> None:
    rows = pl.DataFrame({"_shipway_row": ["1", "2"] * 20, "x": ["1", "2"] * 20, "y": ["a", "b"] * 20})
    with pytest.raises(UsageError, match=r"_shipway_row.*rename the column"):
        infer(rows, target="y")


def test_the_same_table_gives_the_same_guess() -> None:
    rows = pl.read_csv(io.StringIO(MANNERS["pandas"](table(3))), infer_schema=False)
    first, second = infer(rows, target="outcome"), infer(rows, target="outcome")
    assert first == second


@pytest.mark.skipif("SHIPWAY_DATA_DIR" not in os.environ, reason="the public tables are not at hand")
@pytest.mark.parametrize(
    ("project", "file", "otherwise"),
    [
        ("telco_churn", "telco-customer-churn.csv", {"SeniorCitizen": "integer"}),
        ("iris", "iris.csv", {}),
        ("airline_satisfaction", "invistico-airline.csv", {"Arrival Delay in Minutes": "integer"}),
    ],
)
def test_the_case_studies_are_guessed_as_a_person_declared_them(project: str, file: str, otherwise: dict[str, str]) -> None:
    declared = load(Path(__file__).parents[3] / "projects" / project / "contract.toml")
    rows = pl.read_csv(Path(os.environ["SHIPWAY_DATA_DIR"]) / file, infer_schema=False)
    found = infer(rows, target=declared.target)
    for name, column in declared.columns.items():
        guessed = found.contract.columns[name]
        assert guessed.type == otherwise.get(name, column.type), name
        assert (guessed.nullable, guessed.missing, guessed.role) == (column.nullable, column.missing, column.role), name
    assert found.contract.key == declared.key
    assert read(found.contract, rows, target=True).breaches == []
