"""A run waits for another one that fails; the flow returns nothing.

codes: PF410 PF411
"""

from _observing import ending, note
from prefect import flow, task


@task
def load(n):
    note(n)
    if n == 2:
        raise ValueError(n)
    return n


@flow
def etl():
    first = load.submit(2)
    load.submit(3, wait_for=[first])


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
