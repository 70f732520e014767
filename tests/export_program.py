"""Registers deployments of all kinds on a Prefect 2.20 server, run by its Python in a directory with `flows/`.

The argument is the number of plain copies beside them. Every secret begins with `hidden-`.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import sys

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import MinimalDeploymentSchedule
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.deployments import Deployment
from prefect.filesystems import S3, GitHub, LocalFileSystem, RemoteFileSystem
from prefect.infrastructure import DockerContainer, KubernetesJob, Process
from prefect.infrastructure.container import DockerRegistry
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

sys.path.insert(0, os.getcwd())
from flows.daily import audit, load
from flows.etl import etl

HERE = os.getcwd()
BERLIN = "Europe/Berlin"
ANCHOR = datetime.datetime(2023, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
ITEMS = {
    "cron": {"schedule": CronSchedule(cron="0 3 * * *", timezone=BERLIN)},
    "cron days": {"schedule": CronSchedule(cron="0 3 1 * 1", timezone="UTC", day_or=False)},
    "interval": {
        "schedule": IntervalSchedule(interval=datetime.timedelta(minutes=90), anchor_date=ANCHOR, timezone=BERLIN)
    },
    "rrule": {
        "schedule": RRuleSchedule(rrule="DTSTART:20230101T080000\nFREQ=WEEKLY;BYDAY=MO,WE", timezone="America/New_York")
    },
    "several": {
        "schedules": [
            MinimalDeploymentSchedule(schedule=CronSchedule(cron="0 1 * * *", timezone=BERLIN), active=True),
            MinimalDeploymentSchedule(
                schedule=IntervalSchedule(interval=datetime.timedelta(days=1), anchor_date=ANCHOR), active=False
            ),
        ]
    },
    "paused": {"is_schedule_active": False, "schedule": CronSchedule(cron="*/5 * * * *")},
    "tags": {"tags": ["prod", "team: data", "yes", "ünï"], "version": "1.10"},
    "parameters": {
        "parameters": {
            "source": "böse",
            "rows": 3,
            "options": {
                "deep": [1, 2.5, None, True, {"a": "b: c # d"}],
                "day": "2020-01-01",
                "on": "no",
                "time": "12:30:45",
            },
        }
    },
    "description": {"description": "Every night.\n\n* one: `x`\n  two\n\tThree # no comment\n"},
    "templates": {
        "parameters": {
            "source": "{{ source }}",
            "options": {"sql": "select '{{ ds }}' -- {{ prefect.blocks.secret.nothing }} $HOME ${HOME}"},
        },
        "description": "Uses {{ nothing }}.",
        "tags": ["{{ tag }}"],
    },
    "strict": {"enforce_parameter_schema": True, "parameters": {"rows": 5}},
    "secrets": {
        "parameters": {
            "source": "https://me:hidden-11@example.org/x",
            "options": {"db_password": "hidden-12", "api_key": "hidden-13"},
        }
    },
}
GITHUB = {"repository": "https://github.com/example/private.git", "reference": "main"}


async def pool(client, name, kind, **fields):
    template = await get_default_base_job_template_for_infrastructure_type(kind) or {}
    template = fields.pop("change", lambda each: each)(template)
    await client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=template, **fields))


def own_template(template):
    template["variables"]["properties"]["env"]["default"] = {"REGION": "eu", "DB_PASSWORD": "hidden-21"}
    return template


async def pools():
    async with get_client() as client:
        await pool(client, "local", "process", description="Here.", concurrency_limit=7)
        await pool(client, "boxes", "docker", change=own_template)
        await pool(client, "cluster", "kubernetes", is_paused=True)
        await pool(client, "agents", "prefect-agent", concurrency_limit=4)
        slow = await client.create_work_queue("slow", work_pool_name="local", priority=2)
        await client.update_work_queue(slow.id, concurrency_limit=3)
        await client.create_work_queue("night", concurrency_limit=5)
        await client.create_work_queue("gpu", work_pool_name="agents", priority=1)


async def typed(flow_name, entrypoint, name, **fields):
    async with get_client() as client:
        flow_id = await client.create_flow_from_name(flow_name)
        await client.create_deployment(flow_id, name, entrypoint=entrypoint, **fields)


def blocks():
    Process(env={"A": "1"}, working_dir="/srv").save("plain-process")
    DockerContainer(
        image="example.org/etl:1",
        env={"B": "2", "API_TOKEN": "hidden-31"},
        networks=["net"],
        auto_remove=True,
        image_registry=DockerRegistry(username="me", password="hidden-32", registry_url="https://example.org"),
    ).save("etl-image")
    KubernetesJob(
        namespace="etl",
        image="example.org/etl:2",
        env={"C": "3"},
        customizations=[
            {"op": "add", "path": "/spec/template/spec/containers/0/resources", "value": {"limits": {"memory": "2Gi"}}}
        ],
    ).save("etl-job")
    LocalFileSystem(basepath=HERE).save("here")
    GitHub(access_token="hidden-41", **GITHUB).save("private-code")
    S3(bucket_path="bucket/code", aws_access_key_id="hidden-42", aws_secret_access_key="hidden-43").save("code-bucket")
    RemoteFileSystem(
        basepath="s3://bucket/more",
        settings={"key": "hidden-44", "secret": "hidden-45", "client_kwargs": {"endpoint_url": "http://minio:9000"}},
    ).save("minio")


INFRASTRUCTURE = {
    "none": lambda: None,
    "own process": lambda: Process(env={"OWN": "x"}),
    "process": lambda: Process.load("plain-process"),
    "docker": lambda: DockerContainer.load("etl-image"),
    "job": lambda: KubernetesJob.load("etl-job"),
}
STORAGE = {
    "none": lambda: None,
    "here": lambda: LocalFileSystem.load("here"),
    "private": lambda: GitHub.load("private-code"),
    "bucket": lambda: S3.load("code-bucket"),
    "minio": lambda: RemoteFileSystem.load("minio"),
}
PLACES = {
    "queue": {"work_queue_name": "night"},
    "agents": {"work_pool_name": "agents", "work_queue_name": "gpu"},
    "local": {"work_pool_name": "local", "work_queue_name": "slow"},
    "default": {},
}


def main(copies):
    asyncio.run(pools())
    blocks()
    flows = [(etl, "flows/etl.py:etl"), (load, "flows/daily.py:load"), (audit, "flows/daily.py:audit")]
    count = 0

    def deploy(which, name, **fields):
        nonlocal count
        found, entrypoint = which
        fields = {"path": HERE, "version": found.version, **fields}
        Deployment(
            name=name,
            flow_name=found.name,
            entrypoint=entrypoint,
            parameter_openapi_schema={"type": "object", "properties": {}},
            **{k: v for k, v in fields.items() if v is not None},
        ).apply()
        count += 1

    for which in flows:
        for place, where in PLACES.items():
            for item, fields in ITEMS.items():
                deploy(which, f"{item} {place}", **where, **fields)
    for infra, make in INFRASTRUCTURE.items():
        for storage, store in STORAGE.items():
            overrides = {"env.EXTRA": "1", "env.MY_SECRET": "hidden-51"} if infra != "none" else {"env": {"PLAIN": "1"}}
            fields = {
                "storage": store(),
                "path": HERE if storage == "none" else "flowcode" if storage != "here" else HERE,
            }
            deploy(
                flows[0],
                f"{infra} from {storage}",
                infrastructure=make(),
                work_queue_name="night",
                infra_overrides=overrides,
                **fields,
            )
    pull = [
        {
            "prefect.deployments.steps.git_clone": {
                "id": "clone",
                "repository": "https://github.com/example/code.git",
                "access_token": "{{ prefect.blocks.secret.token }}",
            }
        },
        {
            "prefect.deployments.steps.run_shell_script": {
                "script": "ls {{ clone.directory }}",
                "env": {"PIP_TOKEN": "hidden-61"},
            }
        },
    ]
    for place in ("boxes", "cluster", "local"):
        for which in flows:
            asyncio.run(
                typed(
                    which[0].name,
                    which[1],
                    f"worker {place}",
                    work_pool_name=place,
                    pull_steps=pull,
                    job_variables={
                        "env": {"D": "4", "PLAIN_SECRET": "hidden-62"},
                        **({"image": "i:1"} if place != "local" else {}),
                    },
                    parameters={"block": {"$ref": {"block_document_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12}}}
                    if place == "boxes"
                    else {},
                )
            )
            count += 1
    for number in range(copies):
        which = flows[number % 3]
        deploy(
            which,
            f"copy {number // 3}",
            work_queue_name="night",
            parameters={"rows": number},
            schedule=CronSchedule(cron=f"{number % 60} 4 * * *"),
        )
    print(count)


if __name__ == "__main__":
    main(int(sys.argv[1]))
