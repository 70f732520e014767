"""Async tasks are submitted in an async flow and not waited for.

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


@task
async def fetch(n):
    await asyncio.sleep(0.3)
    note(n)


@flow
async def etl():
    for n in (1, 3, 4):
        await fetch.submit(n)
    return 7


def observe():
    return ending(etl)


if __name__ == "__main__":
    asyncio.run(etl())
