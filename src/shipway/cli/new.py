"""`shipway new`."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipway.cli import display, words

if TYPE_CHECKING:
    from shipway.beginning import Begun

SHOWN_CLASSES = 6


@click.command()
@click.argument("table", metavar="TABLE", type=click.Path(path_type=Path))
@words.target
@click.option("--name", help="The project's name; the table's unless given.")
@click.option("--serve", is_flag=True, help="Run the project and serve its model.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on with --serve; 8000 unless set otherwise.")
def new(table: Path, target: str, name: str | None, serve: bool, port: int | None) -> int:
    """Begin a project from TABLE, a CSV or Parquet file, in this workspace or in a new one here.

    Separator, encoding, types, missing markers, dates, keys and more are guessed and written into project.toml and contract.toml,
    with a comment at each guess that says why and how to overrule it. In a git repository that was there before, nothing is
    committed.
    """
    from shipway import beginning

    with display.progress() as progress:
        begun = beginning.begin(table, target, start=Path.cwd(), name=name, progress=progress)
    click.echo(described(begun))
    if not serve:
        click.echo(f"Next: {_there(begun)}shipway run {begun.name}")
        return 0
    from shipway import offers, operating, preflight, settings, wiring
    from shipway.cli.run import GATES_DID_NOT_HOLD, run_one
    from shipway.core.pipeline import Selection

    known = settings.load(begun.place.root)
    setup = preflight.Setup(host=known.host, port=known.port if port is None else port)
    preflight.entrance(begun.place, setup)
    if not run_one(begun.place, begun.name, selection=Selection()).held:
        return GATES_DID_NOT_HOLD
    row = shlex.quote(json.dumps(wiring.example_row(begun.place, begun.name), ensure_ascii=False, default=str))
    click.echo(
        f"Ask it:\n  curl -s http://{setup.host}:{setup.port}/{begun.name}/predict -H 'Content-Type: application/json' -d {row}"
    )
    operating.serve(begun.place, offers.releases(begun.place, [begun.name]), setup)
    return 0


def described(begun: Begun) -> str:
    """What was guessed, in a few lines."""
    contract = begun.contract
    types = Counter(contract.columns[name].type for name in contract.features)
    classes = [str(level) for level in contract.classes]
    shown = ", ".join(classes[:SHOWN_CLASSES]) + (", ..." if len(classes) > SHOWN_CLASSES else "")
    lines = [
        f"Project {begun.name} in {begun.folder}, from {begun.rows:,} rows",
        f"  target    {contract.target}: {len(classes)} classes ({shown})",
        f"  features  {len(contract.features)}: {', '.join(f'{count} {type}' for type, count in types.most_common())}",
    ]
    ignored = [name for name in contract.columns if contract.role(name) == "ignored"]
    for label, names in (("key", contract.key), ("weight", [contract.weight]), ("ignored", ignored)):
        if found := [name for name in names if name is not None]:
            lines.append(f"  {label:<9} {', '.join(found)}")
    lines += [f"  look at   {remark}" for remark in begun.remarks]
    return "\n".join([*lines, f"Each guess and its reason: {begun.folder / 'contract.toml'}"])


def _there(begun: Begun) -> str:
    """How to get to the workspace, where we are not in it."""
    root = begun.place.root
    return "" if Path.cwd().resolve().is_relative_to(root) else f"cd {shlex.quote(str(root))} && "
