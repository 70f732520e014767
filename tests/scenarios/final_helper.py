"""A helper of the project submits, and keeps the future to itself.

codes: PF410 PF411
fix: none
"""

from _observing import ending, note
from prefect import flow, task


@task
def load(n):
    note(n)
    if n == 2:
        raise ValueError(n)
    return n


def load_all(numbers):
    for n in numbers:
        load.submit(n)


@flow
def etl():
    load_all([1, 2, 3])


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
