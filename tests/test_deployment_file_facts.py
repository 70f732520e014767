"""Deployment files, proved on real Prefect: what the 2.x server holds after `deployment apply`, the 3.x servers hold after `fix` and `prefect deploy`.

The deployment YAML comes from the real `prefect deployment build` of 2.20; for what a `prefect.yaml` may say, Prefect's own loader is asked.
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from migrator.config import Settings
from tests.support.environments import PREFECT_2, PREFECT_3, SERVERS_OF_3, environment
from tests.support.recording import fix
from tests.support.servers import (
    FlowRun,
    Server,
    create_process_pool,
    delete_deployments,
    read_deployment,
    run_worker_once,
    server,
)

pytestmark = pytest.mark.prefect

POOL = "local"
FLOW = '''
import os
from pathlib import Path
from prefect import flow


@flow(name="my-etl")
def etl(x: int = 1, day: str = "today"):
    """Loads everything."""
    Path(os.environ["OBSERVED"]).write_text(f"{x} {day} {os.environ.get('LEVEL')}")
'''
BUILT: dict[str, list[str]] = {
    "cron": [
        "--cron",
        "0 5 * * *",
        "--timezone",
        "Europe/Paris",
        "--pool",
        POOL,
        "-q",
        "etl",
        "-t",
        "a",
        "-t",
        "b",
        "--version",
        "7",
    ],
    "interval": ["--interval", "3600", "--anchor-date", "2020-01-01T00:00:00", "--timezone", "UTC", "--pool", POOL],
    "rrule": ["--rrule", "FREQ=DAILY;BYHOUR=3", "--pool", POOL],
    "agents": [
        "-q",
        "etl",
        "-i",
        "process",
        "--override",
        "env.LEVEL=DEBUG",
        "--param",
        "x=3",
        "--param",
        "day=monday",
    ],
    "off": ["--cron", "0 5 * * *", "--pool", POOL],
}
OBSERVED = "agents"


@functools.cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    """A directory that stays for the whole session: the deployments hold its path."""
    return tempfile.TemporaryDirectory(prefix="deployment-files-")


def _root() -> Path:
    return Path(_kept().name).resolve()


@functools.cache
def _on_2() -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What the 2.x server holds of each deployment, and the files that the 2.x command line wrote."""
    root = _root()
    (root / "flows").mkdir()
    (root / "flows" / "etl.py").write_text(FLOW)
    with server(environment(PREFECT_2)) as running:
        create_process_pool(running, POOL)
        for name, options in BUILT.items():
            command = [
                "deployment",
                "build",
                "flows/etl.py:etl",
                "-n",
                name,
                "-o",
                f"{name}.yaml",
                "--skip-upload",
                *options,
            ]
            done = running.prefect(command, cwd=root)
            assert done.returncode == 0, done.stdout + done.stderr
        off = root / "off.yaml"
        off.write_text(off.read_text().replace("is_schedule_active: null", "is_schedule_active: false"))
        for name in BUILT:
            done = running.prefect(["deployment", "apply", f"{name}.yaml"], cwd=root)
            assert done.returncode == 0, done.stdout + done.stderr
        held = {name: read_deployment(running, f"my-etl/{name}") for name in BUILT}
        return held, {name: (root / f"{name}.yaml").read_text() for name in BUILT}


@functools.cache
def _on_3(version: str) -> tuple[dict[str, dict[str, Any]], FlowRun, str]:
    """What a 3.x server holds after `fix` and `prefect deploy --all`, and a run of one deployment by a worker in another directory."""
    _, files = _on_2()
    root = _root()
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text)
    (root / "prefect.yaml").unlink(missing_ok=True)
    reports = fix([str(root)], Settings(select=("PF330", "PF331"), unsafe_fixes=True, work_pool=POOL))
    assert not [report.failure for report in reports if report.failure]
    assert sorted(path.name for path in root.glob("*.yaml")) == ["prefect.yaml"]
    with server(environment(version)) as running, tempfile.TemporaryDirectory() as elsewhere:
        create_process_pool(running, POOL)
        done = running.prefect(["--no-prompt", "deploy", "--all"], cwd=root)
        assert done.returncode == 0, done.stdout + done.stderr
        held = {name: read_deployment(running, f"my-etl/{name}") for name in BUILT}
        observed = Path(elsewhere, "observed")
        run = run_worker_once(
            running, POOL, f"my-etl/{OBSERVED}", cwd=Path(elsewhere), variables={"OBSERVED": str(observed)}
        )
        return held, run, observed.read_text() if observed.exists() else ""


VERSIONS = SERVERS_OF_3


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize(
    "field",
    [
        "name",
        "flow_name",
        "description",
        "version",
        "tags",
        "parameters",
        "paused",
        "entrypoint",
        "enforce_parameter_schema",
        "parameter_names",
    ],
)
def test_the_field_is_what_it_was(version: str, name: str, field: str) -> None:
    assert _on_3(version)[0][name][field] == _on_2()[0][name][field]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BUILT)
def test_the_schedules_are_what_they_were(version: str, name: str) -> None:
    new, old = _on_3(version)[0][name]["schedules"], _on_2()[0][name]["schedules"]
    for schedule in new:
        if "rrule" in schedule["schedule"]:
            schedule["schedule"]["rrule"] = schedule["schedule"]["rrule"].rpartition("\n")[2]
    if name == "off":  # 2.20 turns the schedule off as well; `paused` alone stops it, and one switch starts it again
        old = [{**schedule, "active": True} for schedule in old]
    assert new == old


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BUILT)
def test_pool_and_queue_are_what_they_were_and_agents_deployments_have_the_given_pool(version: str, name: str) -> None:
    new, old = _on_3(version)[0][name], _on_2()[0][name]
    assert new["work_pool_name"] == POOL
    assert new["work_queue_name"] == old["work_queue_name"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BUILT)
def test_the_path_is_where_the_worker_goes(version: str, name: str) -> None:
    assert _on_3(version)[0][name]["pull_steps"] == [
        {"prefect.deployments.steps.set_working_directory": {"directory": _on_2()[0][name]["path"]}}
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_overrides_of_the_block_are_job_variables(version: str) -> None:
    assert _on_2()[0]["agents"]["job_variables"] == {"env.LEVEL": "DEBUG"}
    assert _on_3(version)[0]["agents"]["job_variables"] == {"env": {"LEVEL": "DEBUG"}}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_of_the_agents_deployment_completes_by_a_worker(version: str) -> None:
    _, run, observed = _on_3(version)
    assert run.state_type == "COMPLETED", run
    assert observed == "3 monday DEBUG"


# -- prefect.yaml


ITEM = "deployments:\n  - name: a\n    entrypoint: flows/etl.py:etl\n    work_pool: {name: local}\n"
LOADER = """
import io, json, sys
from pathlib import Path
from rich.console import Console
from prefect.cli.deploy._config import _load_deploy_configs_and_actions

found = {}
for path in map(Path, sys.argv[1:]):
    configs, _ = _load_deploy_configs_and_actions(path, console=Console(file=io.StringIO()))
    found[path.name] = configs
print(json.dumps(found))
"""
REFUSED = {
    "version": "version: 1.0",
    "description": "description: 5",
    "parameters": "parameters:",
    "triggers": "triggers: {}",
    "catchup": "schedules:\n      - cron: '* * * * *'\n        catchup: false",
}
ACCEPTED = {
    "schedule": "schedule: {cron: '* * * * *', timezone: null}",
    "empty schedule": "schedule: {}",
    "unknown": "is_schedule_active: false\n    infra_overrides: {a: b}",
    "templates": 'version: "{{ $X }}"\n    tags: "{{ y }}"',
}


def _loaded(texts: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """What the newest Prefect's own loader makes of each text."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in texts.items():
            Path(directory, name).write_text(text)
        done = environment(PREFECT_3).run(["-c", LOADER, *(str(Path(directory, name)) for name in texts)])
        assert done.returncode == 0, done.stderr
        found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
        return found


def test_one_wrong_value_makes_prefect_3_skip_every_deployment_and_the_mended_file_is_read() -> None:
    good = "  - name: b\n    entrypoint: flows/etl.py:etl\n"
    texts = {name: f"{ITEM}    {line}\n{good}" for name, line in REFUSED.items()}
    assert set(map(len, _loaded(texts).values())) == {0}
    mended: dict[str, str] = {}
    for name, text in texts.items():
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "prefect.yaml")
            path.write_text(text)
            fix([directory], Settings(select=("PF331",)))
            mended[name] = path.read_text()
    assert set(map(len, _loaded(mended).values())) == {2}


def test_what_no_rule_speaks_of_as_an_error_prefect_3_reads() -> None:
    assert set(map(len, _loaded({name: f"{ITEM}    {line}\n" for name, line in ACCEPTED.items()}).values())) == {1}


PREFECT_YAML = """
pull:
  - prefect.projects.steps.set_working_directory:
      directory: /
deployments:
  - name: plain
    entrypoint: flows/etl.py:etl
    schedule: {cron: "0 5 * * *"}
    is_schedule_active: false
    work_pool:
      name: local
      infra_overrides: {env: {A: b}}
      job_variables: {env: {SECRET: "{{ prefect.blocks.secret.my }}", REGION: "{{ prefect.variables.region }}"}}
"""


def _deployed(version: str) -> dict[str, Any]:
    with server(environment(version)) as running, tempfile.TemporaryDirectory() as directory:
        Path(directory, "flows").mkdir()
        Path(directory, "flows", "etl.py").write_text(FLOW)
        Path(directory, "prefect.yaml").write_text(PREFECT_YAML)
        create_process_pool(running, POOL)
        _save_secret(running, "my", "TOP")
        running.request("POST", "variables/", {"name": "region", "value": "eu"})
        done = running.prefect(["--no-prompt", "deploy", "--all"], cwd=Path(directory))
        assert done.returncode == 0, done.stdout + done.stderr
        held = read_deployment(running, "my-etl/plain")
        delete_deployments(running)
        return held


def _save_secret(running: Server, name: str, value: str) -> None:
    block_type = running.request("GET", "block_types/slug/secret")["id"]
    schemas = running.request(
        "POST", "block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [block_type]}}}
    )
    document = {
        "name": name,
        "block_type_id": block_type,
        "block_schema_id": schemas[0]["id"],
        "data": {"value": value},
    }
    running.request("POST", "block_documents/", document)


def test_2_left_references_in_job_variables_for_the_run_and_did_not_enforce_the_schema() -> None:
    held = _deployed(PREFECT_2)
    assert held["job_variables"] == {
        "env": {"SECRET": "{{ prefect.blocks.secret.my }}", "REGION": "{{ prefect.variables.region }}"}
    }
    assert held["enforce_parameter_schema"] is False
    assert held["paused"] is False
    assert held["pull_steps"] == [{"prefect.projects.steps.set_working_directory": {"directory": "/"}}]


@pytest.mark.parametrize("version", VERSIONS)
def test_3_resolves_references_when_it_registers_and_enforces_the_schema(version: str) -> None:
    held = _deployed(version)
    assert held["job_variables"] == {"env": {"SECRET": "TOP", "REGION": "eu"}}
    assert held["enforce_parameter_schema"] is True
    assert held["paused"] is False
    assert held["pull_steps"] == [{"prefect.projects.steps.set_working_directory": {"directory": "/"}}]
