"""What `Deployment.build_from_flow` becomes, proved on real servers: the text that the rewriting emits is registered and run.

The same project is deployed three ways: by 2.x's own code on 2.20, by the code for Prefect 3 on 3.x, and by the code for
both majors on each. What the servers hold is compared field by field, and a flow run of it goes through a real worker
that was started in another directory. The default versions are 2.20 and the oldest and newest 3.x;
`MIGRATOR_TEST_ALL_VERSIONS=1` takes every 3.x that has a lock file.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.environments import EVERY, PREFECT_2, SERVERS_OF_3, VERSIONS, environment
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

ALL_VERSIONS = EVERY
REPOSITORY = Path(__file__).parent.parent
POOL = "local"


def _prefect_3_versions() -> list[str]:
    """The 3.x versions to prove it on, the oldest first."""
    if not ALL_VERSIONS:
        return [*SERVERS_OF_3]
    return [version for version in VERSIONS if version.startswith("3.")]


HELPERS = """
import json, os
from pathlib import Path


def observe(name, **seen):
    seen.update(cwd=os.getcwd(), region=os.environ.get("REGION"))
    Path(os.environ["OBSERVED"], name + ".json").write_text(json.dumps(seen))
"""

REPORT = '''
from prefect import flow
from flows.helpers import observe


@flow
def report(day: str = "today", limit: int = 10):
    """Reports what came in."""
    observe("report", day=day, limit=limit)


@flow
def audit(strict: bool = False):
    observe("audit", strict=strict)


weekly_report = report.with_options(name="weekly report")
'''

FLOW = """
from prefect import flow
from flows.helpers import observe


@flow(name="Nightly ETL", description="Loads everything.", version="7")
def etl(source: str = "db", rows: int = 1):
    observe("etl", source=source, rows=rows)
"""

OLD_SAME_FILE = (
    FLOW
    + """
from prefect.deployments import Deployment
from prefect.client.schemas.schedules import CronSchedule


def deploy():
    Deployment.build_from_flow(
        flow=etl,
        name="nightly",
        schedule=CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin"),
        parameters={"rows": 5},
        tags=["prod", "etl"],
        description="Every night.",
        version="2024-1",
        work_pool_name="local",
        work_queue_name="slow",
        infra_overrides={"env": {"REGION": "eu"}},
        is_schedule_active=False,
        apply=True,
    )
    Deployment.build_from_flow(etl, "bare", work_pool_name="local", apply=True)


if __name__ == "__main__":
    deploy()
"""
)

NEW_SAME_FILE = (
    FLOW
    + """
from prefect.client.schemas.schedules import CronSchedule


def deploy():
    etl.from_source(source=".", entrypoint="etl.py:etl").deploy(
        name="nightly",
        schedules=[CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin")],
        parameters={"rows": 5},
        tags=["prod", "etl"],
        description="Every night.",
        version="2024-1",
        work_pool_name="local",
        work_queue_name="slow",
        job_variables={"env": {"REGION": "eu"}},
        paused=True,
        enforce_parameter_schema=False,
    )
    etl.from_source(source=".", entrypoint="etl.py:etl").deploy(
        "bare", work_pool_name="local", enforce_parameter_schema=False
    )


if __name__ == "__main__":
    deploy()
"""
)

BOTH_SAME_FILE = (
    FLOW
    + """
from compat import PREFECT_3
from prefect.client.schemas.schedules import CronSchedule

if not PREFECT_3:
    from prefect.deployments import Deployment


def deploy():
    if PREFECT_3:
        etl.from_source(source=".", entrypoint="etl.py:etl").deploy(
            name="nightly",
            schedules=[CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin")],
            parameters={"rows": 5},
            tags=["prod", "etl"],
            description="Every night.",
            version="2024-1",
            work_pool_name="local",
            work_queue_name="slow",
            job_variables={"env": {"REGION": "eu"}},
            paused=True,
            enforce_parameter_schema=False,
        )
    else:
        Deployment.build_from_flow(
            flow=etl,
            name="nightly",
            schedule=CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin"),
            parameters={"rows": 5},
            tags=["prod", "etl"],
            description="Every night.",
            version="2024-1",
            work_pool_name="local",
            work_queue_name="slow",
            infra_overrides={"env": {"REGION": "eu"}},
            is_schedule_active=False,
            apply=True,
        )
    if PREFECT_3:
        etl.from_source(source=".", entrypoint="etl.py:etl").deploy(
            "bare", work_pool_name="local", enforce_parameter_schema=False
        )
    else:
        Deployment.build_from_flow(etl, "bare", work_pool_name="local", apply=True)


if __name__ == "__main__":
    deploy()
"""
)

OLD_IMPORTED = """
import asyncio
import datetime

from flows.report import audit, report, weekly_report
from prefect.deployments import Deployment
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

ANCHOR = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)


async def register():
    built = await Deployment.build_from_flow(
        flow=report, name="awaited", work_pool_name="local", schedule={"cron": "5 4 * * *", "timezone": "Asia/Tokyo"}
    )
    await built.apply()


if __name__ == "__main__":
    deployment = Deployment.build_from_flow(
        flow=report,
        name="six-hourly",
        schedule=IntervalSchedule(interval=datetime.timedelta(hours=6), anchor_date=ANCHOR, timezone="Europe/Berlin"),
        parameters={"limit": 3},
        work_pool_name="local",
    )
    deployment.apply()
    Deployment.build_from_flow(
        flow=weekly_report,
        name="weekly",
        schedules=[
            RRuleSchedule(rrule="FREQ=WEEKLY;BYDAY=MO", timezone="Europe/Berlin"),
            {"schedule": CronSchedule(cron="0 12 * * 5"), "active": False},
        ],
        work_pool_name="local",
        apply=True,
    )
    for each in (report, audit):
        Deployment.build_from_flow(flow=each, name="looped", tags=["loop"], work_pool_name="local", apply=True)
    asyncio.run(register())
"""

NEW_IMPORTED = """
import asyncio
import datetime
import sys
from pathlib import Path

from flows.report import audit, report, weekly_report
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

ANCHOR = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)


async def register():
    built = await (await report.from_source(source=".", entrypoint="flows/report.py:report")).to_deployment(
        name="awaited",
        work_pool_name="local",
        schedules=[CronSchedule(cron="5 4 * * *", timezone="Asia/Tokyo")],
        enforce_parameter_schema=False,
    )
    await built.apply()


if __name__ == "__main__":
    deployment = report.from_source(source=".", entrypoint="flows/report.py:report").to_deployment(
        name="six-hourly",
        schedules=[
            IntervalSchedule(interval=datetime.timedelta(hours=6), anchor_date=ANCHOR, timezone="Europe/Berlin")
        ],
        parameters={"limit": 3},
        work_pool_name="local",
        enforce_parameter_schema=False,
    )
    deployment.apply()
    weekly_report.from_source(source=".", entrypoint="flows/report.py:weekly_report").deploy(
        name="weekly",
        schedules=[
            RRuleSchedule(rrule="FREQ=WEEKLY;BYDAY=MO", timezone="Europe/Berlin"),
            {"schedule": CronSchedule(cron="0 12 * * 5"), "active": False},
        ],
        work_pool_name="local",
        enforce_parameter_schema=False,
    )
    for each in (report, audit):
        each.from_source(
            source=".",
            entrypoint=f"{Path(sys.modules[each.__module__].__file__).relative_to(Path.cwd())}:{each.fn.__name__}",
        ).deploy(name="looped", tags=["loop"], work_pool_name="local", enforce_parameter_schema=False)
    asyncio.run(register())
"""

DEPLOYMENTS = (
    "Nightly ETL/nightly",
    "Nightly ETL/bare",
    "report/six-hourly",
    "weekly report/weekly",
    "report/looped",
    "audit/looped",
    "report/awaited",
)
EXECUTED = ("Nightly ETL/nightly", "report/six-hourly")
BOTH_DEPLOYMENTS = ("Nightly ETL/nightly", "Nightly ETL/bare")

WHERE_THE_CODE_IS = ("path", "pull_steps", "infrastructure_document_id")
"""By design not equal: 2.x holds the directory and an anonymous infrastructure block, 3.x a step that goes there."""

DIFFERENT = {"weekly report/weekly": ("entrypoint",), "audit/looped": ("description",)}
"""Fields that differ for a reason of their own, each with a test: a renamed copy of a flow is found by its variable on 3.x
(2.x ran the flow it is a copy of), and 3.x's client writes the text `None` for a description that is None."""


@dataclass(frozen=True)
class Observed:
    """What one version's server held after the deploy scripts, and what the executed flow runs saw."""

    root: Path
    deployments: Mapping[str, Mapping[str, Any]]
    both: Mapping[str, Mapping[str, Any]]
    runs: Mapping[str, FlowRun]
    seen: Mapping[str, Mapping[str, Any]]


def _deploy(running: Server, root: Path, script: str) -> None:
    """Runs a deploy script of the project in its root, as a user does."""
    done = running.run([script], cwd=root, variables={"PYTHONPATH": str(REPOSITORY)}, timeout=120)
    assert done.returncode == 0, f"{script}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


@functools.cache
def observe(version: str) -> Observed:
    """Deploys the project with this version's code, then with the code for both majors, and runs what is in `EXECUTED`."""
    env = environment(version)
    with tempfile.TemporaryDirectory(prefix="deployments-") as directory, server(env) as running:
        root, elsewhere, observed = (Path(directory).resolve() / name for name in ("project", "elsewhere", "observed"))
        for folder in (root / "flows", elsewhere, observed):
            folder.mkdir(parents=True)
        old = env.major == 2
        variables = {"OBSERVED": str(observed), "PYTHONPATH": str(REPOSITORY)}
        (root / "flows" / "__init__.py").touch()
        (root / "flows" / "helpers.py").write_text(HELPERS)
        (root / "flows" / "report.py").write_text(REPORT)
        (root / "etl.py").write_text(BOTH_SAME_FILE)
        (root / "deploy.py").write_text(OLD_IMPORTED if old else NEW_IMPORTED)
        create_process_pool(running, POOL)
        _deploy(running, root, "etl.py")
        both = {name: read_deployment(running, name) for name in BOTH_DEPLOYMENTS}
        both_run = run_worker_once(running, POOL, BOTH_DEPLOYMENTS[0], cwd=elsewhere, variables=variables)
        delete_deployments(running)

        (root / "etl.py").write_text(OLD_SAME_FILE if old else NEW_SAME_FILE)
        _deploy(running, root, "etl.py")
        _deploy(running, root, "deploy.py")
        deployments = {name: read_deployment(running, name) for name in DEPLOYMENTS}
        runs = {
            name: run_worker_once(running, POOL, name, cwd=elsewhere, variables={"OBSERVED": str(observed)})
            for name in EXECUTED
        }
        runs["both"] = both_run
        seen = {path.stem: json.loads(path.read_text()) for path in observed.iterdir()}
        return Observed(root, deployments, both, runs, seen)


def _kept(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have to be the same on both majors, with the known respelling of an rrule undone.

    3.x puts a DTSTART in front of an rrule that has none (3.8 does, 3.0 does not): it is 2020-01-01, which is 2.x's own default.
    """
    fields = {key: value for key, value in deployment.items() if key not in WHERE_THE_CODE_IS}
    fields["schedules"] = json.loads(json.dumps(fields["schedules"]).replace("DTSTART:20200101T000000\\n", ""))
    fields["schedules"].sort(key=json.dumps)
    return fields


@pytest.fixture(params=_prefect_3_versions())
def migrated(request: pytest.FixtureRequest) -> Observed:
    """The project as one 3.x holds it."""
    return observe(request.param)


@pytest.fixture
def original() -> Observed:
    """The project as 2.20 holds it."""
    return observe(PREFECT_2)


@pytest.mark.parametrize("name", [name for name in DEPLOYMENTS if name != "Nightly ETL/nightly"])
def test_server_holds_the_same_deployment_after_the_rewriting(
    original: Observed, migrated: Observed, name: str
) -> None:
    before, after = _kept(original.deployments[name]), _kept(migrated.deployments[name])
    for field in DIFFERENT.get(name, ()):
        assert before.pop(field) != after.pop(field)
    assert after == before


def test_description_and_version_of_the_flow_are_taken_where_the_deployment_has_none(migrated: Observed) -> None:
    bare = migrated.deployments["Nightly ETL/bare"]
    assert (bare["description"], bare["version"]) == ("Loads everything.", "7")


def test_flow_that_is_a_renamed_copy_is_found_by_the_name_of_its_variable(
    original: Observed, migrated: Observed
) -> None:
    assert original.deployments["weekly report/weekly"]["entrypoint"] == "flows/report.py:report"
    assert migrated.deployments["weekly report/weekly"]["entrypoint"] == "flows/report.py:weekly_report"


def test_flow_without_any_description_is_described_as_the_word_none(original: Observed, migrated: Observed) -> None:
    assert original.deployments["audit/looped"]["description"] is None
    assert migrated.deployments["audit/looped"]["description"] == "None"


def test_inactive_schedule_becomes_a_paused_deployment_and_every_other_field_is_kept(
    original: Observed, migrated: Observed
) -> None:
    before, after = (_kept(side.deployments["Nightly ETL/nightly"]) for side in (original, migrated))
    assert before["paused"] is after["paused"] is True
    assert [entry["active"] for entry in before.pop("schedules")] == [False]
    assert after.pop("schedules") == [
        {"active": True, "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "day_or": True}}
    ]
    assert after == before


def test_values_given_in_the_code_are_the_values_on_the_server(migrated: Observed) -> None:
    nightly = migrated.deployments["Nightly ETL/nightly"]
    assert nightly["parameters"] == {"rows": 5}
    assert nightly["tags"] == ["prod", "etl"]
    assert (nightly["description"], nightly["version"]) == ("Every night.", "2024-1")
    assert (nightly["work_pool_name"], nightly["work_queue_name"]) == (POOL, "slow")
    assert nightly["job_variables"] == {"env": {"REGION": "eu"}}
    assert nightly["enforce_parameter_schema"] is False


def test_directory_of_the_deploying_process_is_where_the_code_is_found(original: Observed, migrated: Observed) -> None:
    for name in DEPLOYMENTS:
        assert original.deployments[name]["path"] == str(original.root)
        step = {"prefect.deployments.steps.set_working_directory": {"directory": str(migrated.root)}}
        assert migrated.deployments[name]["pull_steps"] == [step]
        assert migrated.deployments[name]["infrastructure_document_id"] is None


@pytest.mark.parametrize("version", [PREFECT_2, *_prefect_3_versions()])
def test_flow_runs_complete_in_a_worker_that_was_started_elsewhere(version: str) -> None:
    observed = observe(version)
    for name, run in observed.runs.items():
        assert run.state_type == "COMPLETED", f"{name}: {run}"
    etl, report = observed.seen["etl"], observed.seen["report"]
    assert (etl["source"], etl["rows"], etl["region"]) == ("db", 5, "eu")
    assert (report["day"], report["limit"], report["region"]) == ("today", 3, None)


def test_run_works_in_the_project_itself_and_no_longer_in_a_copy_of_it(original: Observed, migrated: Observed) -> None:
    assert original.seen["etl"]["cwd"] != str(original.root)
    assert migrated.seen["etl"]["cwd"] == str(migrated.root)


@pytest.mark.parametrize("version", [PREFECT_2, *_prefect_3_versions()])
def test_text_for_both_majors_registers_what_the_text_for_the_one_registers(version: str) -> None:
    observed = observe(version)
    for name in BOTH_DEPLOYMENTS:
        both, single = dict(observed.both[name]), dict(observed.deployments[name])
        both.pop("infrastructure_document_id"), single.pop("infrastructure_document_id")
        assert both == single
