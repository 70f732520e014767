"""An async flow hands results of async tasks to `asyncio.wait_for` and `create_task`, or gathers them with other coroutines.

codes: PF420
"""

import asyncio

from _observing import result_of
from prefect import flow, task


@task
async def load(n):
    if n == 2:
        raise ValueError(n)
    return n * 10


async def other():
    return "other"


@flow
async def etl():
    good = await load.submit(1)
    bad = await load.submit(2)
    limited = await asyncio.wait_for(good.result(), 30)
    scheduled = asyncio.create_task(good.result())
    mixed = await asyncio.gather(good.result(), bad.result(), other(), return_exceptions=True)
    return limited, await scheduled, [str(each) for each in mixed]


def observe():
    return result_of(etl)
