"""A sync flow uses the value and the state of an async task that it calls.

codes: PF421
"""

from _observing import result_of
from prefect import flow, task


@task
async def load(n):
    return n * 10


@flow
def etl():
    return [type(value).__name__ for value in (load(1), load(2, return_state=True))]


def observe():
    return result_of(etl)
