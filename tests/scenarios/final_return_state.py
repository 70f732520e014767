"""A task is called with `return_state=True`, and nothing is returned.

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
    state = load(2, return_state=True)
    note(state.name)


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
