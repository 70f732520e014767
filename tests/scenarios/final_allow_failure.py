"""The failure of a run is allowed for the run after it; the flow returns nothing.

codes: PF410
"""

from _observing import ending, note
from prefect import allow_failure, flow, task


@task
def load(n):
    note(n)
    if n == 2:
        raise ValueError(n)
    return n


@flow
def etl():
    first = load.submit(2)
    second = load.submit(1, wait_for=[allow_failure(first)])
    second.result()


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
