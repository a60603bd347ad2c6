from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.core import contract as contracts
from shipway.core.contract import Column, Contract
from shipway.core.findings import Finding
from shipway.modelling.leakage import audit, events, power, twins

ROWS = 2_000
PROJECTS = Path(__file__).parents[2] / "projects"


def contract_of(frame: pl.DataFrame, *, key: tuple[str, ...] = (), **types: str) -> Contract:
    """A contract for *frame* with the target `y`."""
    columns = {name: Column(type=types.get(name, type_of(values)), nullable=True) for name, values in frame.to_dict().items()}
    columns["y"] = Column(type="category", levels=sorted(frame["y"].drop_nulls().unique().to_list()) or ["a"])
    return Contract(target="y", columns=columns, key=list(key))


def type_of(values: pl.Series) -> Any:
    if values.dtype.is_temporal():
        return "datetime"
    if values.dtype == pl.Boolean:
        return "boolean"
    return "integer" if values.dtype.is_integer() else "number" if values.dtype.is_float() else "category"


def found(kinds: list[Finding], *columns: str) -> list[str]:
    """The kinds of the findings about *columns*."""
    return [finding.kind for finding in kinds if set(columns) <= set(finding.columns)]


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def labels(draw: np.random.Generator) -> np.ndarray[Any, Any]:
    return draw.random(ROWS) < 0.2


@pytest.fixture
def look(draw: np.random.Generator, labels: np.ndarray[Any, Any]) -> Callable[..., list[Finding]]:
    """Audit a table with a plain good feature, a plain poor one, and the given columns."""

    def audited(known: tuple[str, ...] = (), **columns: Any) -> list[Finding]:
        frame = pl.DataFrame({"good": draw.normal(labels * 1.0), "poor": draw.choice(list("abc"), ROWS), **columns}).with_columns(
            y=pl.Series(np.where(labels, "yes", "no"))
        )
        return audit(frame, contract_of(frame), known=known)

    return audited


# a column alone


def test_honest_columns_are_left_in_peace(look: Callable[..., list[Finding]]) -> None:
    assert look() == []


@pytest.mark.parametrize("flipped", [0.0, 0.01])
def test_a_number_that_gives_the_answer_away_is_found(
    look: Callable[..., list[Finding]], labels: Any, draw: Any, flipped: float
) -> None:
    answer = labels ^ (draw.random(ROWS) < flipped)
    assert found(look(x=draw.normal(answer * 20.0)), "x") == ["predicts_alone"]


def test_many_levels_that_give_the_answer_away_are_found(look: Callable[..., list[Finding]], labels: Any, draw: Any) -> None:
    branch = np.where(labels, draw.integers(0, 30, ROWS), draw.integers(30, 60, ROWS)).astype(str)
    assert found(look(x=branch), "x") == ["predicts_alone"]


@pytest.mark.parametrize("classes", [2, 3, 30])
def test_it_is_found_among_any_number_of_classes(draw: Any, classes: int) -> None:
    labels = draw.integers(0, classes, ROWS)
    frame = pl.DataFrame({"x": labels * 10 + draw.random(ROWS), "z": draw.random(ROWS), "y": labels.astype(str)})
    assert found(audit(frame, contract_of(frame)), "x") == ["predicts_alone"]


def test_it_is_found_for_a_rare_class(draw: Any) -> None:
    labels = np.arange(20_000) % 200 == 0
    draw.shuffle(labels)
    frame = pl.DataFrame({"x": draw.normal(labels * 20.0), "y": np.where(labels, "fraud", "fine")})
    assert found(audit(frame, contract_of(frame)), "x") == ["predicts_alone"]


def test_a_rare_class_that_a_strong_column_half_finds_is_no_leak(draw: Any) -> None:
    labels = np.arange(20_000) % 100 == 0
    frame = pl.DataFrame({"x": draw.normal(labels * 3.0), "y": np.where(labels, "fraud", "fine")})
    assert audit(frame.sample(fraction=1, shuffle=True, seed=0), contract_of(frame)) == []


def test_few_rows_prove_nothing(draw: Any) -> None:
    frame = pl.DataFrame({"x": [0.1, 0.2, 0.3, 0.4, 1.1, 1.2, 1.3, 1.4], "y": ["a"] * 4 + ["b"] * 4})
    assert audit(frame.sample(fraction=1, shuffle=True, seed=0), contract_of(frame)) == []


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "wine", "digits"])
def test_the_best_columns_of_easy_tables_are_no_leaks(name: str) -> None:
    from sklearn import datasets

    made = getattr(datasets, f"load_{name}")()
    frame = pl.DataFrame({f"x{place}": made.data[:, place] for place in range(made.data.shape[1])})
    frame = frame.with_columns(y=pl.Series(made.target.astype(str))).sample(fraction=1, shuffle=True, seed=0)
    assert audit(frame, contract_of(frame)) == []


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(2, 5), st.sampled_from(["unique", "levels", "numbers"]))
def test_a_column_that_has_nothing_to_do_with_the_classes_has_no_power(seed: int, classes: int, kind: str) -> None:
    draw = np.random.default_rng(seed)
    rows = 1_000
    asked = power.question(pl.Series(draw.integers(0, classes, rows).astype(str)))
    values = {"unique": draw.permutation(rows).astype(str), "levels": draw.integers(0, 200, rows).astype(str)}
    column = power.code(pl.Series(values.get(kind, draw.random(rows))))
    assert asked is not None
    assert abs(asked.ask(column).value) < 0.25


# keys and the order of the file


def test_the_line_of_a_sorted_file_is_found(draw: Any) -> None:
    frame = pl.DataFrame({"Id": range(1, 151), "x": draw.random(150), "y": np.repeat(["a", "b", "c"], 50)})
    (finding,) = audit(frame, contract_of(frame))
    assert (finding.kind, finding.columns) == ("file_order", ["Id"])
    assert '[project] ignore = ["Id"]' in finding.message


def test_the_order_is_that_of_the_places_given(draw: Any) -> None:
    frame = pl.DataFrame({"Id": range(1, 151), "x": draw.random(150), "y": np.repeat(["a", "b", "c"], 50)})
    mixed = frame.sample(fraction=1, shuffle=True, seed=0)
    assert found(audit(mixed, contract_of(frame), places=mixed["Id"]), "Id") == ["file_order"]


@pytest.mark.parametrize(
    "key",
    [
        np.arange(ROWS),
        np.random.default_rng(0).permutation(ROWS) + 10**6,
        np.array([f"C-{number:08}" for number in np.random.default_rng(0).permutation(ROWS)]),
        np.random.default_rng(0).permutation(ROWS) * 1.0,
    ],
    ids=["a running number", "shuffled numbers", "codes", "numbers read as floats"],
)
def test_a_key_is_found(look: Callable[..., list[Finding]], key: Any) -> None:
    assert found(look(x=key), "x") == ["key_like"]


def test_numbers_too_scattered_to_tell_are_a_key_where_they_are_called_one(look: Callable[..., list[Finding]], draw: Any) -> None:
    numbers = draw.choice(2**60, ROWS, replace=False)
    findings = look(CustomerID=numbers, amount=numbers[::-1])
    assert found(findings, "CustomerID") == ["key_like"]
    assert found(findings, "amount") == []


def test_measurements_sentences_and_sorted_dates_are_no_keys(look: Callable[..., list[Finding]], draw: Any) -> None:
    findings = look(
        length=draw.normal(size=ROWS),
        cents=draw.integers(0, 10**8, ROWS),
        comment=[f"a sentence that only row {row} has" for row in range(ROWS)],
        since=pl.Series(range(ROWS)).cast(pl.Datetime("us")),
    )
    assert findings == []


# copies


def test_a_column_under_other_names_is_a_copy(look: Callable[..., list[Finding]], draw: Any) -> None:
    city = draw.integers(0, 20, ROWS)
    findings = look(city=city.astype(str), town=np.array([f"t{19 - one}" for one in city]), number=city[::-1])
    assert found(findings, "city", "town") == ["copy"]
    assert found(findings, "number") == []


def test_a_number_on_another_scale_is_a_copy(look: Callable[..., list[Finding]], draw: Any) -> None:
    celsius = np.round(draw.normal(15, 8, ROWS), 1)
    findings = look(celsius=celsius, fahrenheit=np.round(celsius * 1.8 + 32, 1), near=celsius + draw.normal(0, 0.5, ROWS))
    assert found(findings, "celsius", "fahrenheit") == ["copy"]
    assert found(findings, "near") == []


def test_a_few_differing_rows_do_not_hide_a_copy(look: Callable[..., list[Finding]], draw: Any) -> None:
    first = draw.normal(size=ROWS)
    second = first.copy()
    second[:5] = 0
    assert found(look(first=first, second=second), "first", "second") == ["copy"]


def test_rare_flags_that_are_mostly_no_are_no_copies(look: Callable[..., list[Finding]], draw: Any) -> None:
    assert look(one=draw.random(ROWS) < 0.01, other=draw.random(ROWS) < 0.01) == []


def test_a_parent_of_levels_is_no_copy(look: Callable[..., list[Finding]], draw: Any) -> None:
    service = draw.random(ROWS) < 0.7
    lines = np.where(service, draw.choice(["one", "many"], ROWS), "no service")
    assert look(service=service, lines=lines) == []


def test_the_target_under_another_name_is_found(look: Callable[..., list[Finding]], labels: Any) -> None:
    (finding,) = look(stays=np.where(labels, 0, 1))
    assert (finding.kind, finding.columns) == ("copy_of_target", ["stays"])


@pytest.mark.parametrize("flipped", [0.01, 0.02, 0.03])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_target_with_some_labels_changed_is_found(draw: Any, share: float, flipped: float) -> None:
    labels = draw.random(ROWS) < share
    frame = pl.DataFrame({"other": draw.normal(labels * 0.5), "flag": np.where(labels ^ (draw.random(ROWS) < flipped), "B", "A")})
    frame = frame.with_columns(y=pl.Series(np.where(labels, "yes", "no")))
    (finding,) = audit(frame, contract_of(frame))
    assert (finding.kind, finding.columns) == ("copy_of_target", ["flag"])
    assert "'y'" in finding.message
    assert "kappa" in finding.message or "level by level" in finding.message


def test_a_good_test_with_as_many_levels_as_classes_is_no_copy(draw: Any) -> None:
    labels = draw.random(ROWS) < 0.5
    frame = pl.DataFrame({"test": np.where(labels ^ (draw.random(ROWS) < 0.08), "B", "A"), "other": draw.normal(size=ROWS)})
    frame = frame.with_columns(y=pl.Series(np.where(labels, "yes", "no")))
    assert audit(frame, contract_of(frame)) == []


def test_a_flag_that_is_mostly_no_is_no_copy_of_a_rare_class(draw: Any) -> None:
    labels = draw.random(ROWS) < 0.03
    frame = pl.DataFrame({"flag": draw.random(ROWS) < np.where(labels, 0.3, 0.01), "other": draw.normal(size=ROWS)})
    frame = frame.with_columns(y=pl.Series(np.where(labels, "yes", "no")))
    assert audit(frame, contract_of(frame)) == []


# after the event


@pytest.mark.parametrize(
    "name",
    [
        *("Gesprächsdauer", "Kündigungsgrund", "Verspätung", "verspaetung_tage", "Anruf_Sekunden", "Todesdatum"),
        *("durée_appel", "date résiliation", "Motif départ", "REMBOURSEMENT"),
        *("duración", "fecha_fallecimiento", "motivo_baja", "segundos_llamada"),
        *("duração", "evasão", "óbito", "dias_atraso"),
        *("durata", "esito finale", "data_disdetta", "rimborso"),
        *("gespreksduur", "opzegdatum", "overlijdensdatum", "uitslag"),
    ],
)
def test_a_name_that_speaks_of_the_end_is_known_in_other_languages(name: str) -> None:
    assert events.suspicious(name, "y")


@pytest.mark.parametrize(
    "name",
    [
        *("Alter", "Beruf", "Familienstand", "Einkommen", "Hypothek", "Geschlecht", "Termin"),
        *("livres", "département", "revenu", "sexe", "profession", "mortgage"),
        *("edad", "ingresos", "sexo", "idade", "renda", "escolaridade", "età", "reddito", "fine"),
        *("leeftijd", "inkomen", "beroep", "geslacht", "length", "time", "department"),
    ],
)
def test_an_ordinary_name_is_not_suspicious_in_any_language(name: str) -> None:
    assert not events.suspicious(name, "y")


def test_a_telling_duration_is_asked_about(look: Callable[..., list[Finding]], labels: Any, draw: Any) -> None:
    findings = look(duration=draw.lognormal(5 + labels * 1.5), call_seconds=draw.lognormal(5 + labels * 1.5))
    assert found(findings, "duration") == ["after_the_event"]
    assert found(findings, "call_seconds") == ["after_the_event"]


def test_a_telling_relative_of_the_target_is_asked_about(draw: Any) -> None:
    labels = draw.random(ROWS) < 0.3
    frame = pl.DataFrame({"Churn Score": draw.normal(labels * 2.0), "x": draw.normal(labels * 0.5)})
    frame = frame.with_columns(pl.Series("Churn Value?", np.where(labels, "1", "0")))
    columns = {"Churn Score": Column(type="number"), "x": Column(type="number")}
    columns["Churn Value?"] = Column(type="category", levels=["0", "1"])
    contract = Contract(target="Churn Value?", columns=columns)
    assert found(audit(frame, contract), "Churn Score") == ["after_the_event"]


def test_a_suspicious_name_that_tells_little_is_not(look: Callable[..., list[Finding]], labels: Any, draw: Any) -> None:
    assert look(**{"Departure Delay": draw.exponential(10, ROWS), "result": draw.normal(labels * 0.5)}) == []


def test_a_value_that_only_one_class_has_is_asked_about(look: Callable[..., list[Finding]], labels: Any) -> None:
    day = pl.Series(range(ROWS), dtype=pl.Float64).set(pl.Series(~labels), None)
    findings = look(left_on=day, left_why=day.cast(pl.String).str.slice(0, 1))
    assert found(findings, "left_on", "left_why") == ["after_the_event"]


def test_gaps_that_a_class_has_a_little_more_often_are_not(look: Callable[..., list[Finding]], labels: Any, draw: Any) -> None:
    gone = draw.random(ROWS) < np.where(labels, 0.6, 0.4)
    assert look(income=pl.Series(draw.normal(size=ROWS)).set(pl.Series(gone), None)) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lastCall_durationSec", ["last", "call", "duration", "sec"]),
        ("Churn Reason", ["churn", "reason"]),
        ("HTTPStatus2", ["http", "status", "2"]),
        ("😀", []),
        ("Größe_März", ["grosse", "marz"]),
    ],
)
def test_a_name_is_read_as_words(name: str, words: list[str]) -> None:
    assert events.words(name) == words


# rows


def test_equal_features_with_different_labels_are_counted() -> None:
    first, labels = np.array([0, 0, 0, 3, 3, 5]), np.array([0, 0, 1, 0, 0, 1])
    conflicts, twin = twins.find(first, labels, "y")
    assert (conflicts.kind, twin.kind) == ("conflicts", "twins")
    assert "1 group of rows (3 rows)" in conflicts.message and "1 of 6 rows" in conflicts.message
    assert "2 groups of rows (5 of 6 rows)" in twin.message
    assert twins.mixed(first, labels).tolist() == [True, True, True, False, False, False]


def test_rows_that_all_differ_say_nothing() -> None:
    assert list(twins.find(np.arange(4), np.array([0, 1, 0, 1]), "y")) == []


# all together


def test_what_was_accepted_is_not_told_again(look: Callable[..., list[Finding]], labels: Any, draw: Any) -> None:
    city = draw.integers(0, 20, ROWS).astype(str)
    columns = {"leak": draw.normal(labels * 20.0), "number": np.arange(ROWS), "city": city, "town": city}
    assert len(look(**columns)) == 3
    assert look(known=("leak", "number", "town", "no column"), **columns) == []


def test_the_same_rows_find_the_same(look: Callable[..., list[Finding]], labels: Any, draw: Any) -> None:
    frame = pl.DataFrame({"x": draw.normal(labels * 20.0), "number": np.arange(ROWS), "y": np.where(labels, "yes", "no")})
    assert audit(frame, contract_of(frame)) == audit(frame, contract_of(frame))


CELLS = {
    "integer": (pl.Int64, st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)),
    "number": (pl.Float64, st.floats() | st.sampled_from([0.0, 1e308, -1e308, 5e-324])),
    "boolean": (pl.Boolean, st.booleans()),
    "category": (pl.String, st.text(max_size=3)),
    "text": (pl.String, st.text(max_size=20)),
    "datetime": (pl.Datetime("us"), st.datetimes()),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pl.DataFrame, Contract]:
    """Any table that a contract may have read, odd ones included."""
    rows = draw(st.integers(0, 40))
    types = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    names = draw(st.lists(st.text(max_size=8), min_size=len(types), max_size=len(types), unique=True))
    columns: dict[str, Column] = {}
    values: list[pl.Series] = []
    for name, kind in zip(names, types, strict=True):
        dtype, cells = CELLS[kind]
        columns[f"{name}_"] = Column(type=kind, nullable=True)  # type: ignore[arg-type]
        made = draw(st.lists(st.none() | cells, min_size=rows, max_size=rows))
        values.append(pl.Series(f"{name}_", made, dtype=dtype))
    levels = ["a", "b", "c"]
    columns["y"] = Column(type="category", levels=levels)  # type: ignore[arg-type]
    values.append(pl.Series("y", draw(st.lists(st.sampled_from(levels), min_size=rows, max_size=rows)), dtype=pl.String))
    return pl.DataFrame(values), Contract(target="y", columns=columns)


@settings(deadline=None, max_examples=50)
@given(tables(), st.integers(1, 30))
def test_any_table_can_be_audited(table: tuple[pl.DataFrame, Contract], times: int) -> None:
    frame, contract = table
    again = pl.concat([frame] * times)
    for finding in audit(again, contract):
        assert set(finding.columns) <= set(contract.features)
        assert finding.message


@pytest.mark.skipif("SHIPWAY_DATA_DIR" not in os.environ, reason="needs SHIPWAY_DATA_DIR with the real tables")
class TestRealTables:
    @staticmethod
    def audited(project: str, file: str, **changes: Any) -> list[Finding]:
        contract = contracts.load(PROJECTS / project / "contract.toml")
        contract = msgspec.structs.replace(contract, **changes)
        rows = pl.read_csv(Path(os.environ["SHIPWAY_DATA_DIR"]) / file, infer_schema=False)
        return audit(contracts.read(contract, rows, target=True).frame, contract)

    def test_telco_has_no_leak(self) -> None:
        assert self.audited("telco_churn", "telco-customer-churn.csv") == []

    def test_iris_gives_its_order_away(self) -> None:
        findings = self.audited("iris", "iris.csv", key=[])
        assert [(finding.kind, finding.columns) for finding in findings] == [("file_order", ["Id"])]

    def test_airline_has_nothing(self) -> None:
        assert self.audited("airline_satisfaction", "invistico-airline.csv") == []
