"""A chain of runs in an async flow that nobody waits for.

codes: PF411
"""

import asyncio

from _observing import ending, note
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
    return ending(etl)


if __name__ == "__main__":
    asyncio.run(etl())
