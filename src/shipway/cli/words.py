"""Arguments and options that several commands share, said once."""

from __future__ import annotations

import click

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
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a project on stdout.")
