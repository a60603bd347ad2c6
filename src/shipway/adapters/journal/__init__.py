"""The journal: in a SQLite file for one machine, in PostgreSQL for several."""

from shipway.adapters.journal.sqlite import SqliteJournal

__all__ = ["SqliteJournal"]
