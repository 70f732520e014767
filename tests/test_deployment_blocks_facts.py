"""Storage and infrastructure of a deployment, proved on real servers: what 2.20 registers, and what 3.x does once `fix` has been over the code.

One project, a git repository on disk, is deployed to a 2.20 server as it is and, fixed by the rules, to a 3.x server. What the blocks of the one hold
is compared with the pull steps and job variables of the other, and two of the deployments run through a real worker that was started elsewhere.
"""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migrator.config import Settings
from migrator.deployments.infrastructure import default_template
from tests.support.environments import PREFECT_2, SERVERS_OF_3, environment
from tests.support.recording import fix
from tests.support.servers import FlowRun, Server, create_process_pool, read_deployment, run_worker_once, server

pytestmark = pytest.mark.prefect

FLOW = """
import json, os
from pathlib import Path

from prefect import flow


@flow
def etl(rows: int = 1):
    seen = {"rows": rows, "region": os.environ.get("REGION"), "cwd": os.getcwd(), "listed": sorted(os.listdir())}
    Path(os.environ["OBSERVED"]).write_text(json.dumps(seen))
"""

DEPLOY = """
from prefect.client.schemas.objects import MinimalDeploymentSchedule
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments import Deployment
from prefect.filesystems import GitHub, LocalFileSystem
from prefect.infrastructure import DockerContainer, Process
from flows.etl import etl

REGION = "eu"
repository = GitHub(repository="{url}", reference="stable")
container = DockerContainer(image="registry.example/etl:7", env={{"REGION": REGION}}, image_pull_policy="ALWAYS")

if __name__ == "__main__":
    Deployment.build_from_flow(
        etl,
        "from git",
        storage=repository,
        infrastructure=Process(env={{"REGION": REGION}}),
        infra_overrides={{"env.LEVEL": "debug"}},
        parameters={{"rows": 5}},
        tags=["a"],
        work_pool_name="local",
        apply=True,
    )
    Deployment.build_from_flow(
        etl,
        "from a directory",
        storage=LocalFileSystem(basepath="{directory}"),
        work_pool_name="local",
        work_queue_name="slow",
        schedules=[MinimalDeploymentSchedule(schedule=CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin"), active=False)],
        apply=True,
    )
    built = Deployment.build_from_flow(etl, "from a saved block", storage=LocalFileSystem.load("code"), work_pool_name="local")
    built.apply(upload=True)
    Deployment.build_from_flow(etl, "in an image", infrastructure=container, work_pool_name="containers", apply=True)
    Deployment(
        name="by its file",
        flow_name="etl",
        path=".",
        entrypoint="flows/etl.py:etl",
        infrastructure=Process(env={{"REGION": "us"}}),
        work_pool_name="local",
    ).apply()
"""

SAVE = """
from prefect.filesystems import LocalFileSystem

LocalFileSystem(basepath="{directory}").save("code")
"""

NAMES = ("from git", "from a directory", "from a saved block", "in an image", "by its file")
EXECUTED = ("from git", "from a saved block", "by its file")
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Observed:
    """What a server held, what the blocks of the deployments were, and what the flow runs saw."""

    root: Path
    url: str
    copy: Path
    text: str
    deployments: Mapping[str, Mapping[str, Any]]
    storage: Mapping[str, Any]
    infrastructure: Mapping[str, Any]
    runs: Mapping[str, FlowRun]
    seen: Mapping[str, Mapping[str, Any]]


@functools.cache
def observe(version: str) -> Observed:
    """Deploys the project to this version's server, fixed where it is a 3.x, and runs what a worker of 3.x can."""
    env = environment(version)
    with tempfile.TemporaryDirectory(prefix="blocks-") as directory, server(env) as running:
        root, elsewhere, copy, observed = (
            Path(directory).resolve() / name for name in ("project", "elsewhere", "copy", "observed")
        )
        for folder in (root / "flows", copy / "flows", elsewhere, observed):
            folder.mkdir(parents=True)
        for flows in (root, copy):
            (flows / "flows" / "__init__.py").touch()
            (flows / "flows" / "etl.py").write_text(FLOW)
        url = f"file://{root}/.git"
        (root / "pyproject.toml").touch()
        (root / "deploy.py").write_text(DEPLOY.format(url=url, directory=copy))
        for command in (("init", "-q", "-b", "stable"), ("add", "."), ("commit", "-q", "-m", "all")):
            subprocess.run([*GIT, *command], cwd=root, check=True, capture_output=True)
        if env.major == 3:
            fix([str(root)], Settings(target="3", unsafe_fixes=True))
        (elsewhere / "save.py").write_text(SAVE.format(directory=copy))
        _done(running, elsewhere, "save.py")
        create_process_pool(running, "local")
        running.request(
            "POST",
            "work_pools/",
            {"name": "containers", "type": "docker", "base_job_template": default_template("docker")},
        )
        _done(running, root, "deploy.py")
        names = [f"etl/{name}" for name in NAMES]
        deployments = {name: read_deployment(running, full) for name, full in zip(NAMES, names)}
        blocks = {
            (name, key): running.request("GET", f"block_documents/{found[key]}")["data"]
            for name, found in deployments.items()
            for key in ("storage_document_id", "infrastructure_document_id")
            if found[key]
        }
        runs, seen = {}, {}
        for name in EXECUTED if env.major == 3 else ():
            file = observed / name
            runs[name] = run_worker_once(
                running, "local", f"etl/{name}", cwd=elsewhere, variables={"OBSERVED": str(file)}
            )
            seen[name] = json.loads(file.read_text()) if file.exists() else {}
        return Observed(
            root,
            url,
            copy,
            (root / "deploy.py").read_text(),
            deployments,
            {name: data for (name, key), data in blocks.items() if key.startswith("storage")},
            {name: data for (name, key), data in blocks.items() if key.startswith("infra")},
            runs,
            seen,
        )


def _done(running: Server, cwd: Path, script: str) -> None:
    done = running.run([script], cwd=cwd, timeout=180)
    text = (cwd / script).read_text()
    assert done.returncode == 0, f"{text}\n{done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


@pytest.fixture(params=SERVERS_OF_3)
def migrated(request: pytest.FixtureRequest) -> Observed:
    """The project as one 3.x holds it."""
    return observe(request.param)


@pytest.fixture
def original() -> Observed:
    """The project as 2.20 holds it."""
    return observe(PREFECT_2)


SAME = (
    "name",
    "tags",
    "parameters",
    "description",
    "version",
    "entrypoint",
    "work_pool_name",
    "work_queue_name",
    "paused",
    "schedules",
    "enforce_parameter_schema",
    "parameter_names",
)


@pytest.mark.parametrize("name", NAMES)
def test_all_but_the_blocks_is_as_it_was(original: Observed, migrated: Observed, name: str) -> None:
    before, after = original.deployments[name], migrated.deployments[name]
    undescribed = {**after, "description": None if after["description"] == "None" else after["description"]}
    expected = {key: before[key] for key in SAME}
    if name == "by its file":
        expected["version"], expected["parameter_names"] = after["version"], ["rows"]
    assert {key: undescribed[key] for key in SAME} == expected


def test_repository_of_the_block_is_cloned_before_a_run(migrated: Observed) -> None:
    step = {"prefect.deployments.steps.git_clone": {"repository": migrated.url, "branch": "stable"}}
    assert migrated.deployments["from git"]["pull_steps"] == [step]


def test_block_for_git_that_was_not_saved_was_lost_on_2(original: Observed) -> None:
    assert original.deployments["from git"]["storage_document_id"] is None
    assert original.deployments["from git"]["path"] is None


def test_directory_of_the_block_is_where_the_flow_runs(original: Observed, migrated: Observed) -> None:
    assert original.storage["from a directory"]["basepath"] == str(original.copy)
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(migrated.copy)}}
    assert migrated.deployments["from a directory"]["pull_steps"] == [step]


def test_saved_block_is_pulled_with(original: Observed, migrated: Observed) -> None:
    assert original.storage["from a saved block"]["basepath"] == str(original.copy)
    (step,) = migrated.deployments["from a saved block"]["pull_steps"]
    assert step == {
        "prefect.deployments.steps.pull_with_block": {
            "block_type_slug": "local-file-system",
            "block_document_name": "code",
        }
    }


def test_fields_of_the_process_and_its_overrides_are_job_variables(original: Observed, migrated: Observed) -> None:
    block, found = original.infrastructure["from git"], migrated.deployments["from git"]
    assert original.deployments["from git"]["job_variables"] == {"env.LEVEL": "debug"}
    assert found["job_variables"] == {"env": {**block["env"], "LEVEL": "debug"}}
    assert found["infrastructure_document_id"] is None


def test_fields_of_the_container_are_job_variables_of_its_pool(original: Observed, migrated: Observed) -> None:
    block, found = original.infrastructure["in an image"], migrated.deployments["in an image"]
    assert (block["image"], block["image_pull_policy"]) == ("registry.example/etl:7", "ALWAYS")
    assert found["job_variables"] == {
        "image": block["image"],
        "env": block["env"],
        "image_pull_policy": "Always",
    }
    assert not found["pull_steps"]
    properties = default_template("docker")["variables"]["properties"]
    assert set(found["job_variables"]) <= set(properties)


def test_flow_runs_complete_in_a_worker_that_was_started_elsewhere(migrated: Observed) -> None:
    for name, run in migrated.runs.items():
        assert run.state_type == "COMPLETED", f"{name}: {run}\n{migrated.text}"
    assert (migrated.seen["from git"]["rows"], migrated.seen["from git"]["region"]) == (5, "eu")
    assert "flows" in migrated.seen["from git"]["listed"]
    assert migrated.seen["by its file"]["region"] == "us"
    assert migrated.seen["by its file"]["cwd"] == str(migrated.root)
