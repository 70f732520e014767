"""The runs are waited for, nobody asks for their results.

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
    futures = [load.submit(n) for n in (1, 2, 3)]
    for future in futures:
        future.wait()


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
