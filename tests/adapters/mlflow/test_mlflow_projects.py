from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from shipway import wiring
from shipway.adapters.mlflow.store import Store
from shipway.core import wheel


def test_mlflow_run_takes_a_case_study_through_the_lifecycle(tmp_path, cache):
    place = wiring.create_workspace(tmp_path / "work", examples=True)
    wheel.provide(place.wheels, [place.projects / "iris"])
    Store(place.root, None, cache).open()
    command = [sys.executable, "-m", "mlflow", "run", "projects/iris", "--env-manager", "local", "-P", "to=split"]
    bin_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": bin_first, "SHIPWAY_CACHE_DIR": str(cache)}
    subprocess.run(command, cwd=place.root, env=environment, check=True)
    client = Store(place.root, None, cache).open()
    (run,) = client.search_runs([client.get_experiment_by_name("iris").experiment_id])
    assert (run.info.status, run.data.tags["step.split"].partition(":")[0]) == ("FINISHED", "done")
