"""Tasks submitted to the sequential runner.

codes: PF202 PF410
"""

from _observing import ending, note
from prefect import flow, task
from prefect.task_runners import SequentialTaskRunner


@task
def load(n):
    note(n)
    if n == 2:
        raise ValueError(n)
    return n


@flow(task_runner=SequentialTaskRunner())
def etl():
    for n in (1, 2, 3, 4, 5, 6):
        load.submit(n)


def observe():
    return ending(etl)


if __name__ == "__main__":
    etl()
