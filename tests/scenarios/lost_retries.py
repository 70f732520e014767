"""A run that retries is not waited for; the flow returns a value.

codes: PF411
"""

from _observing import ending, note, notes
from prefect import flow, task


@task
def load(n):
    note(n)
    if n == 2:
        raise ValueError(n)
    return n


@task(retries=1, retry_delay_seconds=1)
def unsteady():
    note("try")
    if notes().count("try") == 1:
        raise ValueError


@flow
def etl():
    unsteady.submit()
    return 7


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
