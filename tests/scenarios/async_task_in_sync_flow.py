"""A sync flow, and a function that it calls, call async tasks without awaiting anything.

codes: PF421
"""

from _observing import note, outcome
from prefect import flow, task


@task
async def load(n):
    note(n)
    return n * 10


@task
async def broken():
    raise ValueError("broken")


def both(n):
    return [load(n), load(n + 1)]


@flow
def etl():
    load(1)
    both(2)
    try:
        broken()
    except ValueError as error:
        note(f"raised {error}")
    return 1


def observe():
    return outcome(etl)
