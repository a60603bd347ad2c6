"""`shipway models`: the versions of a project's model, and which of them the service follows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from shipway.cli import display, tables, words
from shipway.core.errors import UsageError
from shipway.core.lineup import CHAMPION, FOLLOWED, Move, Registered

if TYPE_CHECKING:
    from shipway.adapters.mlflow.aliases import Aliases

SHOWN_MOVES = 10

why = click.option("--why", metavar="TEXT", default="", help="Why, for the log.")
by = click.option("--by", metavar="NAME", help="Who, for the log; the user of this machine by default.")
alias = click.option("--alias", default=CHAMPION, show_default=True, help=f"Which alias: {', '.join(FOLLOWED)}, or one of yours.")


@click.group()
def models() -> None:
    """List, show, promote and roll back the versions of a project's model.

    A running service follows the alias champion: it swaps within seconds. Each move is kept in a log, in the registry.
    """


@models.command("list")
@words.project
@words.as_json
def list_versions(project: str, as_json: bool) -> None:
    """List the versions of PROJECT's model, the newest first."""
    found = _open(project).versions()
    if as_json:
        click.echo(json.dumps({"project": project, "versions": msgspec.to_builtins(found)}))
        return
    if not found:
        click.echo(f"{project} has no version yet; `shipway run {project}` makes one")
        return
    metric = next((name for one in found for name in one.metrics), "")
    header = ("version", "alias", "gates", metric, "estimator", "data", "registered")
    tables.show(header, [_line(one, metric) for one in found])


@models.command()
@words.project
@click.argument("version", required=False)
@words.as_json
def show(project: str, version: str | None, as_json: bool) -> None:
    """Show one VERSION of PROJECT's model (the champion, else the newest), and the last moves of its aliases."""
    aliases = _open(project)
    found, moves = aliases.versions(), aliases.moves()
    one = _chosen(project, found, version)
    if as_json:
        click.echo(json.dumps({"project": project, **msgspec.to_builtins(one), "moves": msgspec.to_builtins(moves)}))
        return
    click.echo(f"{project} version {one.version}{_names(one)}")
    for name, text in _facts(one):
        click.echo(f"  {name:<12}  {text}")
    if moves:
        click.echo("\nMoves of its aliases, the last first")
        tables.show(("when", "alias", "from", "to", "who", "why"), [_move(move) for move in reversed(moves[-SHOWN_MOVES:])])
    for name, held in {each: one.version for one in found for each in one.aliases}.items():
        last = next((move.version for move in reversed(moves) if move.alias == name), None)
        if last is not None and last != held:
            click.echo(f"{name} was moved to version {held} by other means, such as MLflow's own page; that is in no log")


@models.command()
@words.project
@click.argument("version")
@alias
@click.option("--override", metavar="REASON", help="Promote it though its gates did not hold; the reason is kept with it.")
@why
@by
def promote(project: str, version: str, alias: str, override: str | None, why: str, by: str | None) -> None:
    """Let an alias of PROJECT's model point to VERSION. One whose gates did not hold becomes champion with --override only."""
    if override is not None and not override.strip():
        raise UsageError("--override needs a reason, which is kept with the version")
    _tell(project, alias, version, _moved(project, alias, version, why=why, by=by, override=override))


@models.command()
@words.project
@alias
@why
@by
def rollback(project: str, alias: str, why: str, by: str | None) -> None:
    """Let an alias of PROJECT's model point to the version that it pointed to before its last move."""
    aliases = _open(project)
    now = next((one.version for one in aliases.versions() if alias in one.aliases), None)
    last = next((move for move in reversed(aliases.moves()) if move.alias == alias and move.version == now != move.before), None)
    if last is None or last.before is None:
        raise UsageError(
            f"the log of {project} has no move of {alias} to go back from; `shipway models list {project}` shows the versions, "
            f"`shipway models promote {project} VERSION` chooses one"
        )
    reason = why or f"rolled back from version {now}"
    _tell(project, alias, last.before, _moved(project, alias, last.before, why=reason, by=by, override=None))


def _open(project: str) -> Aliases:
    from shipway import wiring

    _, adapters = wiring.open_project(wiring.open_workspace(), project)
    found: Aliases = adapters.registry.aliases
    return found


def _moved(project: str, alias: str, version: str, **how: Any) -> Move | None:
    aliases = _open(project)
    with display.progress() as progress, progress(f"moving {alias}"):
        return aliases.move(alias, version, **how)


def _tell(project: str, alias: str, version: str, move: Move | None) -> None:
    if move is None:
        click.echo(f"{alias} of {project} is version {version} already")
    elif move.before == version:
        click.echo(f"{alias} of {project} is version {version} already; it may be served now, and who says so is on record")
    else:
        before = f", after version {move.before}" if move.before else ""
        click.echo(f"{alias} of {project} is version {version} now{before}")


def _chosen(project: str, found: Sequence[Registered], version: str | None) -> Registered:
    wanted = [one for one in found if (version == one.version if version else CHAMPION in one.aliases)]
    wanted = wanted or ([] if version else list(found[:1]))
    if not wanted:
        have = f"it has {', '.join(one.version for one in found)}" if found else f"`shipway run {project}` makes one"
        raise UsageError(f"{project} has no version{f' {version!r}' if version else ' yet'}; {have}")
    return wanted[0]


def _line(one: Registered, metric: str) -> tuple[str, ...]:
    figure = one.metrics.get(metric)
    score = f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})" if figure else ""
    return (
        one.version,
        ", ".join(one.aliases),
        _gates(one),
        score,
        one.estimator.rpartition(".")[2],
        one.data_version,
        _time(one.created),
    )


def _facts(one: Registered) -> list[tuple[str, str]]:
    facts = [("gates", f"{_gates(one)}{f': {one.override}' if one.override else ''}")]
    facts += [(name, f"{figure.value:.3f}  ({figure.low:.3f} to {figure.high:.3f})") for name, figure in one.metrics.items()]
    facts += [("estimator", one.estimator), ("data version", one.data_version), ("registered", _time(one.created))]
    facts += [("MLflow run", one.run_id)]
    return [("", display.STAND_IN)] * one.stand_in + facts


def _gates(one: Registered) -> str:
    return "held" if one.passed else "overridden" if one.override else "did not hold"


def _names(one: Registered) -> str:
    return f", {', '.join(one.aliases)}" if one.aliases else ""


def _move(move: Move) -> tuple[str, ...]:
    reason = "; ".join(text for text in (move.why, f"gates overridden: {move.override}" if move.override else "") if text)
    return _time(move.at), move.alias, move.before or "none", move.version, move.by, reason


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
