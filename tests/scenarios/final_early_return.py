"""A flow that returns early on one path.

codes: PF410 PF411
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
def etl(early):
    if early:
        load.submit(2)
        return
    future = load.submit(1)
    other = load.submit(2)
    future.result()


def observe():
    return f"{ending(etl, True)} | {ending(etl, False)}"


if __name__ == "__main__":
    etl(False)
