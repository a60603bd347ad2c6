"""The command line: one command a module, thin; results on stdout, progress and messages on stderr."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType

import typer

from shipway.cli import demo, explain, init, run, serve
from shipway.core.errors import InterruptedRun, ShipwayError

app = typer.Typer(
    help="From a table and a target column to a monitored prediction microservice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("init")(init.init)
app.command("run")(run.run)
app.command("explain")(explain.explain)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)


@app.callback()
def options(debug: bool = typer.Option(False, "--debug", help="Show a traceback with an error.")) -> None:
    """Options of all commands."""


def main() -> None:
    """Run the command line; an error is one red line and an exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    if "--debug" not in sys.argv:
        sys.excepthook = _report_bug
    try:
        app()
    except KeyboardInterrupt:
        _fail(InterruptedRun("stopped"))
    except ShipwayError as error:
        _fail(error)


def _fail(error: ShipwayError) -> None:
    if "--debug" in sys.argv:
        raise error
    _print_red(str(error))
    sys.exit(error.exit_code)


def _report_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _print_red(f"A bug of Shipway's: {kind.__name__}: {error}\n`shipway --debug ...` shows where; please report it.")


def _print_red(text: str) -> None:
    red, plain = ("\033[31m", "\033[0m") if sys.stderr.isatty() else ("", "")
    sys.stderr.write(f"{red}{text}{plain}\n")


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
