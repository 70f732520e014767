"""A failing task is called, what it raises is caught, nothing is returned.

codes: PF412
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


@flow
def etl():
    for n in (1, 2, 3):
        try:
            load(n)
        except ValueError:
            note("broken")


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
