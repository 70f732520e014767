"""A run fails that others are given the future of; the flow returns nothing.

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
    second = load.submit(first)
    load.submit(3, wait_for=[second])


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
