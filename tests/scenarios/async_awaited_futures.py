"""An async flow awaits `submit`, `map`, `result` and `wait` of async tasks.

codes: PF420
"""

from _observing import note, outcome
from prefect import flow, task


@task
async def load(n):
    note(n)
    return n * 10


@flow
async def etl():
    first = await load.submit(1)
    rest = await load.map([2, 3])
    await first.wait()
    note(await first.result())
    for future in rest:
        note(await future.result())
    return 1


def observe():
    return outcome(etl)
