"""A flow returns the states of its tasks and of a subflow in a list.

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
def part():
    return load.submit(2)


@flow
def etl():
    states = [load(1, return_state=True), part(return_state=True)]
    return states


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
