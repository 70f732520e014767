"""An async flow awaits the state of a future, with `wait` and with `get_state`.

codes: PF420 PF107
"""

from _observing import result_of
from prefect import flow, task


@task
async def load(n):
    if n == 2:
        raise ValueError(n)
    return n


@flow
async def etl():
    names = []
    for n in (1, 2):
        future = await load.submit(n)
        state = await future.wait()
        again = await future.get_state()
        names += [state.name, again.name]
    return names


def observe():
    return result_of(etl)
