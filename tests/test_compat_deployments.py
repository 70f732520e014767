"""`deploy` and `serve` on real servers: one program text registers the same deployments on every release, and they run.

The default versions are one of 2.x and one of 3.x; `MIGRATOR_TEST_ALL_VERSIONS=1` takes every minor from 2.8 on, where
2.x got work pools.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migrator.knowledge.generate.environments import number, releases
from tests.support.environments import environment
from tests.support.servers import Server, read_deployment, run_worker_once, server

pytestmark = pytest.mark.prefect

REPOSITORY = Path(__file__).parent.parent
PROJECT = Path(__file__).parent / "compat_deployments"
POOL = "local"
PATIENCE = 120
"""Seconds after which something that was started is given up."""

if os.environ.get("MIGRATOR_TEST_ALL_VERSIONS"):
    VERSIONS = [version for version in releases() if number(version) >= (2, 8)]
else:
    VERSIONS = ["2.20.26", "3.8.8"]

on_every_version = pytest.mark.parametrize("version", VERSIONS)

BARE = {
    "entrypoint": "deploy.py:here",
    "description": "Is defined in the program.",
    "paused": False,
    "schedules": [],
    "parameters": {},
    "tags": [],
    "work_pool_name": POOL,
    "work_queue_name": "default",
    "job_variables": {},
    "enforce_parameter_schema": False,
    "parameter_names": [],
    "directory": "the project",
}
ETL = {
    **BARE,
    "entrypoint": "flows/etl.py:etl",
    "description": "Loads everything.",
    "version": "1",
    "parameter_names": ["rows", "source"],
}


def scheduled(**schedule: Any) -> dict[str, Any]:
    return {"schedules": [{"schedule": schedule, "active": True}]}


HELD: dict[str, dict[str, Any]] = {
    "Nightly ETL/nightly": {
        **ETL,
        **scheduled(cron="0 3 * * *", timezone="Europe/Berlin", day_or=True),
        "description": "Every night.",
        "version": "2024-1",
        "paused": True,
        "parameters": {"rows": 5},
        "tags": ["prod", "etl"],
        "work_queue_name": "slow",
        "job_variables": {"env": {"REGION": "eu"}},
    },
    "here/again": BARE,
    "Nightly ETL/hourly": {**ETL, **scheduled(interval=3600.0, timezone="UTC")},
    "Nightly ETL/quarterly": {**ETL, **scheduled(interval=900.0, timezone="UTC")},
    "Nightly ETL/v1.2": {**ETL, **scheduled(cron="5 4 * * *", day_or=True)},
    "Nightly ETL/weekly": {**ETL, **scheduled(rrule="FREQ=WEEKLY;BYDAY=MO", timezone="Europe/Berlin")},
    "Nightly ETL/plain schedule": {**ETL, **scheduled(cron="1 1 * * *", timezone="Asia/Tokyo", day_or=True)},
    "copied/named": {**ETL, "entrypoint": "flows/etl.py:copied"},
    "plain/wrapped": {
        **BARE,
        "entrypoint": "flows/etl.py:wrapped",
        "description": "Does nothing.",
    },
    "Nightly ETL/awaited 1": ETL,
    "copied/awaited 2": {**ETL, "entrypoint": "flows/etl.py:copied"},
    "here/blocking a loop": BARE,
    "here/from a sync flow": BARE,
    "here/from an async flow": BARE,
}
"""What the server holds of each deployment, on every release, in the order in which they are registered."""

WAY_OUT = "or pass entrypoint='FILE.py:VARIABLE', with the file relative to the current directory"
UNGUARDED = (
    "RuntimeError: deploy was called while Prefect was loading {project}/unguarded.py, as it does for each deployment "
    'and each flow run: put the call under `if __name__ == "__main__":`'
)
OUTSIDE = (
    "ValueError: The flow 'here' is defined in {project}/deploy.py, outside the current directory {elsewhere}: "
    f"deploy from a directory above the file, {WAY_OUT}"
)
REFUSED = {
    "no pool": "TypeError: deploy() missing 1 required keyword-only argument: 'work_pool_name'",
    "empty pool": "ValueError: deploy needs the name of a work pool",
    "unknown argument": "TypeError: deploy() got an unexpected keyword argument 'infra_overrides'",
    "unknown argument, async": "TypeError: deploy() got an unexpected keyword argument 'infra_overrides'",
    "two kinds of schedule": "ValueError: Only one of interval, cron, rrule, schedule, or schedules can be provided.",
    "not a variable": "ValueError: The flow 'inner' is not a variable of a module, where a worker could find it: "
    f"bind it to one in its file, {WAY_OUT}",
    "no file": "ValueError: The flow 'typed' is defined in notebook, which has no file: "
    f"write it into a file and import it from there, {WAY_OUT}",
    "elsewhere": OUTSIDE,
    "elsewhere, async": OUTSIDE,
    "not a flow": "TypeError: deploy takes a flow, not 1",
    "entrypoint of nothing": "MissingFlowError",
    "entrypoint of a function": "MissingFlowError",
    "unguarded": UNGUARDED,
    "unguarded program": UNGUARDED,
    "serve in a loop": "RuntimeError: serve blocks until it is interrupted: it cannot be called where an event loop is running",
    "serve without a flow": "TypeError: serve takes the arguments of a deployment for flows, and there is none",
    "serve with an unknown argument": "TypeError: Flow.to_deployment() got an unexpected keyword argument 'infra_overrides'",
}
"""What `deploy` and `serve` say on every release to what they refuse."""


@dataclass(frozen=True)
class Observed:
    """What one version's server held and what its runs saw; `ran` is None before workers, `served` before `serve`."""

    ids: list[str]
    held: Mapping[str, Mapping[str, Any]]
    refused: Mapping[str, str]
    several: list[str]
    ran: Mapping[str, Any] | None
    served: Mapping[str, Any] | None


@functools.cache
def observe(version: str) -> Observed:
    """Runs the project's programs on a server of that version."""
    env = environment(version)
    with tempfile.TemporaryDirectory(prefix="deployments-") as directory, server(env) as running:
        project, elsewhere, observed = (
            Path(directory).resolve() / name for name in ("project", "elsewhere", "observed")
        )
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
        elsewhere.mkdir()
        observed.mkdir()
        variables = {"PYTHONPATH": str(REPOSITORY), "OBSERVED": str(observed), "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
        make_pool(running)
        done = running.run(["deploy.py", str(elsewhere)], cwd=project, variables=variables)
        told = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("TOLD ")]
        assert told, f"{done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
        places = {str(project): "the project"}
        held = {name: deployment(running, name, places) for name in HELD}
        several = running.request("POST", "deployments/filter", {"deployments": {"name": {"any_": ["several"]}}})
        if number(version) >= (2, 12):
            with started(running, [str(env.python), "served.py"], project, variables) as ended:
                created = start_served(running)
                ran = run_nightly(running, elsewhere, observed, variables)
                served = {**final(running, created), **ended(), **seen(observed, "served")}
                served["held"] = deployment(
                    running, "Nightly ETL/served", {str(project): "the project", ".": "the project"}
                )
        else:
            ran, served = run_nightly(running, elsewhere, observed, variables), None
        refused = {
            case: message.replace(str(project), "{project}").replace(str(elsewhere), "{elsewhere}")
            for case, message in told[0]["refused"].items()
        }
        schedules = sorted(entry["schedule"]["cron"] for each in several for entry in each["schedules"])
        return Observed(told[0]["ids"], held, refused, schedules, ran, served)


def make_pool(running: Server) -> None:
    kind = {"type": "process"} if has_workers(running.environment.version) else {}
    running.request("POST", "work_pools/", {"name": POOL, **kind})


def has_workers(version: str) -> bool:
    """Workers were an experiment in 2.8 and 2.9, which leaves its runs pending."""
    return number(version) >= (2, 10)


def deployment(running: Server, name: str, places: Mapping[str, str]) -> dict[str, Any]:
    """What the server holds of a deployment, in the words of the newest release."""
    fields = read_deployment(running, name)
    raw = running.request("GET", f"deployments/name/{urllib.parse.quote(name)}")
    if "schedules" not in raw:
        kept = {key: value for key, value in (raw["schedule"] or {}).items() if value is not None}
        fields["schedules"] = [{"schedule": kept, "active": True}] if kept else []
        fields["paused"] = not raw["is_schedule_active"]
    for entry in fields["schedules"]:
        entry["schedule"].pop("anchor_date", None)
        if "rrule" in entry["schedule"]:
            entry["schedule"]["rrule"] = entry["schedule"]["rrule"].replace("DTSTART:20200101T000000\n", "")
    steps = fields["pull_steps"] or [{"": {"directory": fields["path"]}}]
    directories = [next(iter(step.values()))["directory"] for step in steps]
    fields["directory"] = "/".join(places.get(each, "another place") for each in directories)
    fields["enforce_parameter_schema"] = bool(fields["enforce_parameter_schema"])
    return fields


def run_nightly(
    running: Server, elsewhere: Path, observed: Path, variables: Mapping[str, str]
) -> dict[str, Any] | None:
    """Runs the deployment through a worker that knows nothing of the project."""
    if not has_workers(running.environment.version):
        return None
    run = run_worker_once(running, POOL, "Nightly ETL/nightly", cwd=elsewhere, variables=variables)
    return {"state": run.state_type, **seen(observed, "db")}


def create_run(running: Server, name: str) -> str:
    found = running.request("GET", f"deployments/name/Nightly%20ETL/{name}")
    created: str = running.request("POST", f"deployments/{found['id']}/create_flow_run", {})["id"]
    return created


def start_served(running: Server) -> str:
    """Creates a run of the served deployment, once both that are served are registered."""
    both = {"deployments": {"name": {"any_": ["served", "own"]}}}
    until(lambda: len(running.request("POST", "deployments/filter", both)) == 2)
    return create_run(running, "served")


def final(running: Server, flow_run: str) -> dict[str, Any]:
    """The type of the run's state, once that is final or patience ends."""

    def state() -> Any:
        return running.request("GET", f"flow_runs/{flow_run}")["state"]["type"]

    until(lambda: state() in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
    return {"state": state()}


def seen(observed: Path, source: str) -> dict[str, Any]:
    file = observed / f"{source}.json"
    return {"saw": json.loads(file.read_text()) if file.exists() else None}


def until(condition: Callable[[], bool]) -> None:
    """Waits for the condition; gives up in silence, so that what is observed then says what is wrong."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)


@contextlib.contextmanager
def started(
    running: Server, command: Sequence[str], cwd: Path, variables: Mapping[str, str]
) -> Iterator[Callable[[], dict[str, Any]]]:
    """A process that is stopped with all its children at the end; what is given interrupts it and tells how it ended."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=running.variables(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

        def ended() -> dict[str, Any]:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            output.seek(0)
            return {"status": process.returncode, "went on": "served until interrupted" in output.read()}

        try:
            yield ended
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@on_every_version
@pytest.mark.parametrize("name", HELD)
def test_server_holds_the_same_deployment_on_every_release(version: str, name: str) -> None:
    held, wanted = observe(version).held[name], HELD[name]
    assert {field: held[field] for field in wanted} == wanted


@on_every_version
def test_each_deployment_is_registered_and_its_id_given(version: str) -> None:
    ids = observe(version).ids
    assert len(ids) == len(HELD) == len(set(ids))


@on_every_version
def test_worker_that_was_started_elsewhere_runs_it_with_its_parameters_and_variables(version: str) -> None:
    ran = observe(version).ran
    if not has_workers(version):
        assert ran is None
        return
    assert ran == {"state": "COMPLETED", "saw": {"source": "db", "rows": 5, "region": "eu"}}


@on_every_version
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_deployed_is_refused_in_the_same_words_on_every_release(version: str, case: str) -> None:
    wanted = REFUSED[case]
    if case.startswith("serve") and number(version) < (2, 12):
        wanted = f"NotImplementedError: serve needs Prefect 2.12 or later; Prefect {version} is installed"
    assert observe(version).refused[case] == wanted


@on_every_version
def test_several_schedules_are_refused_by_name_where_a_deployment_has_only_one(version: str) -> None:
    observed = observe(version)
    if number(version) < (2, 16):
        said = f"NotImplementedError: a deployment with several schedules needs Prefect 2.16 or later; Prefect {version} is installed"
        assert (observed.several, observed.refused["several schedules"]) == ([], said)
    else:
        assert observed.several == ["0 1 * * *", "0 2 * * *"]


@on_every_version
def test_served_flow_runs_here_until_the_program_is_interrupted_which_then_goes_on(version: str) -> None:
    served = observe(version).served
    if number(version) < (2, 12):
        assert served is None
        return
    assert served is not None
    assert (served["state"], served["saw"]) == ("COMPLETED", {"source": "served", "rows": 1, "region": None})
    assert (served["status"], served["went on"]) == (0, True)


@on_every_version
def test_served_deployment_is_what_its_arguments_say_and_is_paused_when_it_ends(version: str) -> None:
    served = observe(version).served
    if served is not None:
        held = served["held"]
        crons = [entry["schedule"]["cron"] for entry in held["schedules"]]
        assert (held["tags"], held["parameters"], crons) == (["served"], {"source": "served"}, ["0 3 * * *"])
        assert (held["paused"], held["enforce_parameter_schema"], held["directory"]) == (True, False, "the project")
