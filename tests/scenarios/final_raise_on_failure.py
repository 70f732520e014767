"""`future.result(raise_on_failure=False)`, and nothing is returned.

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
    value = load.submit(2).result(raise_on_failure=False)
    note(type(value).__name__)


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
