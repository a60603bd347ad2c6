"""Shipway: from a table and a target column to a monitored prediction microservice.

>>> import shipway
>>> run = shipway.Project("projects/iris").run()  # doctest: +SKIP
>>> run.predict([{"SepalLengthCm": 5.1, "SepalWidthCm": 3.5, "PetalLengthCm": 1.4, "PetalWidthCm": 0.2}])  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Project", "ProjectRun"]

if TYPE_CHECKING:
    from shipway.face import Project, ProjectRun


def __getattr__(name: str) -> Any:
    """Import the Python face when it is first asked for, so that the command line starts without it."""
    if name in __all__:
        from shipway import face

        return getattr(face, name)
    raise AttributeError(f"module 'shipway' has no attribute {name!r}")
