"""What it costs to take the airline table, repeated, from CSV to checked, de-duplicated, cleaned Parquet: ours beside pandas.

    python benchmarks/ingest.py [--times 10 100] [--runs 3] [DATA_FOLDER]

Ours are measured in two ways, both with the project's own contract:

- file: what `shipway contract check FILE --clean OUT` does. A line that repeats an earlier one whose row kept the contract is
  left out before its cells are read, so the more a table repeats itself, the less a row costs; one without repeats gains nothing.
- steps: the real steps ingest, combine, check and clean, called one after the other as a run calls them, each reading from disk
  what the one before it wrote; without DVC's copy of the content, the syncing of the cache, the leakage audit and the report,
  which the peer does not make either. So the rows are written three times: as received, as checked, and without duplicates.

In both, rows that break a rule would be set apart as they were received.

Pandas is measured in three ways, with each engine that can do it, the faster of which counts:

- texts: the same steps in one process without anything in between on disk. Cells are read as texts, as rows that break a rule
  have to be set apart as received; texts are turned into Arrow numbers.
- typed: types are given to `read_csv`, the integers with declared bounds as int8, the categories as such. A cell that can't be
  read as its type ends the run there; bounds, levels and missing values are checked. This does less than the steps do, and is as
  fast as pandas gets.
- plain: `pandas.read_csv(file)` with nothing else given, as most people write it, then the same checks as typed.

All of it takes turns in each run, each in a process of its own; the medians of the ratios of a run are printed, and the largest
memory of each. Times are without imports.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alone import Quiet

from shipway.core import contract as contracts
from shipway.core.contract import Contract

FILE = "invistico-airline.csv"
CONTRACT = Path(__file__).parents[1] / "projects" / "airline_satisfaction" / "contract.toml"
OURS = ("file", "steps")
PEERS = {"texts": ("texts c", "texts pyarrow"), "typed": ("typed c", "typed pyarrow"), "plain": ("plain",)}
BAR, ROOM = 3.0, 1.2
"""What the README claims: times as fast as pandas, and gigabytes at most."""

INT8 = range(-128, 128)


class Folder:
    """Data versions that are one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, version: object) -> Path:
        return self.folder


def whole(file: Path, scratch: Path, contract: Contract) -> Iterator[str]:
    """The file by itself, without a run."""
    import numpy.ma  # noqa: F401  imported here, so that the imports are not counted; Polars does at its first array

    from shipway import inspection
    from shipway.adapters.files import repeats, survey  # noqa: F401  imported here, so that the imports are not counted
    from shipway.core import project, twins  # noqa: F401
    from shipway.core.reading import reader  # noqa: F401
    from shipway.modelling.leakage import twins as pairs  # noqa: F401
    from shipway.steps import clean  # noqa: F401

    folder = project.load(CONTRACT.parent)
    yield "imports"
    found = inspection.check_file(folder, file, Quiet(), keep=scratch / "bad", clean=scratch / "clean.parquet")
    yield "check and clean"
    print(f"{found.rows} rows, {found.bad_rows} in quarantine, {found.clean_rows} kept", file=sys.stderr)


def steps(file: Path, scratch: Path, contract: Contract) -> Iterator[str]:
    """The steps; yields the name of each when it is done."""
    from shipway.adapters.files import FilesSource
    from shipway.core import twins  # noqa: F401  imported here, so that the imports are not counted
    from shipway.core.artifacts import DataVersion
    from shipway.core.ports import Staging
    from shipway.core.reading import reader  # noqa: F401  imported here, so that the imports are not counted
    from shipway.steps.check import check
    from shipway.steps.clean import clean
    from shipway.steps.combine import combine
    from shipway.steps.ingest import ingest

    def staging(name: str) -> Staging:
        (scratch / name).mkdir()
        return Staging(scratch / name)

    quiet = Quiet()
    yield "imports"
    received = ingest(source=FilesSource(file.parent, path=file.name), staging=staging("ingest"), progress=quiet)
    yield "ingest"
    version = DataVersion(name="airline/1", hash="", path="", origin=received.origin)
    rows = combine(version, versions=Folder(received.folder), staging=staging("combine"), progress=quiet)  # type: ignore[arg-type]
    yield "combine"
    checked = check(rows, contract=contract, staging=staging("check"), progress=quiet, audit=False)
    yield "check"
    kept, _ = clean(checked, version, contract=contract, staging=staging("clean"), progress=quiet, report=False)
    yield "clean"
    print(f"{checked.examined.received} rows, {checked.quarantined} in quarantine, {kept.height} kept", file=sys.stderr)


def typed(file: Path, scratch: Path, contract: Contract, engine: Any, *, given: bool = True) -> Iterator[str]:
    """Pandas with the types given, or with those that it finds."""
    import pandas as pd

    types: dict[str, Any] = {}
    for name, column in contract.columns.items():
        bounded = column.minimum in INT8 and column.maximum in INT8
        integer = "int8" if bounded else "int64"
        types[name] = {"integer": integer, "number": "float64"}.get(column.type, "category")
    yield "imports"
    frame = pd.read_csv(file, dtype=types, engine=engine) if given else pd.read_csv(file)
    yield "read"
    bad = pd.Series(False, index=frame.index)
    for name, column in contract.columns.items():
        values = frame[name]
        if column.closed:
            bad |= ~values.isin(column.levels or [])
        if not column.nullable:
            bad |= values.isna()
        if column.minimum is not None:
            bad |= values < column.minimum
        if column.maximum is not None:
            bad |= values > column.maximum
    frame[bad].to_parquet(scratch / "quarantine.parquet")
    good = frame[~bad] if bad.any() else frame
    yield "check"
    good = good.drop_duplicates()
    yield "drop_duplicates"
    good.to_parquet(scratch / "clean.parquet")
    yield "write"
    print(f"{len(frame)} rows, {bad.sum()} in quarantine, {len(good)} kept", file=sys.stderr)


def texts(file: Path, scratch: Path, contract: Contract, engine: Any) -> Iterator[str]:
    """Pandas with rows that break a rule set apart as received."""
    import pandas as pd

    yield "imports"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False, engine=engine)
    yield "read"
    bad = pd.Series(False, index=frame.index)
    columns = {}
    for name, column in contract.columns.items():
        cells = frame[name]
        missing = cells.isin(column.missing)
        if column.type == "category":
            values = cells.astype("category")
            if column.closed:
                bad |= ~cells.isin(column.levels or [])
        else:
            cells = cells.mask(missing) if missing.any() else cells
            try:
                values = cells.astype("int64[pyarrow]" if column.type == "integer" else "double[pyarrow]")
            except (ValueError, TypeError):
                values = pd.to_numeric(cells, errors="coerce")
                bad |= values.isna() & ~missing
            if column.minimum is not None:
                bad |= (values < column.minimum).fillna(False).astype(bool)
            if column.maximum is not None:
                bad |= (values > column.maximum).fillna(False).astype(bool)
        if not column.nullable:
            bad |= missing
        columns[name] = values
    good = pd.DataFrame(columns)
    frame[bad].to_parquet(scratch / "quarantine.parquet")
    good = good[~bad] if bad.any() else good
    numbers = {name: "int64" for name, column in contract.columns.items() if column.type == "integer"}
    good = good.astype(numbers | {name: "float64" for name, column in contract.columns.items() if column.type == "number"})
    yield "check"
    good = good.drop_duplicates()
    yield "drop_duplicates"
    good.to_parquet(scratch / "clean.parquet")
    yield "write"
    print(f"{len(frame)} rows, {bad.sum()} in quarantine, {len(good)} kept", file=sys.stderr)


def child(who: str, file: Path) -> None:
    """Do one way once and print what it took, as JSON."""
    contract = contracts.load(CONTRACT)
    way, _, engine = who.partition(" ")
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        if way in OURS:
            stages = (whole if way == "file" else steps)(file, Path(scratch), contract)
        else:
            ways: dict[str, Callable[..., Iterator[str]]] = {"typed": typed, "texts": texts}
            ways["plain"] = functools.partial(typed, given=False)
            stages = ways[way](file, Path(scratch), contract, engine)
        next(stages)
        took, last, used = {}, time.perf_counter(), time.process_time()
        for stage in stages:
            now = time.perf_counter()
            took[stage], last = now - last, now
    used = time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # Linux gives kilobytes
    print(json.dumps({"seconds": sum(took.values()), "processor": used, "gigabytes": peak, "stages": took}))


def measure(who: str, file: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--child", who, str(file)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    found: dict[str, Any] = json.loads(done.stdout)
    stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in found["stages"].items())
    took = f"{found['seconds']:7.2f} s ({found['processor']:.2f} of processors)"
    print(f"    {who:<14} {took} {found['gigabytes']:6.2f} GB   {stages}", flush=True)
    return found


def repeat(source: Path, target: Path, times: int) -> int:
    """Write the rows of a CSV file *times* times under one header; gives their number."""
    header, _, rows = source.read_bytes().partition(b"\n")
    with target.open("wb") as file:
        file.write(header + b"\n")
        for _ in range(times):
            file.write(rows)
    return times * rows.count(b"\n")


def compare(file: Path, runs: int, peers: list[str]) -> None:
    """Print ratios and peaks over *runs* runs, in each of which all take turns."""
    found: dict[str, list[dict[str, Any]]] = {who: [] for who in (*OURS, *peers)}
    for run in range(runs):
        print(f"  run {run + 1}")
        for who in found:
            tries = [measure(way, file) for way in PEERS.get(who, (who,))]
            found[who].append(min(tries, key=lambda one: one["seconds"]))
    for mine in OURS:
        for peer in peers:
            wall, processor = (_ratio(found[peer], found[mine], what) for what in ("seconds", "processor"))
            bar = f"   (bar {BAR:g})" if mine == OURS[0] else ""
            print(f"  {mine}: {wall:5.2f} times as fast as pandas, {peer}; {processor:.2f} by processor time{bar}")
    peaks = [f"{who} at most {max(one['gigabytes'] for one in some):.2f} GB" for who, some in found.items()]
    print(f"  {', '.join(peaks)}   (bar {ROOM:g} for ours)")


def _ratio(theirs: list[dict[str, Any]], mine: list[dict[str, Any]], what: str) -> float:
    return statistics.median(one[what] / other[what] for one, other in zip(theirs, mine, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=os.environ.get("SHIPWAY_DATA_DIR"), help=f"holds {FILE}")
    parser.add_argument("--times", type=int, nargs="+", default=[10, 100], help="how often the table is repeated")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--scratch", type=Path, help="a folder with room: 1.3 GB for 100 times, and as much for what is written")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], Path(arguments.child[1]))
        return
    if arguments.folder is None:
        parser.error(f"name the folder that holds {FILE}, or set SHIPWAY_DATA_DIR")
    for times in arguments.times:
        with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
            file = Path(folder) / "airline.csv"
            rows = repeat(Path(arguments.folder) / FILE, file, times)
            print(f"{times} times: {rows:,} rows, {file.stat().st_size / 1e9:.2f} GB")
            compare(file, arguments.runs, arguments.peers)


if __name__ == "__main__":
    main()
