"""A flow returns the list of states that `wait` gives.

codes: PF430
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
    futures = [load.submit(n) for n in (1, 2, 3)]
    return [future.wait() for future in futures]


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
