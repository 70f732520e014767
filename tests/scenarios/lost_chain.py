"""A chain of runs in an async flow that nobody waits for.

codes: PF411
"""

from _observing import note, outcome
from prefect import flow, task


@task
def load(n):
    note(n)
    if n == 2:
        raise ValueError(n)
    return n


@flow
async def etl():
    load.submit(4, wait_for=[load.submit(1), load.submit(3)])
    return 7


def observe():
    return outcome(etl)
