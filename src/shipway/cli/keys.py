"""`shipway keys`: the API keys of the service."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from shipway.cli import tables, words
from shipway.core.journal import keeping
from shipway.core.keys import Key, KeyFile


class Age(click.ParamType[timedelta]):
    """A length of time such as 90d."""

    name = "age"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return keeping.period(value)
        except ValueError as error:
            self.fail(str(error))


@click.group()
def keys() -> None:
    """Add, list and revoke the API keys of the service.

    As soon as there is one, the service asks every caller for a key; one that runs notices a change within two seconds.
    """


@keys.command()
@click.argument("name")
@click.option("--project", "projects", metavar="PROJECT", multiple=True, help="Only for this project; may be repeated.")
@click.option("--rate", metavar="N/PERIOD", help="At most so often, such as 100/s, 600/m, 10000/h or 100000/d.")
@click.option("--expires", metavar="AGE", type=Age(), help="Good for so long, such as 36h, 90d or 12w.")
@words.as_json
def add(name: str, projects: tuple[str, ...], rate: str | None, expires: timedelta | None, as_json: bool) -> None:
    """Make a key for the caller NAME, and print it once: only its hash is kept."""
    from shipway import wiring

    place = wiring.open_workspace()
    names = [place.folder(project).name for project in projects]
    file = wiring.keys(place)
    key, text = file.add(name, projects=names, rate=rate, expires=expires)
    click.echo(json.dumps({**_told(key), "key": text}) if as_json else text)
    click.echo(
        f"This is the key of {name}, shown this once: {file.path} has its hash only. Callers send it as "
        f"`Authorization: Bearer KEY`; `shipway keys revoke {name}` ends it.",
        err=True,
    )


@keys.command("list")
@words.as_json
def list_keys(as_json: bool) -> None:
    """List the keys, those that are revoked or expired too."""
    file = _file()
    found = file.read()
    if as_json:
        click.echo(json.dumps({"file": str(file.path), "keys": [_told(key) for key in found]}))
    elif not found:
        click.echo(f"there is no key in {file.path}; `shipway keys add NAME` makes one")
    else:
        tables.show(("name", "id", "projects", "rate", "created", "expires", "state"), [_line(key) for key in found])


@keys.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Let the key of the caller NAME be good no more."""
    file = _file()
    file.revoke(name)
    click.echo(f"the key of {name} is revoked; a running service refuses it within two seconds")


def _file() -> KeyFile:
    from shipway import wiring

    return wiring.keys(wiring.open_workspace())


def _told(key: Key) -> dict[str, Any]:
    """What may be told of a key: not its hash."""
    times = {"created": key.created, "expires": key.expires, "revoked": key.revoked}
    return {
        "name": key.name,
        "id": key.id,
        "projects": key.projects,
        "rate": key.rate,
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
        "state": key.state(datetime.now(UTC)),
    }


def _line(key: Key) -> tuple[str, ...]:
    state = key.state(datetime.now(UTC))
    if key.revoked is not None:
        state = f"revoked {_time(key.revoked)}"
    return key.name, key.id, ", ".join(key.projects) or "all", key.rate or "", _time(key.created), _time(key.expires), state


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")
