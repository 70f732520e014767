"""`compat` on real workers: Dask, Ray and Prefect's process pool, one program text for both majors.

Ray (200 MB, and slow to start) and an older process pool are only tried with MIGRATOR_TEST_ALL_VERSIONS=1.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.compat_programs import PROGRAMS, ROOT
from tests.support.environments import PREFECT_2, PREFECT_3, environment
from tests.support.servers import Server, server

PROGRAM = ROOT / "tests" / "compat_clusters" / "on_workers.py"

SETTINGS = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "RAY_TASK_MAX_RETRIES": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""A task whose worker dies is not run once more on another one."""

CLUSTERS = [("dask-2.20.26", "dask"), ("dask-3.8.8", "dask"), ("3.8.8", "processes")]
"""Lock file, and the task runner that is tried with it. The process pool came with 3.4.14."""

if os.environ.get("MIGRATOR_TEST_ALL_VERSIONS"):
    CLUSTERS += [("ray-2.20.26", "ray"), ("ray-3.8.8", "ray"), ("3.4.25", "processes")]


def run(running: Server, kind: str, gates: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, (ROOT, PROGRAMS, PROGRAM.parent)))
    return running.run(
        [str(PROGRAM), kind],
        cwd=gates,
        variables={"PYTHONPATH": path, "COMPAT_GATES": str(gates), **SETTINGS},
        timeout=240,
    )


@pytest.mark.prefect
@pytest.mark.parametrize(("name", "kind"), CLUSTERS, ids=[f"{kind}-{name}" for name, kind in CLUSTERS])
def test_workers_in_other_processes_are_waited_for_like_threads(name: str, kind: str, tmp_path: Path) -> None:
    with server(environment(name)) as running:
        done = run(running, kind, tmp_path)
    observed: list[dict[str, Any]] = [
        json.loads(line[len("OBSERVED ") :]) for line in done.stdout.splitlines() if line.startswith("OBSERVED ")
    ]
    for case in observed:
        assert case["saw"] == case["wanted"], case["case"]
    assert len(observed) == 2, f"ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"


@pytest.mark.prefect
@pytest.mark.parametrize("version", [PREFECT_2, PREFECT_3])
@pytest.mark.parametrize(("name", "package"), [("DaskTaskRunner", "prefect-dask"), ("RayTaskRunner", "prefect-ray")])
def test_a_task_runner_without_its_integration_is_told_by_name(version: str, name: str, package: str) -> None:
    done = environment(version).run(["-c", f"from compat import {name}"], variables={"PYTHONPATH": str(ROOT)})
    wanted = f"'{name}' is in {package}, which is not installed beside Prefect {version}; compat was asked for it"
    assert done.stderr.splitlines()[-1] == f"ImportError: {wanted}"
