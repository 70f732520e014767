"""`migrator deployments export` against real servers of 2.x, and what it writes registered on a real 3.x.

A 2.20 server holds more than 200 deployments of all kinds (`export_program.py`). They are exported by the command; then
the commands of the report are run on a 3.8 server, `prefect deploy --all` registers a sample with every kind in it, and
both servers are compared field by field. Older servers are exported as they are: 2.0, before work queues had names in
deployments, and 2.6, before there were work pools.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrator.deployments.server import Registered, ServerError, read
from tests.support.environments import PREFECT_2, PREFECT_3, environment
from tests.support.servers import Server, read_deployment, server

pytestmark = pytest.mark.prefect

INTEGRATIONS_3 = "integrations-3.8.8"
"""The report asks for a block of prefect-aws."""

COPIES = 30

ETL = """
from prefect import flow


@flow(name="Nightly ETL", version="7")
def etl(source: str = "db", rows: int = 1, options: dict = None, block: dict = None):
    print(source, rows, options)
"""

DAILY = '''
from prefect import flow


@flow
def load(source: str = "db", rows: int = 1, options: dict = None, block: dict = None):
    """Loads."""


@flow(version="2")
def audit(source: str = "db", rows: int = 1, options: dict = None, block: dict = None):
    pass
'''

PARAMETERS = {"SOURCE": "https://me:hidden-11@example.org/x", "DB_PASSWORD": "hidden-12", "API_KEY": "hidden-13"}
"""What the parameters that were secrets are, as environment variables of `prefect deploy`."""

SAME = ("name", "tags", "paused", "entrypoint", "enforce_parameter_schema", "work_queue_name", "schedules")


@dataclass(frozen=True)
class Exported:
    """What the command wrote, and what the 2.x server held."""

    place: Path
    held: Mapping[str, Mapping[str, Any]]
    status: int
    text: str
    report: str
    texts: str


def project(place: Path) -> None:
    """The flows that are deployed."""
    (place / "flows").mkdir(parents=True)
    (place / "flows" / "etl.py").write_text(ETL)
    (place / "flows" / "daily.py").write_text(DAILY)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """More than 200 deployments of a 2.20 server, exported by the command."""
    place = tmp_path_factory.mktemp("project")
    project(place)
    with server(environment(PREFECT_2)) as running:
        program = str(Path(__file__).with_name("export_program.py"))
        done = running.run([program, str(COPIES)], cwd=place)
        assert done.returncode == 0, done.stderr[-3000:]
        options = ["--output", "prefect.yaml", "--templates", "templates", "--report", "report.sh"]
        command = [sys.executable, "-m", "migrator", "deployments", "export", "--api-url", running.api_url, *options]
        ran = subprocess.run(command, cwd=place, capture_output=True, text=True)
        assert ran.returncode in (0, 1), ran.stderr
        names = [f"{each['flow_name']}/{each['name']}" for each in read(running.api_url).deployments]
        held = {name: read_deployment(running, name) for name in names}
    files = [place / "prefect.yaml", place / "report.sh", *(place / "templates").iterdir()]
    texts = "\n".join([ran.stdout, ran.stderr, *(file.read_text() for file in files)])
    return Exported(place, held, ran.returncode, files[0].read_text(), files[1].read_text(), texts)


def test_every_deployment_of_the_server_is_written(exported: Exported) -> None:
    items = yaml.safe_load(exported.text)["deployments"]
    assert len(items) == len(exported.held) >= 200
    written = sorted((item["name"], item["entrypoint"]) for item in items)
    assert written == sorted((held["name"], held["entrypoint"]) for held in exported.held.values())
    assert exported.status == 1


def test_no_secret_is_written(exported: Exported) -> None:
    assert "hidden-" not in exported.texts


def test_the_deployments_are_the_same_on_prefect_3(exported: Exported) -> None:
    items = yaml.safe_load(exported.text)["deployments"]
    sample = [item for item in items if in_sample(item)]
    (exported.place / "sample.yaml").write_text(yaml.safe_dump({"deployments": sample}, allow_unicode=True))
    with server(environment(PREFECT_3)) as running:
        for line in exported.report.splitlines():
            if line.startswith("prefect work-"):
                done = running.prefect(shlex.split(line)[1:], cwd=exported.place)
                assert done.returncode == 0, (line, done.stdout, done.stderr)
        make_blocks(running, exported)
        arguments = ["--no-prompt", "deploy", "--all", "--prefect-file", "sample.yaml"]
        done = running.prefect(arguments, cwd=exported.place, variables=PARAMETERS, timeout=900)
        assert done.returncode == 0, (done.stdout[-3000:], done.stderr[-3000:])
        flows = {each["id"]: each["name"] for each in running.request("POST", "flows/filter", {})}
        found = running.request("POST", "deployments/filter", {})
        names = [f"{flows[each['flow_id']]}/{each['name']}" for each in found]
        assert len(names) == len(sample)
        different = []
        for name in names:
            try:
                compare(exported.held[name], read_deployment(running, name), str(exported.place))
            except AssertionError as error:
                different.append(f"{name}: {error}")
        assert not different, "\n".join(different)
        queues = {
            (pool, each["name"]): (each["priority"], each["concurrency_limit"])
            for pool in ("local", "agents", "etl-image")
            for each in running.request("POST", f"work_pools/{pool}/queues/filter", {})
        }
        assert queues == {
            ("local", "default"): (1, None),
            ("local", "slow"): (2, 3),
            ("agents", "default"): (2, None),
            ("agents", "gpu"): (1, None),
            ("etl-image", "default"): (1, None),
            ("etl-image", "night"): (2, 5),
        }
        pools = {each["name"]: each for each in running.request("POST", "work_pools/filter", {})}
        assert (pools["local"]["concurrency_limit"], pools["local"]["description"]) == (7, "Here.")
        assert pools["cluster"]["is_paused"] and pools["agents"]["type"] == "process"
        env = pools["boxes"]["base_job_template"]["variables"]["properties"]["env"]["default"]
        assert env == {"REGION": "eu", "DB_PASSWORD": "{{ prefect.blocks.secret.db-password }}"}


def in_sample(item: Mapping[str, Any]) -> bool:
    """One of each kind for the first flow, and a few of the others: a deployment takes `prefect deploy` a second."""
    name = str(item["name"])
    if not item["entrypoint"].endswith(":etl"):
        return name in ("cron local", "worker local", "copy 0")
    return name.endswith((" local", " queue")) or " from " in name or name in ("worker boxes", "cron agents", "copy 1")


def make_blocks(running: Server, exported: Exported) -> None:
    """Runs the statements of the report that make blocks, with something in the place of `...`, and makes what has to be there."""
    statements = ['from prefect.blocks.system import Secret; Secret(value=...).save("token")']
    for line in exported.report.splitlines():
        if line.startswith("# python -c "):
            statements.append(shlex.split(line[2:])[2])
    program = "\n".join(statements).replace("...", "'x'")
    api = {"PREFECT_API_URL": running.api_url}
    done = environment(INTEGRATIONS_3).run(["-c", program], cwd=exported.place, variables=api)
    assert done.returncode == 0, done.stderr[-3000:]


INFRASTRUCTURE: Mapping[str, tuple[str, dict[str, Any]]] = {
    "none": ("process", {"env": {"PLAIN": "1"}}),
    "own process": ("process", {"env": {"OWN": "x"}}),
    "process": ("plain-process", {"env": {"A": "1"}, "working_dir": "/srv"}),
    "docker": (
        "etl-image",
        {
            "env": {"B": "2", "API_TOKEN": "{{ prefect.blocks.secret.api-token }}"},
            "image": "example.org/etl:1",
            "networks": ["net"],
            "auto_remove": True,
        },
    ),
    "job": ("etl-job", {"env": {"C": "3"}, "image": "example.org/etl:2", "namespace": "etl"}),
}
"""The pool and the job variables of what agents ran, by the first word of its name."""


def compare(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
    """Asserts that 3.x holds of a deployment what 2.x held, and what has taken the place of the rest."""
    name = old["name"]
    assert {key: new[key] for key in SAME} == {key: old[key] for key in SAME}
    assert new["version"] == old["version"] or (old["version"] is None and new["version"])  # that of the flow
    # `prefect deploy` of 3.8 writes None as text where neither the entry nor the flow has a description
    assert new["description"] == (old["description"] or ("Loads." if old["flow_name"] == "load" else "None"))
    assert new["parameters"] == {key: value for key, value in old["parameters"].items() if key != "block"}
    variables = old["job_variables"]
    if old["work_pool_name"] not in ("default-agent-pool", "agents"):
        pool = old["work_pool_name"]
        if "PLAIN_SECRET" in variables.get("env", {}):
            env = {**variables["env"], "PLAIN_SECRET": "{{ prefect.blocks.secret.plain-secret }}"}
            variables = {**variables, "env": env}
    elif " from " in name:
        pool, variables = INFRASTRUCTURE[name.partition(" from ")[0]]
        if not name.startswith("none"):
            added = {"EXTRA": "1", "MY_SECRET": "{{ prefect.blocks.secret.my-secret }}"}
            variables = {**variables, "env": {**variables["env"], **added}}
    else:
        pool = "agents" if old["work_pool_name"] == "agents" else "process"
    assert (new["work_pool_name"], new["job_variables"]) == (pool, variables)
    [step, *others] = new["pull_steps"]
    [(kind, inputs)] = step.items()
    kind = kind.rpartition(".")[2]
    if name.startswith("worker"):
        assert inputs["access_token"] == "{{ prefect.blocks.secret.token }}"
        [script] = others[0].values()
        assert script == {
            "script": "ls {{ clone.directory }}",
            "env": {"PIP_TOKEN": "{{ prefect.blocks.secret.pip-token }}"},
        }
    elif name.endswith("from private"):
        assert kind == "git_clone" and inputs["repository"] == "https://github.com/example/private.git"
    elif name.endswith("from bucket"):
        assert kind == "pull_from_s3" and (inputs["bucket"], inputs["folder"]) == ("bucket", "code/flowcode/")
    elif name.endswith("from minio"):
        assert kind == "pull_with_block" and inputs["block_document_name"] == "minio"
    else:
        assert step == {"prefect.deployments.steps.set_working_directory": {"directory": place}}
    assert "hidden-" not in json.dumps({**new, "parameters": None})


# -- other servers


@contextlib.contextmanager
def holding(version: str, *deployments: Mapping[str, Any], queue: Mapping[str, Any]) -> Iterator[Server]:
    """A server that holds these deployments of one flow, the first with a saved infrastructure block, and a work queue."""
    with server(environment(version)) as running:
        program = (
            "from prefect.infrastructure import DockerContainer as D; print(D(image='a:1', env={'A': '1'}).save('box'))"
        )
        done = running.run(["-c", program], cwd=running.home)
        assert done.returncode == 0, done.stderr
        running.request("POST", "work_queues/", dict(queue))
        flow = running.request("POST", "flows/", {"name": "etl"})
        [saved] = [each for each in running.request("POST", "block_documents/filter", {}) if each["name"] == "box"]
        for number, fields in enumerate(deployments):
            block = {"infrastructure_document_id": saved["id"]} if number == 0 else {}
            body = {"flow_id": flow["id"], "entrypoint": "etl.py:etl", "path": "/srv", **block, **fields}
            running.request("POST", "deployments/", body)
        yield running


@pytest.mark.parametrize(
    ("version", "fields", "queue"),
    [
        ("2.0.4", {"tags": ["gpu"]}, {"name": "night", "filter": {"tags": ["gpu"]}, "concurrency_limit": 2}),
        ("2.6.9", {"tags": ["gpu"], "work_queue_name": "night"}, {"name": "night", "concurrency_limit": 2}),
    ],
)
def test_servers_before_work_pools_are_exported(version: str, fields: dict[str, Any], queue: dict[str, Any]) -> None:
    from migrator.deployments.export import export, report

    one = {
        "name": "daily",
        "infra_overrides": {"env.B": "2"},
        "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"},
        "is_schedule_active": False,
        "parameters": {"rows": 3},
        "parameter_openapi_schema": {},
        **fields,
    }
    other = {
        "name": "plain",
        "parameter_openapi_schema": {},
        **({"work_queue_name": "default"} if version > "2.1" else {}),
    }
    with holding(version, one, other, queue=queue) as running:
        registered = read(running.api_url)
        with pytest.raises(ServerError, match="--api-url"):
            read(running.api_url.rpartition("/")[0])
    assert isinstance(registered, Registered) and registered.version == version
    done = export(registered)
    daily, plain = yaml.safe_load(done.text)["deployments"]
    assert daily == {
        "name": "daily",
        "tags": ["gpu"],
        "entrypoint": "etl.py:etl",
        "parameters": {"rows": 3},
        "enforce_parameter_schema": False,
        "schedules": [{"cron": "0 3 * * *", "timezone": "Europe/Berlin"}],
        "paused": True,
        "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv"}}],
        "work_pool": {
            "name": "box",
            "work_queue_name": "night",
            "job_variables": {"env": {"A": "1", "B": "2"}, "image": "a:1"},
        },
    }
    assert plain["work_pool"] == {"name": "process"}
    assert "prefect work-queue create night --pool box --limit 2" in report(done)


def test_a_server_that_wants_csrf_tokens_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support import servers

    settings = {**servers.SERVER_SETTINGS, "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true"}
    monkeypatch.setattr(servers, "SERVER_SETTINGS", settings)
    with server(environment(PREFECT_2)) as running:
        with pytest.raises(RuntimeError, match="403"):
            running.request("POST", "deployments/filter", {})
        assert read(running.api_url).deployments == ()


def test_a_prefect_3_server_is_refused() -> None:
    with server(environment(PREFECT_3)) as running:
        with pytest.raises(ServerError, match=r"is Prefect 3\.8\.8 already"):
            read(running.api_url)
