"""Arguments and options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path

import click

from shipway.core.errors import UsageError
from shipway.core.workspace import Workspace

projects = click.argument("projects", metavar="[PROJECT]...", nargs=-1)
project = click.argument("project", metavar="PROJECT")
variant = click.option("--variant", metavar="NAME", help="Lay [variant.NAME] over the project file.")
overrides = click.option(
    "--set", "overrides", metavar="SECTION.KEY=VALUE", multiple=True, help="Overrule one setting; may be repeated."
)
force = click.option(
    "--force", metavar="STEP", multiple=True, help="Run this step, and what follows from it, in any case; may be repeated."
)
stand_in = click.option(
    "--stand-in", is_flag=True, help="Where a named dataset is not at hand, use generated STAND-IN DATA of the same shape."
)
target = click.option(
    "--target", required=True, metavar="COLUMN", help="The column to predict: its name, or its place (0 first, -1 last)."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a project on stdout.")
tls_certificate = click.option(
    "--tls-certificate", metavar="FILE", help="Speak HTTPS with this certificate (PEM), those of its authorities after it."
)
tls_key = click.option("--tls-key", metavar="FILE", help="The private key of the certificate (PEM, without a password).")
drain = click.option(
    "--drain",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="From SIGTERM to the end; 10 by default.",
)
a_file = click.Path(dir_okay=False, path_type=Path)


def project_or_here(project: str | None, place: Workspace, command: str) -> str:
    """The project that was named, else that whose folder we stand in, else the only one. *command* is how to name one."""
    if project is not None:
        return project
    if (Path.cwd() / "project.toml").is_file():
        return "."
    names = place.names()
    if len(names) == 1:
        return names[0]
    raise UsageError(f"name a project: shipway {command} {' or '.join(names) or 'NAME'}")
