"""A sync task calls an async task; a sync flow runs the sync one.

codes: PF421
"""

from _observing import note, outcome
from prefect import flow, task


@task
async def fetch(n):
    note(n)
    return n


@task
def load(n):
    fetch(n)


@flow
def etl():
    load(1)
    load.submit(2).wait()
    return 1


def observe():
    return outcome(etl)
