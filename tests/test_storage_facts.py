"""Storage blocks of 2.x behind an upgraded server, proved on real packages.

Blocks that 2.20 saved are read by 3.x from the same database, which 3.x upgrades by itself; flows store their results in
blocks on both majors; and a block of an integration becomes the pull step of a deployment. Nothing contacts a cloud.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migrator.deployments.storage import BLOCKS
from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, Environment, environment
from tests.support.servers import SERVER_SETTINGS, server

pytestmark = pytest.mark.prefect

INTEGRATIONS_3 = "integrations-3.8.8"
"""What makes a block of prefect-aws."""

MAJOR_3 = (PREFECT_3_OLDEST, PREFECT_3)
GONE = ("s3", "gcs", "azure", "github")
STAYED = ("local-file-system", "remote-file-system", "smb")

CHEAP = {
    **SERVER_SETTINGS,
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_SERVER_API_BLOCKS_REGISTER_ON_START": "false",
}
"""No services. Block types are registered with the blocks that are saved, the others are not needed."""

COMMON = """
import json, sys, warnings
from pathlib import Path

warnings.simplefilter("ignore")
from prefect import flow, task
from prefect.filesystems import LocalFileSystem

place = Path(sys.argv[1])
seen = {}


def told(call):
    try:
        return call()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def stored():
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def store(name, storage):
    '''Runs a flow that stores its result there: what is raised when it is made and when it runs, and where the result is.'''
    begun = []
    before = stored()
    held = {}

    def make():
        @flow(name=name, persist_result=True, result_storage=storage())
        def keep():
            begun.append(True)
            return 1

        held["flow"] = keep

    made = told(make)
    ran = told(held["flow"]) if held else None
    seen[name] = {"made": made, "ran": ran, "begun": bool(begun), "in": sorted({each.split("/")[0] for each in stored() - before})}


def store_all():
    store("by name", lambda: "local-file-system/x")
    store("loaded", lambda: LocalFileSystem.load("x"))
    store("not saved", lambda: LocalFileSystem(basepath=str(place / "unsaved")))
"""

SAVE = (
    COMMON
    + """
import asyncio

from prefect import get_client
from prefect.filesystems import GCS, S3, SMB, Azure, GitHub, RemoteFileSystem

blocks = (
    S3(bucket_path="bucket/folder", aws_access_key_id="key", aws_secret_access_key="hidden"),
    GCS(bucket_path="bucket/folder", service_account_info='{"a": 1}', project="p"),
    Azure(bucket_path="container/folder", azure_storage_connection_string="hidden"),
    GitHub(repository="https://git.example/a/b.git", reference="main", access_token="hidden"),
    LocalFileSystem(basepath=str(place / "local")),
    RemoteFileSystem(basepath="memory://here/", settings={"a": 1}),
    SMB(share_path="share/folder", smb_host="host", smb_username="user", smb_password="hidden"),
)


async def save():
    async with get_client():
        for block in blocks:
            await block.save("x")


asyncio.run(save())
store_all()
print(json.dumps(seen))
"""
)

READ = (
    COMMON
    + """
from prefect import filesystems, get_client
from prefect.blocks.core import Block
from prefect.client.schemas.filters import FlowFilter

for kind in ("LocalFileSystem", "RemoteFileSystem", "SMB", "S3", "GCS", "Azure", "GitHub"):
    seen[kind] = told(lambda: type(getattr(filesystems, kind).load("x")).__name__)
for slug in ("local-file-system", "remote-file-system", "smb", "s3", "gcs", "azure", "github"):
    seen[slug] = told(lambda: type(Block.load(f"{slug}/x")).__name__)
remote, share = filesystems.RemoteFileSystem.load("x"), filesystems.SMB.load("x")
seen["fields"] = [
    LocalFileSystem.load("x").basepath,
    remote.basepath,
    remote.settings,
    share.share_path,
    share.smb_host,
    share.smb_password.get_secret_value(),
]
store_all()
store("gone", lambda: "s3/x")
store("unknown", lambda: "s3/nothing")


@task(persist_result=True, result_storage="s3/x")
def keep():
    seen["task begun"] = True
    return 1


seen["task begun"] = False
seen["task"] = told(flow(name="of a task")(lambda: keep()))
client = get_client(sync_client=True)
runs = client.read_flow_runs(flow_filter=FlowFilter(name={"any_": ["gone"]}))
seen["state"] = [run.state_type.value for run in runs]
print(json.dumps(seen))
"""
)

SUCCEED = """
import asyncio, json, subprocess, sys, types
from pathlib import Path

import prefect.deployments.steps.core as core
from prefect import flow, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect_aws import AwsCredentials, S3Bucket

seen = {}


def told(call):
    try:
        return call()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


async def get_directory(self, from_path=None, local_path=None):
    Path(local_path, "flows.py").write_text("from prefect import flow\\n\\n@flow\\ndef etl(): ...\\n")


S3Bucket.get_directory = S3Bucket.aget_directory = get_directory
made = S3Bucket(bucket_name="b", bucket_folder="folder", credentials=AwsCredentials(aws_access_key_id="key"))
client = get_client(sync_client=True)
client.create_work_pool(WorkPoolCreate(name="local", type="process"))


def deploy(block):
    source = flow.from_source(block, entrypoint="flows.py:etl")
    deployed = client.read_deployment(source.deploy("d", work_pool_name="local", print_next_steps=False))
    return [deployed.pull_steps, deployed.entrypoint]


seen["not saved"] = told(lambda: deploy(made))
made.save("x")
seen["saved"] = told(lambda: deploy(S3Bucket.load("x")))
seen["of 2.x"] = told(lambda: S3Bucket.load("s3/x"))

commands = []


def fail(command, **options):
    commands.append(command[1:])
    raise subprocess.CalledProcessError(1, command)


stub = sys.modules["stub"] = types.ModuleType("stub")
stub.step = lambda **inputs: {"given": inputs}
subprocess.check_call = fail
for requires in ("prefect-aws", "prefect-azure[blob_storage]"):
    commands.clear()
    given = [asyncio.run(core.run_step({"stub.step": {"requires": requires, "a": 1}})) for _ in range(2)]
    seen[requires] = {"given": given, "commands": list(commands)}
print(json.dumps(seen))
"""


def _ran(
    env: Environment, program: str, home: Path, place: Path, variables: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """What a program prints last, as JSON."""
    done = subprocess.run(
        [str(env.python), "-c", program, str(place)],
        cwd=place,
        env=env.variables(home, {**CHEAP, **(variables or {})}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the blocks of 2.20 point to, and its database is left."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def saved(place: Path) -> Mapping[str, Any]:
    """What 2.20 did; its database stays beside, as `prefect.db`."""
    env = environment(PREFECT_2)
    with env.home() as home:
        found = _ran(env, SAVE, home, place)
        shutil.copy(home / "prefect.db", place.with_name("prefect.db"))
    return found


@pytest.fixture(scope="module", params=MAJOR_3)
def read(request: pytest.FixtureRequest, saved: Mapping[str, Any], place: Path) -> Mapping[str, Any]:
    """What a 3.x did with the database of 2.20."""
    env = environment(request.param)
    with tempfile.TemporaryDirectory(prefix="upgraded-", ignore_cleanup_errors=True) as home:
        shutil.copy(place.with_name("prefect.db"), home)
        return _ran(env, READ, Path(home), place)


@functools.cache
def succeeded() -> Mapping[str, Any]:
    """What the integration did, on a server without it, which starts sooner."""
    env = environment(INTEGRATIONS_3)
    with server(environment(PREFECT_3)) as running, tempfile.TemporaryDirectory() as directory:
        return _ran(env, SUCCEED, running.home, Path(directory), {"PREFECT_API_URL": running.api_url})


STORED_IN_LOCAL = {"made": None, "ran": 1, "begun": True, "in": ["local"]}


def test_prefect_2_stores_results_in_a_block_that_is_named_loaded_or_not_saved(saved: Mapping[str, Any]) -> None:
    assert saved["by name"] == saved["loaded"] == STORED_IN_LOCAL
    assert saved["not saved"] == {**STORED_IN_LOCAL, "in": ["unsaved"]}


def test_prefect_3_stores_results_in_the_same_directory(read: Mapping[str, Any]) -> None:
    assert read["by name"] == read["loaded"] == STORED_IN_LOCAL


def test_prefect_3_makes_no_flow_with_a_block_that_is_not_saved(read: Mapping[str, Any]) -> None:
    assert read["not saved"]["made"].startswith("TypeError: Result storage configuration must be persisted server-side")
    assert not read["not saved"]["begun"]


def test_documents_of_the_blocks_that_stay_are_loaded_after_the_upgrade(read: Mapping[str, Any], place: Path) -> None:
    loaded = {slug: BLOCKS[slug].successor.rpartition(".")[2] for slug in STAYED}
    assert {slug: read[slug] for slug in STAYED} == loaded
    assert all(BLOCKS[slug].remains and read[kind] == kind for slug, kind in loaded.items())
    assert read["fields"] == [str(place / "local"), "memory://here/", {"a": 1}, "share/folder", "host", "hidden"]


@pytest.mark.parametrize("slug", GONE)
def test_documents_of_the_others_are_not(read: Mapping[str, Any], slug: str) -> None:
    block = BLOCKS[slug]
    kind = block.classes[0].rpartition(".")[2]
    assert read[kind] == (
        f"PrefectImportError: `prefect.filesystems:{kind}` has been removed. Use `{block.successor}` instead."
    )
    assert f"'{slug}'" in read[slug]
    assert read[slug].startswith(("UnknownBlockType: No block class found", 'KeyError: "No class found for dispatch'))
    assert not block.remains


def test_a_flow_with_a_removed_result_storage_never_begins_and_its_run_stays_running(read: Mapping[str, Any]) -> None:
    assert read["gone"] == {"made": None, "ran": read["s3"], "begun": False, "in": []}
    assert read["unknown"]["ran"] == "ValueError: Unable to find block document named nothing for block type s3"
    assert read["state"] == ["RUNNING"]


def test_a_task_with_a_removed_result_storage_never_begins(read: Mapping[str, Any]) -> None:
    assert read["task"] == read["s3"]
    assert not read["task begun"]


def test_a_saved_block_of_the_integration_becomes_the_pull_step() -> None:
    step = {"block_type_slug": BLOCKS["s3"].successor_slug, "block_document_name": "x"}
    assert succeeded()["saved"] == [[{"prefect.deployments.steps.pull_with_block": step}], "flows.py:etl"]


def test_a_block_that_is_not_saved_becomes_none() -> None:
    assert succeeded()["not saved"].startswith("BlockNotSavedError: Block must be saved")


def test_the_integration_looks_for_documents_of_its_own_type_only() -> None:
    assert succeeded()["of 2.x"] == "ValueError: Unable to find block document named s3/x for block type s3-bucket"


def test_a_package_that_a_step_requires_is_not_installed_again() -> None:
    assert succeeded()["prefect-aws"] == {"given": [{"given": {"a": 1}}] * 2, "commands": []}


def test_a_package_with_an_extra_is_asked_of_pip_each_time_and_a_failure_of_pip_stops_nothing() -> None:
    required = BLOCKS["azure"].package
    pip = ["-m", "pip", "install", f"prefect=={PREFECT_3}", required]
    assert succeeded()[str(required)] == {"given": [{"given": {"a": 1}}] * 2, "commands": [pip, pip]}
