"""What the routes of one application share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import threadpoolctl

from shipway.serving.entries import Journalling
from shipway.serving.journalling import Writer
from shipway.serving.live import Live, LiveModels
from shipway.serving.problems import Problem
from shipway.serving.requests import BODY_LIMIT, RECORD_LIMIT
from shipway.serving.traffic import Traffic

SCORING_THREADS = 2
"""One keeps a core busy with scoring; the second lets a single record overtake a large batch."""


@dataclass
class Service:
    """The models that answer, where their predictions are kept, and how much one request may ask.

    Attributes:
        writer: Of the journal; None keeps nothing.
        body_limit: Bytes of a request's body.
        record_limit: Records in one request.
        traffic: What the last hour's requests were.
        scoring: The threads that score, while the service runs.
    """

    models: LiveModels
    writer: Writer | None = None
    body_limit: int = BODY_LIMIT
    record_limit: int = RECORD_LIMIT
    traffic: Traffic = field(default_factory=Traffic)
    scoring: ThreadPoolExecutor = field(init=False, repr=False)

    @property
    def journal(self) -> Journalling | None:
        return None if self.writer is None else self.writer.journalling

    def open(self) -> None:
        """Start the threads that score."""
        self.scoring = ThreadPoolExecutor(SCORING_THREADS, "scoring", initializer=_one_thread_each)

    def close(self) -> None:
        self.scoring.shutdown(cancel_futures=True)

    def find(self, project: str, version: str | None = None) -> Live:
        """The model that answers for a project. Raises Problem 404 where there is none."""
        if project not in self.models:
            raise Problem(404, f"There is no project of that name; this service has {', '.join(self.models)}.")
        if version is None:
            return self.models[project]
        versions = self.models.versions(project)
        if version not in versions:
            raise Problem(404, f"That version of {project} does not answer here; these do: {', '.join(versions)}.")
        return versions[version]


def _one_thread_each() -> None:
    """A record is too small a piece of work to be shared among threads: starting them costs more than they save."""
    threadpoolctl.threadpool_limits(limits=1)
