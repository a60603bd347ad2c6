"""The command line: one command a module, thin; results on stdout, progress and messages on stderr."""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType, TracebackType

import click

from shipway.core import disk
from shipway.core.errors import InterruptedRun, ShipwayError, UsageError

COMMANDS = {
    "new": "Begin a project from a table, with everything guessed.",
    "init": "Make a git and DVC workspace.",
    "run": "Take projects through the lifecycle.",
    "explain": "Say what a run would do, and why.",
    "contract": "Infer, show, check, compare and export what a row must be.",
    "quarantine": "Show the rows that break a project's contract.",
    "report": "Say where the report on a project's data is.",
    "serve": "Serve champions in one microservice that follows the registry.",
    "models": "List, show, promote and roll back the versions of a project's model.",
    "keys": "Add, list and revoke the API keys of the service.",
    "journal": "Export, prune and count the predictions that were answered.",
    "demo": "Run the three case studies and ask each endpoint once.",
}
"""Each command with its line in the overview; its module is imported only when it is called."""
HIDDEN = ("follow", "work")
"""Commands that Shipway calls itself."""


class Commands(click.Group):
    """The commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS and cmd_name not in HIDDEN:
            return None
        found: click.Command = getattr(importlib.import_module(f"shipway.cli.{cmd_name}"), cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="shipway")
def app(debug: bool) -> None:
    """From a table and a target column to a monitored prediction microservice."""


def main() -> None:
    """Run the command line; an error is one red line and an exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    if "--debug" not in sys.argv:
        sys.excepthook = _report_bug
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        sys.exit(UsageError.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail(InterruptedRun("stopped"))
    except ShipwayError as error:
        _fail(error)
    except OSError as error:
        refused = disk.refusal(error)
        if refused is None:
            raise
        _fail(refused)


def _fail(error: ShipwayError) -> None:
    if "--debug" in sys.argv:
        raise error
    _print_red(str(error))
    sys.exit(error.exit_code)


def _report_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _print_red(f"A bug of Shipway's: {kind.__name__}: {error}\n`shipway --debug ...` shows where; please report it.")


def _print_red(text: str) -> None:
    click.secho(text, fg="red", err=True)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
