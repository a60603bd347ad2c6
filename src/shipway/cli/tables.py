"""Tables on stdout: as wide as the terminal, and uncut where they go to a file or another program."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence

import click

UNBOUND = 1 << 16
"""Columns of characters where there is no terminal: no line is broken."""


def show(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print *rows* under *header*, without the columns in which no row has anything.

    What would steer the terminal is shown as an escape: names come from strangers' data.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    rows = list(rows)
    shown = [place for place, _ in enumerate(header) if any(row[place] for row in rows)]
    for place in shown:
        table.add_column(header[place], overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(row[place])) for place in shown))
    text = io.StringIO()
    tty = sys.stdout.isatty()
    console = Console(file=text, force_terminal=tty, width=None if tty else UNBOUND)
    console.print(table, soft_wrap=not tty)
    click.echo("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def printable(text: str) -> str:
    """*text* with line breaks and control characters as escapes."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
