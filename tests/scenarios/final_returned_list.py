"""A flow returns the list of its futures.

codes: PF410
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
    futures = []
    for n in (1, 2, 3):
        futures.append(load.submit(n))
    return futures


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
