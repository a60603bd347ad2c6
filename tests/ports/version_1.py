"""The journal's tables and view as version 1 made them, for journals that were begun by it."""

from __future__ import annotations

TABLES = (
    """CREATE TABLE IF NOT EXISTS {schema}predictions (
        id TEXT PRIMARY KEY, project TEXT NOT NULL, time BIGINT NOT NULL, model_version TEXT NOT NULL,
        data_version TEXT NOT NULL, record TEXT NOT NULL, key TEXT, label TEXT NOT NULL, probabilities TEXT NOT NULL,
        warnings TEXT NOT NULL, latency DOUBLE PRECISION NOT NULL, caller TEXT)""",
    "CREATE INDEX IF NOT EXISTS predictions_by_time ON {schema}predictions (project, time, id)",
    "CREATE INDEX IF NOT EXISTS predictions_by_key ON {schema}predictions (project, key, time) WHERE key IS NOT NULL",
    """CREATE TABLE IF NOT EXISTS {schema}feedback (
        id TEXT PRIMARY KEY, project TEXT NOT NULL, time BIGINT NOT NULL, label TEXT NOT NULL, prediction TEXT, key TEXT,
        caller TEXT)""",
    "CREATE INDEX IF NOT EXISTS feedback_by_prediction ON {schema}feedback (project, prediction) WHERE prediction IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS feedback_by_key ON {schema}feedback (project, key) WHERE key IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS {schema}mark (id BIGINT PRIMARY KEY, time BIGINT NOT NULL)",
)
VIEW = """CREATE VIEW {schema}labelled AS
    SELECT p.*, f.label AS true_label, f.time AS labelled
    FROM {schema}predictions p LEFT JOIN {schema}feedback f ON f.id = (
        SELECT g.id FROM {schema}feedback g
        WHERE g.project = p.project AND (g.prediction = p.id OR g.key = p.key AND CASE
            WHEN g.time >= p.time THEN NOT EXISTS (
                SELECT 1 FROM {schema}predictions q
                WHERE q.project = p.project AND q.key = p.key AND q.time > p.time AND q.time <= g.time)
            ELSE NOT EXISTS (
                SELECT 1 FROM {schema}predictions q WHERE q.project = p.project AND q.key = p.key AND q.time < p.time)
            END)
        ORDER BY g.time DESC, g.id DESC LIMIT 1)
"""
COLUMNS = "id, project, time, model_version, data_version, record, key, label, probabilities, warnings, latency, caller"
CELLS = "'0193', 'iris', 1, '3', 'iris/2026-11', '{}', '[\"k\"]', '\"yes\"', '{}', '[]', 1.5, NULL"
ROW = f"INSERT INTO {{schema}}predictions ({COLUMNS}) VALUES ({CELLS})"
LABEL = "INSERT INTO {schema}feedback VALUES ('0194', 'iris', 2, '\"no\"', NULL, '[\"k\"]', NULL)"


def statements(schema: str = "") -> list[str]:
    """What makes the tables in *schema*, with a prediction of the project iris that has a label."""
    return [one.replace("{schema}", schema) for one in (*TABLES, VIEW, ROW, LABEL)]
