"""An async flow asks for states, submits, and returns nothing.

codes: PF410 PF420
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
    await asyncio.sleep(0.1)
    note(n)


@flow
async def etl():
    await fetch(1, return_state=True)
    await fetch.submit(3)
    load(2, return_state=True)


def observe():
    return ending(etl)


if __name__ == "__main__":
    asyncio.run(etl())
