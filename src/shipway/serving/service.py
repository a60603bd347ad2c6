"""What the routes of one application share."""

from __future__ import annotations

from dataclasses import dataclass, field

from shipway.serving.entries import Journalling
from shipway.serving.journalling import Writer
from shipway.serving.live import Live, LiveModels
from shipway.serving.problems import Problem
from shipway.serving.requests import BODY_LIMIT, RECORD_LIMIT
from shipway.serving.turns import Turns


@dataclass
class Service:
    """The models that answer, where their predictions are kept, and how much one request may ask.

    Attributes:
        writer: Of the journal; None keeps nothing.
        body_limit: Bytes of a request's body.
        record_limit: Records in one request.
        turns: What waits to be scored, and the threads that score.
    """

    models: LiveModels
    writer: Writer | None = None
    body_limit: int = BODY_LIMIT
    record_limit: int = RECORD_LIMIT
    turns: Turns = field(default_factory=Turns)

    @property
    def journal(self) -> Journalling | None:
        return None if self.writer is None else self.writer.journalling

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
