"""What every adapter of the port `Journal` must do."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ports.entries import SECOND, label, prediction
from tests.ports.together import together

from shipway.adapters.journal import SqliteJournal
from shipway.core import journal as journals
from shipway.core.errors import DataError
from shipway.core.journal import Comparison, Feedback, Prediction, Which
from shipway.core.ports import Journal

if TYPE_CHECKING:
    from tests.ports.clusters import Cluster

Make = Callable[[], Journal]
CHOICES: tuple[Which, ...] = get_args(Which)

names = (f"p{number}" for number in itertools.count())
"""A project for each example: the adapters of a kind share one journal."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Gives adapters of one journal."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("journal") / "journal.db"
        return lambda: SqliteJournal(file)
    from shipway.adapters.journal.postgres import PostgresJournal

    cluster: Cluster = request.getfixturevalue("postgres")
    return lambda: PostgresJournal(cluster.url)


@pytest.fixture
def project() -> str:
    return next(names)


@pytest.fixture
def kept(make: Make) -> Iterator[Journal]:
    found = make()
    yield found
    found.close()


def labels(journal: Journal, project: str) -> dict[str, str | None]:
    return {one.id: one.true_label for page in journal.read(project) for one in page}


def test_what_was_written_is_read_back_as_it_was_in_order_of_time(kept: Journal, project: str, make: Make) -> None:
    made = [prediction(5, "k", project=project), prediction(2, project=project, caller="me"), prediction(3, project=project)]
    kept.write(made)
    other = make()
    found = [one for page in other.read(project) for one in page]
    other.close()
    assert [{name: getattr(one, name) for name in Prediction.__struct_fields__} for one in found] == [
        {name: getattr(one, name) for name in Prediction.__struct_fields__} for one in sorted(made, key=lambda one: one.time)
    ]
    assert {one.true_label for one in found} == {None}


def test_more_than_a_page_with_many_of_one_time_is_read_once_each(kept: Journal, project: str) -> None:
    made = [prediction(1 + number // 3000, project=project) for number in range(5000)]
    kept.write(made)
    pages = list(kept.read(project))
    assert len(pages) > 2
    assert sorted(one.id for page in pages for one in page) == sorted(one.id for one in made)


def test_a_span_is_from_its_beginning_to_before_its_end(kept: Journal, project: str) -> None:
    kept.write([prediction(time, project=project) for time in (1, 2, 3)])
    (page,) = kept.read(project, 2 * SECOND, 3 * SECOND)
    assert [one.time for one in page] == [2 * SECOND]


def test_writing_the_same_again_changes_nothing(kept: Journal, project: str) -> None:
    one, said = prediction(1, project=project), label(2, project=project, key="k")
    kept.write([one], [said])
    kept.write([one], [said])
    stats = kept.stats(project)
    assert (stats.predictions, stats.waiting) == (1, 1)


def test_a_write_with_nothing_to_write_is_a_write(kept: Journal) -> None:
    kept.write([])


def test_a_label_joins_by_id_late_and_before_and_the_last_one_counts(kept: Journal, project: str) -> None:
    late, early = prediction(1, project=project), prediction(1, project=project)
    before = label(2, "no", project=project, prediction=early.id)
    kept.write([late], [before])
    assert kept.joined([before]) == 0
    said = [label(9, "no", project=project, prediction=late.id), label(10, "yes", project=project, prediction=late.id)]
    kept.write([early], said)
    assert kept.joined([before, *said]) == 3
    assert labels(kept, project) == {late.id: '"yes"', early.id: '"no"'}
    stats = kept.stats(project)
    assert (stats.predictions, stats.labelled, stats.waiting) == (2, 2, 0)


def test_a_label_by_key_goes_to_the_prediction_before_it_and_without_one_to_the_first(kept: Journal, project: str) -> None:
    january, march = prediction(10, "k", project=project), prediction(30, "k", project=project)
    waiting = label(5, "early", project=project, key="k")
    kept.write([], [waiting])
    assert kept.joined([waiting]) == 0
    kept.write([march, january])
    assert labels(kept, project) == {january.id: '"early"', march.id: None}
    kept.write([], [label(20, "left", project=project, key="k")])
    assert labels(kept, project) == {january.id: '"left"', march.id: None}
    kept.write([], [label(40, "stayed", project=project, key="k")])
    assert labels(kept, project) == {january.id: '"left"', march.id: '"stayed"'}


def test_an_id_or_key_of_another_project_joins_nothing(kept: Journal, project: str) -> None:
    mine = prediction(1, "k", project=project)
    kept.write([mine], [label(2, project="other", prediction=mine.id), label(2, project="other", key="k")])
    assert labels(kept, project) == {mine.id: None}


events = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["k", "l"]), st.booleans(), st.sampled_from(["a", "b"])), min_size=1, max_size=8
)


@settings(max_examples=15)
@given(events, st.randoms(use_true_random=False))
def test_which_label_counts_does_not_depend_on_the_order_of_commits_nor_on_shadows(
    make: Make, found: list[tuple[bool, str, bool, str]], draw: object
) -> None:
    orders = []
    for shuffled in (False, True):
        project, journal = next(names), make()
        records: list[Prediction | Feedback] = []
        for time, (is_label, key, by_key, said) in enumerate(found):
            number = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{project} {time}"))
            asked = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{project} {time // 2}"))
            if is_label:
                by = {"key": key} if by_key else {"prediction": asked}
                records.append(label(time, said, id=number, project=project, **by))
            else:
                records.append(prediction(time, key, id=number, project=project))
        if shuffled:
            records += [shadowed(one, "no") for one in records if isinstance(one, Prediction)]
            draw.shuffle(records)  # type: ignore[attr-defined]
        for one in records:
            journal.write([one], []) if isinstance(one, Prediction) else journal.write([], [one])
        orders.append([(one.time, one.true_label) for page in journal.read(project) for one in page])
        journal.close()
    assert orders[0] == orders[1]


def test_pruning_takes_the_oldest_with_their_labels_in_pieces(kept: Journal, project: str) -> None:
    old, new = prediction(10, "k", project=project), prediction(30, "k", project=project)
    more = [prediction(11 + number, project=project) for number in range(10)]
    said = [label(20, "no", project=project, key="k"), label(21, "no", project=project, prediction=more[0].id)]
    kept.write([old, new, *more], [*said, label(12, project=project, prediction="nobody's")])
    pieces = [kept.prune(project, 25 * SECOND, 4) for _ in range(4)]
    assert (sum(pieces), pieces[-1]) == (11, 0)
    assert max(pieces) == 5
    assert labels(kept, project) == {new.id: None}
    assert kept.stats(project).waiting == 0


def test_pruning_leaves_other_projects_and_labels_that_belong_to_what_stays(kept: Journal, project: str) -> None:
    other, mine = prediction(1, project=f"{project}-other"), prediction(30, "k", project=project)
    kept.write([other, mine], [label(40, project=project, key="k"), label(41, project=project, key="unknown")])
    assert kept.prune(project, 25 * SECOND, 100) == 0
    assert labels(kept, project) == {mine.id: '"yes"'}
    assert labels(kept, f"{project}-other") == {other.id: None}
    assert kept.stats(project).waiting == 1


def test_the_stats_count_by_version_and_class(kept: Journal, project: str) -> None:
    made = [prediction(n, project=project, model_version=str(n % 2), label="true" if n < 3 else "false") for n in range(1, 6)]
    kept.write(made, [label(9, project=project, prediction=made[0].id)])
    stats = kept.stats(project)
    assert (stats.predictions, stats.labelled, stats.first, stats.last) == (5, 1, SECOND, 5 * SECOND)
    assert {(one.model_version, one.label, one.predictions, one.labelled) for one in stats.shares} == {
        ("1", True, 1, 1),
        ("0", True, 1, 0),
        ("1", False, 2, 0),
        ("0", False, 1, 0),
    }
    assert stats.size > 0


def test_a_project_without_predictions_has_empty_stats(kept: Journal) -> None:
    stats = kept.stats("nothing")
    assert (stats.predictions, stats.first, stats.last, stats.shares) == (0, None, None, [])


def shadowed(one: Prediction, label: str, **changed: object) -> Prediction:
    """The prediction of a version in the shadow of the one that made *one*."""
    known = {"id": journals.ids(1)[0], "model_version": "4", "label": json.dumps(label), "shadow_of": one.id}
    return msgspec.structs.replace(one, **known | changed)


def test_a_shadow_is_read_only_where_it_is_asked_for(kept: Journal, project: str) -> None:
    answered = prediction(1, project=project)
    shadow = shadowed(answered, "no")
    kept.write([answered, shadow])
    found = {which: {one.id for page in kept.read(project, which=which) for one in page} for which in CHOICES}
    assert found == {"answered": {answered.id}, "shadow": {shadow.id}, "all": {answered.id, shadow.id}}
    ((one,),) = kept.read(project, which="shadow")
    assert one.shadow_of == answered.id


def test_a_shadow_has_the_label_of_what_it_shadows_and_takes_none_from_another(kept: Journal, project: str) -> None:
    january, march, plain = (prediction(time, key, project=project) for time, key in ((10, "k"), (30, "k"), (30, None)))
    shadows = [shadowed(one, "no") for one in (january, march, plain)]
    said = [label(20, "a", project=project, key="k"), label(40, "b", project=project, prediction=plain.id)]
    kept.write([*shadows, january, march, plain], said)
    assert kept.joined(said) == 2
    expected = {january.id: '"a"', march.id: None, plain.id: '"b"'}
    assert labels(kept, project) == expected
    found = {one.shadow_of: one.true_label for page in kept.read(project, which="shadow") for one in page}
    assert found == expected


def test_a_shadow_alone_joins_no_label_and_counts_for_nothing_that_was_answered(kept: Journal, project: str) -> None:
    shadow = shadowed(prediction(1, "k", project=project), "no")
    said = [label(2, project=project, key="k"), label(3, project=project, prediction=shadow.id)]
    kept.write([shadow], said)
    assert kept.joined(said) == 0
    stats = kept.stats(project)
    assert (stats.predictions, stats.labelled, stats.waiting, stats.shares, stats.shadows) == (0, 0, 2, [], [])


def test_the_stats_compare_a_shadow_with_what_was_answered_on_the_same_records(kept: Journal, project: str) -> None:
    answered = [prediction(time, project=project, label='"yes"') for time in range(1, 5)]
    shadows = [shadowed(one, said) for one, said in zip(answered, ("yes", "no", "no", "yes"), strict=True)]
    older = shadowed(prediction(0, project=project), "no")
    truth = [
        label(9, said, project=project, prediction=one.id) for one, said in zip(answered, ("yes", "no", "yes"), strict=False)
    ]
    kept.write([*answered, *shadows, older], truth)
    stats = kept.stats(project)
    assert (stats.predictions, stats.labelled) == (4, 3)
    counts = {"records": 4, "agreed": 2, "labelled": 3, "answered_right": 2, "shadow_right": 2}
    assert stats.shadows == [Comparison(answered="3", shadow="4", **counts)]


def test_pruning_takes_the_shadows_along_and_leaves_those_of_what_stays(kept: Journal, project: str) -> None:
    old, new = prediction(10, "k", project=project), prediction(30, "k", project=project)
    kept.write([old, new, shadowed(old, "no"), shadowed(new, "no")], [label(40, project=project, key="k")])
    assert kept.prune(project, 25 * SECOND, 100) == 2
    left = [one for page in kept.read(project, which="all") for one in page]
    assert [(one.time, one.true_label) for one in left] == [(30 * SECOND, '"yes"')] * 2


def test_several_writers_at_once_lose_nothing(make: Make, project: str) -> None:
    made = [[[prediction(1, project=project) for _ in range(20)] for _ in range(10)] for _ in range(3)]

    def write(batches: list[list[Prediction]]) -> None:
        journal = make()
        for batch in batches:
            journal.write(batch)
        journal.close()

    threads = [threading.Thread(target=write, args=(batches,)) for batches in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal = make()
    assert journal.stats(project).predictions == 600
    journal.close()


def test_a_new_journal_is_made_by_whoever_comes_first(tmp_path: Path) -> None:
    def begin() -> None:
        with contextlib.closing(SqliteJournal(tmp_path / "fresh.db")) as journal:
            journal.write([prediction(1)])

    together(*[begin] * 6)
    journal = SqliteJournal(tmp_path / "fresh.db")
    assert journal.stats("iris").predictions == 6
    journal.close()


def test_a_label_by_key_joins_one_of_the_records_of_a_request_that_have_it(kept: Journal, project: str) -> None:
    first, last = sorted((prediction(10, "k", project=project) for _ in range(2)), key=lambda one: one.id)
    kept.write([first, last], [label(20, "after", project=project, key="k")])
    assert labels(kept, project) == {first.id: None, last.id: '"after"'}
    assert kept.stats(project).labelled == 1


def test_a_label_by_key_from_before_joins_the_first_of_the_records_of_a_request(kept: Journal, project: str) -> None:
    first, last = sorted((prediction(10, "k", project=project) for _ in range(2)), key=lambda one: one.id)
    kept.write([first, last], [label(5, "before", project=project, key="k")])
    assert labels(kept, project) == {first.id: '"before"', last.id: None}


def test_what_it_will_never_take_is_told_from_a_journal_that_is_away(make: Make, project: str) -> None:
    journal = make()
    with pytest.raises(DataError):
        journal.write([prediction(1, project=project), prediction(2**70, project=project)])
    journal.write([prediction(3, project=project)])
    assert journal.stats(project).predictions == 1
    journal.close()
