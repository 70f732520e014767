"""Each result is asked for, what it raises is caught.

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
    for future in load.map([1, 2, 3]):
        try:
            note(f"got {future.result()}")
        except ValueError:
            note("broken")


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
