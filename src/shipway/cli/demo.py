"""`shipway demo`: the three case studies, from data to an answering endpoint, in one go."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from shipway.cli.display import STAND_IN
from shipway.cli.run import run_one
from shipway.core.errors import DataAwayError, OutsideError
from shipway.core.pipeline import Selection
from shipway.core.report import RunReport
from shipway.core.workspace import Workspace

READY_WITHIN = 60.0
"""Seconds that the service may take to load its models."""


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default="shipway-demo")
def demo(folder: Path) -> None:
    """Make a workspace, run the three case studies, start the service, ask each endpoint once, and end."""
    from shipway import wiring

    began = time.monotonic()
    place = wiring.create_workspace(folder, examples=True)
    reports = [_run(place, name) for name in wiring.EXAMPLES]
    with _service(place) as address:
        for done in reports:
            record = wiring.example_row(place, done.project)
            answer = _post(f"{address}/{done.project}/predict", record)
            click.echo(f"\nPOST /{done.project}/predict" + (f"   {STAND_IN}" if done.stand_in else ""))
            click.echo(f"  {json.dumps(record, ensure_ascii=False)}")
            click.echo(f"  -> {json.dumps(answer, ensure_ascii=False)}")
    click.echo(f"\nDone in {time.monotonic() - began:.0f} s. What to open next, after `cd {folder}`:")
    programs = _programs(place.root)
    click.echo(f"  {programs}shipway serve          the service again; its pages are at http://127.0.0.1:8000 and /docs")
    click.echo(f"  {programs}mlflow ui              the runs, plots, models and their versions")
    click.echo(f"  {programs}shipway explain iris   what a run would do now, and why")
    click.echo("  git log                the versions of the data")


def _programs(root: Path) -> str:
    """What to write before a program's name so that a shell in *root* finds it: nothing where it is on the path."""
    if shutil.which("shipway"):
        return ""
    return f"{os.path.relpath(Path(sys.executable).parent, root)}/"


def _run(place: Workspace, name: str) -> RunReport:
    """Run one case study on its real table, or on a stand-in where that can't be had."""
    try:
        return run_one(place, name, selection=Selection())
    except DataAwayError as error:
        click.echo(f"{error}\nGoing on with {STAND_IN} for {name}.", err=True)
        return run_one(place, name, selection=Selection(), stand_in=True)


@contextlib.contextmanager
def _service(place: Workspace) -> Iterator[str]:
    """The service on a free port of loopback, in a process of its own, for as long as the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "shipway", "serve", "--host", "127.0.0.1", "--port", str(port), "--no-auth"]
    # Its access log would stand between the answers that are shown.
    process = subprocess.Popen(command, cwd=place.root, env=os.environ | {"PYTHONUNBUFFERED": "1", "SHIPWAY_ACCESS_LOG": "off"})
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WITHIN
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health/ready", timeout=5) as response:
            if response.status == 200:
                return
        time.sleep(0.1)
    raise OutsideError(f"the service was not ready within {READY_WITHIN:.0f} s; start it with `shipway serve` and read its log")


def _post(url: str, record: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(record).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise OutsideError(f"{url} answered {error.code}: {error.read().decode(errors='replace')}") from None
