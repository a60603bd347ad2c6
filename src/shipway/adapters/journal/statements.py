"""The journal's tables and statements, in the SQL that SQLite and PostgreSQL share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from shipway.core.journal import Comparison, Feedback, Labelled, Prediction, Share, Stats, Which

VERSION = 3
"""Of the tables; a journal of a later version is not written to, and one of an earlier is brought to this one by `CHANGES`."""

PAGE = 2_000
"""Predictions that are read at once: a few megabytes, and no reader holds up a checkpoint for long."""

TABLES = (
    """CREATE TABLE IF NOT EXISTS {schema}predictions (
        id TEXT PRIMARY KEY, project TEXT NOT NULL, time BIGINT NOT NULL, model_version TEXT NOT NULL,
        data_version TEXT NOT NULL, record TEXT NOT NULL, key TEXT, label TEXT NOT NULL, probabilities TEXT NOT NULL,
        warnings TEXT NOT NULL, latency DOUBLE PRECISION NOT NULL, caller TEXT, shadow_of TEXT)""",
    "CREATE INDEX IF NOT EXISTS predictions_by_time ON {schema}predictions (project, time, id)",
    "CREATE INDEX IF NOT EXISTS predictions_by_key ON {schema}predictions (project, key, time) WHERE key IS NOT NULL",
    """CREATE TABLE IF NOT EXISTS {schema}feedback (
        id TEXT PRIMARY KEY, project TEXT NOT NULL, time BIGINT NOT NULL, label TEXT NOT NULL, prediction TEXT, key TEXT,
        caller TEXT)""",
    "CREATE INDEX IF NOT EXISTS feedback_by_prediction ON {schema}feedback (project, prediction) WHERE prediction IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS feedback_by_key ON {schema}feedback (project, key) WHERE key IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS {schema}mark (id BIGINT PRIMARY KEY, time BIGINT NOT NULL)",
)

CHANGES: Mapping[int, tuple[str, ...]] = {1: ("ALTER TABLE {schema}predictions ADD COLUMN shadow_of TEXT",), 2: ()}
"""What makes the tables of a version those of the next, beside the view, which is made anew. Programs of the version before go on
writing: they name their columns."""

VIEW = """
    SELECT p.id, p.project, p.time, p.model_version, p.data_version, p.record, p.key, p.label, p.probabilities, p.warnings,
        p.latency, p.caller, f.label AS true_label, f.time AS labelled, p.shadow_of
    FROM {schema}predictions p LEFT JOIN {schema}feedback f ON f.id = (
        SELECT g.id FROM {schema}feedback g
        WHERE g.project = p.project AND (g.prediction = COALESCE(p.shadow_of, p.id) OR g.key = p.key AND CASE
            WHEN g.time >= p.time THEN NOT EXISTS (
                SELECT 1 FROM {schema}predictions q
                WHERE q.project = p.project AND q.key = p.key AND q.shadow_of IS NULL AND q.time >= p.time AND q.time <= g.time
                    AND (q.time, q.id) > (p.time, COALESCE(p.shadow_of, p.id)))
            ELSE NOT EXISTS (
                SELECT 1 FROM {schema}predictions q
                WHERE q.project = p.project AND q.key = p.key AND q.shadow_of IS NULL AND q.time <= p.time
                    AND (q.time, q.id) < (p.time, COALESCE(p.shadow_of, p.id)))
            END)
        ORDER BY g.time DESC, g.id DESC LIMIT 1)
"""
"""Each prediction with the label that counts, by the rule that `Feedback` states; a shadow with that of the one it shadows.
Joined when it is read, so that it does not matter which of the two is committed first, nor by which worker. New columns come
last, as PostgreSQL replaces a view under those that people made upon it only then."""

PREDICTION, FEEDBACK, LABELLED = (kind.__struct_fields__ for kind in (Prediction, Feedback, Labelled))

JOINS = """
    EXISTS (SELECT 1 FROM {schema}predictions p WHERE p.project = f.project AND p.id = f.prediction AND p.shadow_of IS NULL)
    OR EXISTS (SELECT 1 FROM {schema}predictions p WHERE p.project = f.project AND p.key = f.key AND p.shadow_of IS NULL)
"""

PAST = """
    SELECT g.id FROM {schema}predictions p JOIN {schema}feedback g ON g.project = p.project AND g.key = p.key
    WHERE p.project = :project AND p.time < :cut AND NOT EXISTS (
        SELECT 1 FROM {schema}predictions q
        WHERE q.project = g.project AND q.key = g.key AND q.shadow_of IS NULL AND q.time >= :cut AND q.time <= g.time)
"""
"""Labels by key that belong to predictions from before the cut; left there, they would go to the next of that key."""

CHOSEN: Mapping[Which, str] = {"answered": " AND shadow_of IS NULL", "shadow": " AND shadow_of IS NOT NULL", "all": ""}

PARAMETER = re.compile(r":(\w+)")


@dataclass(frozen=True)
class Statements:
    """The statements in one database's way of writing.

    Attributes:
        schema: Goes before a table's name.
        mark: A named parameter, such as ":{}" or "%({})s".
        among: How an id is one of the parameter `ids`.
    """

    schema: str
    mark: str
    among: str

    def text(self, template: str) -> str:
        """*template* with the schema and the parameters, which stand as `:name` in it, written the database's way."""
        return PARAMETER.sub(lambda found: self.mark.format(found[1]), template.replace("{schema}", self.schema))

    def insert(self, table: str, fields: Sequence[str]) -> str:
        values = ", ".join(self.mark.format(name) for name in fields)
        return f"INSERT INTO {self.schema}{table} ({', '.join(fields)}) VALUES ({values}) ON CONFLICT (id) DO NOTHING"

    @property
    def touch(self) -> str:
        return self.text(
            "INSERT INTO {schema}mark (id, time) VALUES (1, :time) ON CONFLICT (id) DO UPDATE SET time = excluded.time"
        )

    @property
    def joined(self) -> str:
        return self.text("SELECT count(*) FROM {schema}feedback f WHERE f.id " + self.among + " AND (" + JOINS + ")")

    def page(self, which: Which) -> str:
        return self.text(
            f"SELECT {', '.join(LABELLED)} FROM {{schema}}labelled WHERE project = :project AND time >= :since AND time < :until "
            f"AND (time, id) > (:time, :id){CHOSEN[which]} ORDER BY time, id LIMIT {PAGE}"
        )

    @property
    def shares(self) -> str:
        return self.text(
            "SELECT model_version, label, count(*), count(true_label), min(time), max(time) FROM {schema}labelled "
            "WHERE project = :project AND shadow_of IS NULL GROUP BY model_version, label"
        )

    @property
    def comparisons(self) -> str:
        return self.text(
            "SELECT p.model_version, s.model_version, count(*), count(CASE WHEN s.label = p.label THEN 1 END), "
            "count(s.true_label), count(CASE WHEN p.label = s.true_label THEN 1 END), "
            "count(CASE WHEN s.label = s.true_label THEN 1 END) "
            "FROM {schema}labelled s JOIN {schema}predictions p ON p.id = s.shadow_of AND p.project = s.project "
            "WHERE s.project = :project AND s.shadow_of IS NOT NULL "
            "GROUP BY p.model_version, s.model_version ORDER BY min(p.time), p.model_version, s.model_version"
        )

    @property
    def waiting(self) -> str:
        return self.text("SELECT count(*) FROM {schema}feedback f WHERE f.project = :project AND NOT (" + JOINS + ")")

    @property
    def cut(self) -> str:
        return self.text(
            "SELECT time FROM {schema}predictions WHERE project = :project AND time < :before ORDER BY time LIMIT 1 OFFSET :limit"
        )

    @property
    def prune(self) -> tuple[str, ...]:
        """Of one cut: the labels of what goes, and last the predictions, whose number counts."""
        older = "SELECT id FROM {schema}predictions WHERE project = :project AND time < :cut"
        return tuple(
            map(
                self.text,
                (
                    "DELETE FROM {schema}feedback WHERE project = :project AND prediction IN (" + older + ")",
                    "DELETE FROM {schema}feedback WHERE id IN (" + PAST + ")",
                    "DELETE FROM {schema}predictions WHERE project = :project AND time < :cut",
                ),
            )
        )

    @property
    def forget(self) -> str:
        """Labels that waited in vain."""
        return self.text(
            "DELETE FROM {schema}feedback WHERE id IN (SELECT f.id FROM {schema}feedback f "
            "WHERE f.project = :project AND f.time < :before AND NOT (" + JOINS + "))"
        )


def rows(records: Iterable[msgspec.Struct]) -> list[dict[str, Any]]:
    """The parameters of an insert of each."""
    return [msgspec.structs.asdict(record) for record in records]


def labelled(found: Iterable[Sequence[Any]]) -> list[Labelled]:
    """The rows of a page."""
    return [Labelled(**dict(zip(LABELLED, row, strict=True))) for row in found]


def changes(version: int) -> list[str]:
    """What brings the tables of *version* to ours; 0: none are there."""
    if not version:
        return list(TABLES)
    return [statement for one in range(version, VERSION) for statement in CHANGES[one]]


def stats(shares: Sequence[Sequence[Any]], comparisons: Iterable[Sequence[Any]], waiting: int, size: int) -> Stats:
    """What the rows of `shares` and `comparisons` say in all; versions in the order in which they first answered."""
    began: dict[str, int] = {}
    for version, *_, first, _last in shares:
        began[version] = min(first, began.get(version, first))
    found = [
        Share(model_version=version, label=msgspec.json.decode(label), predictions=count, labelled=known)
        for version, label, count, known, *_ in sorted(shares, key=lambda row: (began[row[0]], row[0], row[1]))
    ]
    return Stats(
        predictions=sum(share.predictions for share in found),
        labelled=sum(share.labelled for share in found),
        waiting=waiting,
        first=min((row[4] for row in shares), default=None),
        last=max((row[5] for row in shares), default=None),
        size=size,
        shares=found,
        shadows=[Comparison(**dict(zip(Comparison.__struct_fields__, row, strict=True))) for row in comparisons],
    )


def bounds(project: str, since: int | None, until: int | None) -> Mapping[str, Any]:
    """The parameters of the first page."""
    beginning, end = -1 if since is None else since, 2**62 if until is None else until
    return {"project": project, "since": beginning, "until": end, "time": -1, "id": ""}
