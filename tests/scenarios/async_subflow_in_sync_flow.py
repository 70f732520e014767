"""A sync flow calls an async subflow, without awaiting it.

codes: PF421
"""

from _observing import note, outcome
from prefect import flow, task


@task
async def load(n):
    note(n)
    return n


@flow
async def child(n):
    return await load(n)


@flow
def parent():
    child(1)
    return 1


def observe():
    return outcome(parent)
