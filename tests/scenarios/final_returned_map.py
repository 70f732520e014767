"""A flow returns what `map` gives.

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
    return load.map([1, 2, 3])


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
