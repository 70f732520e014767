"""An async flow gives submissions and results of async tasks to `asyncio.gather`.

codes: PF420
"""

import asyncio

from _observing import result_of
from prefect import flow, task


@task
async def load(n):
    return n * 10


@flow
async def etl():
    futures = await asyncio.gather(*[load.submit(n) for n in (1, 2)])
    calls = []
    for n in (3, 4):
        calls.append(load.submit(n))
    more = await asyncio.gather(*calls)
    first, last = await asyncio.gather(futures[0].result(), more[-1].result())
    return first, last, await asyncio.gather(*(future.result() for future in [*futures, *more]))


def observe():
    return result_of(etl)
