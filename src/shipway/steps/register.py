"""Enter the model into the registry."""

from __future__ import annotations

from shipway.core.artifacts import DataVersion
from shipway.core.models import Bundle, Model, ModelVersion, Verdict
from shipway.core.ports import ModelRegistry, Progress
from shipway.core.project import ProjectInfo
from shipway.core.step import step

CHALLENGER = "challenger"


@step(writes="version")
def register(
    model: Model,
    verdict: Verdict,
    bundle: Bundle,
    data_version: DataVersion,
    *,
    registry: ModelRegistry,
    project: ProjectInfo,
    progress: Progress,
    alias: str = "champion",
    pickle: bool = False,
) -> ModelVersion:
    """Register the model with its lineage; it gets the alias when its gates held, else it is a challenger.

    Args:
        alias: Name that the service follows.
        pickle: Also keep a pickle of the pipeline beside it, for use elsewhere; we never load one.
    """
    uses = [project.description, f"Intended use: {project.intended_use}" if project.intended_use else ""]
    version = registry.register(
        model,
        verdict,
        bundle,
        data_version,
        title=project.title,
        description="\n\n".join(text for text in uses if text),
        alias=alias if verdict.passed else CHALLENGER,
        pickle=pickle,
    )
    progress.note(f"version {version.version}, {version.alias}")
    return version
