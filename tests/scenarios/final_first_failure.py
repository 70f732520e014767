"""Two runs fail, the later one first; the flow returns nothing.

codes: PF410
"""

import time

from _observing import ending, note
from prefect import flow, task


@task
def load(n):
    note(n)
    if n == 2:
        raise ValueError(n)
    return n


@task
def save(n):
    time.sleep(n)
    note(f"saved {n}")
    raise KeyError(n)


@flow
def etl():
    first = save.submit(1)
    for n in (2, 3):
        load.submit(n, wait_for=[])
    first.wait()


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
