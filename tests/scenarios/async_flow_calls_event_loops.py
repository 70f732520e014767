"""An async flow calls a sync task and a sync subflow that use `asyncio.run`.

codes: PF422
"""

import asyncio

from _observing import note, outcome
from prefect import flow, task


async def fetch(n):
    note(n)
    return n


@task
def load(n):
    return asyncio.run(fetch(n))


def fetched(n):
    return asyncio.new_event_loop().run_until_complete(fetch(n))


@flow
def child(n):
    return fetched(n)


@flow
async def parent():
    load(1)
    note(child(2) + 1)
    return 1


def observe():
    return outcome(parent)
