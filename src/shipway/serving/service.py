"""What the routes of one application share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.background import BackgroundTask

from shipway.core.journal import Prediction
from shipway.core.lineup import SHADOW
from shipway.core.serve import Canary, Serve
from shipway.serving.canary import Split
from shipway.serving.entries import Journalling
from shipway.serving.journalling import Writer
from shipway.serving.live import Live, LiveModels
from shipway.serving.problems import Problem
from shipway.serving.requests import BODY_LIMIT, RECORD_LIMIT
from shipway.serving.shadowing import Shadowing
from shipway.serving.spare import Spare
from shipway.serving.traffic import Traffic
from shipway.serving.turns import Turns


@dataclass
class Service:
    """The models that answer, where their predictions are kept, and how much one request may ask.

    Attributes:
        writer: Of the journal; None keeps nothing.
        body_limit: Bytes of a request's body.
        record_limit: Records in one request.
        canaries: Project -> the part of its requests that another version answers.
        traffic: What the last hour's requests were.
        turns: What waits to be scored, and the threads that score.
        spare: The thread of what nobody waits for.
        shadowing: What gives versions in the shadow their copy of the traffic; None where nothing is kept.
    """

    models: LiveModels
    writer: Writer | None = None
    body_limit: int = BODY_LIMIT
    record_limit: int = RECORD_LIMIT
    canaries: dict[str, Canary] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    turns: Turns = field(default_factory=Turns)
    spare: Spare = field(init=False, repr=False, default_factory=Spare)
    shadowing: Shadowing | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.writer is not None:
            self.shadowing = Shadowing(self.writer, self.spare, self.record_limit)

    @property
    def journal(self) -> Journalling | None:
        return None if self.writer is None else self.writer.journalling

    def settle(self, project: str, told: Serve) -> None:
        """Serve a project as it says from now on."""
        if told.canary is not None:
            self.canaries[project] = told.canary
        else:
            self.canaries.pop(project, None)
        if self.journal is not None:
            self.journal.keepings[project] = told.journal

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

    def split(self, champion: Live) -> Split | None:
        """How the requests of a project, of which *champion* is the one that answers, are shared; None: it answers all."""
        said = self.canaries.get(champion.release.name)
        canary = None if said is None else self.models.led(champion.release.name, said.alias)
        return None if said is None or canary is None else Split(champion, canary, said.share)

    def afterwards(self, project: str, body: bytes, answered: Sequence[Prediction]) -> BackgroundTask | None:
        """What is done once *answered*, what was made of *body*, is on its way: a version in the shadow gets a copy.

        None where there is no such version, it is the one that answered, or nothing is kept.
        """
        shadow = self.models.led(project, SHADOW)
        if self.shadowing is None or shadow is None or not answered or answered[0].model_version == shadow.release.version:
            return None
        return BackgroundTask(self.shadowing.copy, shadow, body, answered)
