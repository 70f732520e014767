"""Registers deployments in every way; prints a line of JSON: the ids that were given, and what was refused how."""

import asyncio
import datetime
import json
import os
import runpy
import sys
import types

import unguarded
from flows.etl import copied, etl, wrapped
from prefect import flow

from compat import CronSchedule, RRuleSchedule, deploy, deploy_async, serve

POOL = {"work_pool_name": "local"}


@flow
def here():
    """Is defined in the program."""


@flow
def registering():
    """Deploys while it runs."""
    return deploy(here, "from a sync flow", **POOL)


@flow
async def registering_async():
    """Deploys while it runs."""
    return await deploy_async(here, "from an async flow", **POOL)


async def in_async_code():
    awaited = await asyncio.gather(
        deploy_async(etl, "awaited 1", **POOL),
        deploy_async(copied, "awaited 2", **POOL),
    )
    return [*awaited, deploy(here, "blocking a loop", **POOL)]


def registered():
    nightly = deploy(
        etl,
        "nightly",
        work_pool_name="local",
        work_queue_name="slow",
        job_variables={"env": {"REGION": "eu"}},
        paused=True,
        schedule=CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin"),
        parameters={"rows": 5},
        description="Every night.",
        tags=["prod", "etl"],
        version="2024-1",
    )
    deploy(here, "again", **POOL, paused=True, cron="0 3 * * *", tags=["old"], parameters={"a": 1}, description="Old.")
    return [
        nightly,
        deploy(here, "again", **POOL),
        deploy(etl, "hourly", **POOL, interval=datetime.timedelta(hours=1)),
        deploy(etl, "quarterly", **POOL, interval=900, paused=False),
        deploy(etl, "v1.2", **POOL, cron="5 4 * * *"),
        deploy(
            etl, "weekly", **POOL, schedules=[RRuleSchedule(rrule="FREQ=WEEKLY;BYDAY=MO", timezone="Europe/Berlin")]
        ),
        deploy(etl, "plain schedule", **POOL, schedule={"cron": "1 1 * * *", "timezone": "Asia/Tokyo"}),
        deploy(etl, "named", **POOL, entrypoint="flows/etl.py:copied"),
        deploy(wrapped, "wrapped", **POOL),
        *asyncio.run(in_async_code()),
        registering(),
        asyncio.run(registering_async()),
    ]


def said(call, *args, **kwargs):
    try:
        value = call(*args, **kwargs)
        return repr(asyncio.run(value) if asyncio.iscoroutine(value) else value)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def from_elsewhere(call, *args, **kwargs):
    project = os.getcwd()
    os.chdir(sys.argv[1])
    try:
        return said(call, *args, **kwargs)
    finally:
        os.chdir(project)


async def in_a_loop(call, *args, **kwargs):
    return call(*args, **kwargs)


def inner_flow():
    @flow
    def inner():
        pass

    return inner


def typed_flow():
    """As a notebook has it: in a module without a file."""
    sys.modules["notebook"] = types.ModuleType("notebook")
    exec("from prefect import flow\n@flow\ndef typed():\n    pass", vars(sys.modules["notebook"]))
    return sys.modules["notebook"].typed


def refused():
    return {
        "no pool": said(deploy, here, "x"),
        "empty pool": said(deploy, here, "x", work_pool_name=""),
        "unknown argument": said(deploy, here, "x", **POOL, infra_overrides={}),
        "unknown argument, async": said(deploy_async, here, "x", **POOL, infra_overrides={}),
        "two kinds of schedule": said(deploy, here, "x", **POOL, cron="0 0 * * *", interval=60),
        "not a variable": said(deploy, inner_flow(), "x", **POOL),
        "no file": said(deploy, typed_flow(), "x", **POOL),
        "elsewhere": from_elsewhere(deploy, here, "x", **POOL),
        "elsewhere, async": from_elsewhere(deploy_async, here, "x", **POOL),
        "not a flow": said(deploy, 1, "x", **POOL),
        "entrypoint of nothing": said(deploy, here, "x", **POOL, entrypoint="deploy.py:nothing").split(":")[0],
        "entrypoint of a function": said(deploy, here, "x", **POOL, entrypoint="deploy.py:said").split(":")[0],
        "unguarded": said(deploy, unguarded.loose, "x", **POOL),
        "unguarded program": said(runpy.run_path, "unguarded.py", run_name="__main__"),
        "several schedules": said(deploy, here, "several", **POOL, cron=["0 1 * * *", "0 2 * * *"]),
        "serve in a loop": said(in_a_loop, serve, here),
        "serve without a flow": said(serve, name="x"),
        "serve with an unknown argument": said(serve, here, infra_overrides={}),
    }


if __name__ == "__main__":
    ids = [str(each) for each in registered()]
    print("TOLD " + json.dumps({"ids": ids, "refused": refused()}))
