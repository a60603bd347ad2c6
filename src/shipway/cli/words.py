"""Arguments and options that several commands share, said once."""

from __future__ import annotations

from typing import Annotated

import typer

Projects = Annotated[list[str] | None, typer.Argument(metavar="PROJECT...", help="Names of projects, or paths to them.")]
Variant = Annotated[str | None, typer.Option("--variant", metavar="NAME", help="Lay [variant.NAME] over the project file.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Overrule one setting; may be repeated.")
]
First = Annotated[str | None, typer.Option("--from", metavar="STEP", help="Begin here, with the last results of earlier steps.")]
Last = Annotated[str | None, typer.Option("--to", metavar="STEP", help="End after this step.")]
Force = Annotated[
    list[str] | None, typer.Option("--force", metavar="STEP", help="Run this step, and what follows from it, in any case.")
]
StandIn = Annotated[
    bool, typer.Option("--stand-in", help="Where a named dataset is not at hand, use generated STAND-IN DATA of the same shape.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a project on stdout.")]
