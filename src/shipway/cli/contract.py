"""`shipway contract`: what a row must be; inferred, shown, checked, compared and exported."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click
import msgspec

from shipway.cli import display, tables, words
from shipway.core import contract as contracts
from shipway.core import disk, exports, mending, quarantine, schema_changes
from shipway.core.contract import Column, Contract, text_of
from shipway.core.errors import DataError, UsageError

SHOWN_REASONS = 10
SHOWN_LEVELS = 6

out = click.option("--out", metavar="FILE", type=words.a_file, help="Write to this file instead of stdout.")


@click.group()
def contract() -> None:
    """Infer, show, check, compare and export what a row must be."""


@contract.command()
@click.argument("file", metavar="FILE", type=words.a_file)
@words.target
@out
def infer(file: Path, target: str, out: Path | None) -> None:
    """Guess the contract of the table in FILE; a comment at each guess says why."""
    from shipway import beginning
    from shipway.core import file_schemas
    from shipway.core.inference import document

    with display.progress() as progress:
        seen = beginning.guess(file, target, progress)
    _deliver(document.write(seen.guess, schema=file_schemas.address("contract")), out)


@contract.command()
@words.project
@words.variant
@words.as_json
def show(project: str, variant: str | None, as_json: bool) -> None:
    """Show the columns of PROJECT: their roles, types and rules, and what means a missing value."""
    from shipway import wiring

    folder, _ = wiring.open_project(wiring.open_workspace(), project, variant=variant)
    found = folder.contract
    if as_json:
        columns = [
            {"name": name, **msgspec.to_builtins(column), "role": found.role(name)} for name, column in found.columns.items()
        ]
        described = {**msgspec.to_builtins(found), "positive": found.positive_class, "columns": columns}
        click.echo(json.dumps({"project": folder.name, "fingerprint": found.fingerprint(), **described}, ensure_ascii=False))
        return
    classes = ", ".join(text_of(level) for level in found.classes)
    positive = f"; positive is {text_of(found.positive_class)}" if found.positive_class is not None else ""
    click.echo(tables.printable(f"{folder.name} predicts {found.target}: {classes}{positive}") + "\n")
    header = ("column", "role", "type", "may be missing", "missing markers", "rules", "written", "meaning")
    tables.show(header, [_line(found, name, column) for name, column in found.columns.items()])


@contract.command()
@click.argument("file", metavar="FILE", type=words.a_file)
@click.option("--project", metavar="NAME", help="Whose contract; by default that of the project whose folder we stand in.")
@words.variant
@click.option("--separator", metavar="SIGN", help="Between the cells of a CSV file; found out by default.")
@click.option("--encoding", metavar="NAME", help="Of a CSV file, by its Python name.")
@click.option("--out", metavar="FILE", type=words.a_file, help="Write the bad rows to this file: .csv, .parquet or .jsonl.")
@click.option("--clean", metavar="FILE", type=words.a_file, help="Write the good rows, typed and without duplicates: .parquet.")
@words.as_json
def check(
    file: Path,
    project: str | None,
    variant: str | None,
    separator: str | None,
    encoding: str | None,
    out: Path | None,
    clean: Path | None,
    as_json: bool,
) -> int:
    """Read the table in FILE by a project's contract, and run nothing.

    Says which columns are new, lost, renamed or retyped, and how many rows break which rule. Exit code 3 means that a run would
    stop: more rows are bad than [check] max_bad_share allows. Then --clean writes nothing; else it writes the rows that the steps
    `check` and `clean` would keep, as [clean] says.
    """
    from shipway import inspection, wiring

    if out is not None:
        mending.check_ending(out)
    if clean is not None and clean.suffix.lower() != ".parquet":
        raise UsageError(f"--clean {clean}: clean rows are written to a file that ends in .parquet")
    place = wiring.open_workspace()
    folder, _ = wiring.open_project(
        place, words.project_or_here(project, place, "contract check FILE --project"), variant=variant
    )
    with display.progress() as progress, tempfile.TemporaryDirectory() as scratch:
        written = {"separator": separator, "encoding": encoding}
        keep = Path(scratch) if out is not None else None
        found = inspection.check_file(folder, file, progress, keep=keep, clean=clean, **written)
        if out is not None and found.quarantine is not None:
            mending.save(found.quarantine.batches, out)
    for warning in progress.warnings:
        click.echo(f"warning: {warning}", err=True)
    commonest = quarantine.commonest(found.reasons)
    if as_json:
        reasons = [
            {"column": column, "rule": rule, "message": message, "cells": count} for (column, rule, message), count in commonest
        ]
        about = {"project": folder.name, "file": str(file), "rows": found.rows, "bad_rows": found.bad_rows}
        about |= {"max_bad_share": found.max_bad_share, "held": found.held, "reasons": reasons}
        about["clean_rows"] = found.clean_rows
        about["changes"] = msgspec.to_builtins(found.changes)
        click.echo(json.dumps(about, ensure_ascii=False))
        return 0 if found.held else DataError.exit_code
    for change in found.changes:
        click.echo(tables.printable(change.text))
    share = f" ({found.bad_rows / found.rows:.1%}; a run allows {found.max_bad_share:.1%})" if found.bad_rows else ""
    click.echo(f"{found.bad_rows:,} of {found.rows:,} rows break the contract of {folder.name}{share}")
    if commonest:
        tables.show(("cells", "column", "rule", "what"), [(f"{n:,}", *reason) for reason, n in commonest[:SHOWN_REASONS]])
    if len(commonest) > SHOWN_REASONS:
        click.echo(f"and {len(commonest) - SHOWN_REASONS} more reasons; --json names all")
    if out is not None:
        click.echo(f"the bad rows are in {out}")
    elif found.bad_rows:
        click.echo("--out FILE writes the bad rows")
    if found.clean_rows is not None:
        gone = found.rows - found.bad_rows - found.clean_rows
        click.echo(f"{found.clean_rows:,} clean rows are in {clean}; {gone:,} more repeated or contradicted them")
    elif clean is not None:
        click.echo(f"{clean} was not written, as a run would stop here")
    return 0 if found.held else DataError.exit_code


@contract.command()
@words.project
@click.argument("other", metavar="[OTHER]", type=words.a_file, required=False)
@words.as_json
def diff(project: str, other: Path | None, as_json: bool) -> None:
    """Say what the contract of PROJECT has otherwise than OTHER.

    OTHER is another contract.toml, or a table file; by default it is the contract of PROJECT's champion, or of the model that was
    trained last. Of a table its columns are named that are new, lost, renamed or of another type, and what their values are that
    the contract does not expect: levels, gaps, numbers out of bounds, another spelling. Renamed columns are told by name, and by
    values where these are known: by the levels and bounds of the contract, and by the rows that the champion learned from.
    """
    from shipway import inspection, wiring

    place = wiring.open_workspace()
    folder, _ = wiring.open_project(place, project)
    if other is None:
        what, old = inspection.frozen_contract(place, folder.name)
        found = schema_changes.between(old, folder.contract)
    elif other.suffix.lower() == ".toml":
        what, found = str(other), schema_changes.between(contracts.load(other), folder.contract)
    else:
        with display.progress() as progress:
            what, found = str(other), inspection.compare_table(place, folder, other, progress)
    if as_json:
        click.echo(json.dumps({"project": folder.name, "other": what, "changes": msgspec.to_builtins(found)}, ensure_ascii=False))
        return
    if not found:
        table = other is not None and other.suffix.lower() != ".toml"
        click.echo(f"{what} has what {folder.name} expects" if table else f"{folder.name} has the contract of {what}")
    for change in found:
        click.echo(tables.printable(change.text))


@contract.command()
@words.project
@words.variant
@click.option("--to", type=click.Choice(exports.FORMATS), required=True, help="The standard to write it in.")
@out
def export(project: str, variant: str | None, to: str, out: Path | None) -> None:
    """Write the contract of PROJECT as a JSON Schema, a Frictionless Table Schema or an Open Data Contract."""
    from shipway import wiring

    folder, _ = wiring.open_project(wiring.open_workspace(), project, variant=variant)
    _deliver(exports.write(folder.contract, to, folder.name, folder.info), out)


def _deliver(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
    else:
        disk.write_file(out, text.encode())


def _line(found: Contract, name: str, column: Column) -> tuple[str, ...]:
    markers = ", ".join(f'"{marker}"' for marker in column.missing)
    meaning = "; ".join(part for part in (column.description, column.unit and f"in {column.unit}") if part)
    may = "yes" if column.nullable else ""
    return name, found.role(name), column.type, may, markers, _rules(found, name, column), _written(column), meaning


def _rules(found: Contract, name: str, column: Column) -> str:
    bounds = (("at least", column.minimum), ("at most", column.maximum))
    rules = [f"{word} {text_of(bound)}" for word, bound in bounds if bound is not None]
    if column.levels:
        texts = [text_of(level) for level in column.levels]
        more = f" or {len(texts) - SHOWN_LEVELS} more" if len(texts) > SHOWN_LEVELS else ""
        word = "one of" if column.closed or name == found.target else "expected"
        rules.append(f"{word} {', '.join(texts[:SHOWN_LEVELS])}{more}")
    return "; ".join(rules)


def _written(column: Column) -> str:
    parts: dict[str, Any] = {
        "decimal": column.decimal if column.decimal != "." else None,
        "thousands": column.thousands,
        "affixes": " ".join(column.affixes),
        "as": column.format,
    }
    return ", ".join(f"{word} {value}" for word, value in parts.items() if value)
