"""A loop polls `get_state()` until all futures are final.

codes: PF443 PF107
"""

import time

from _observing import result_of
from prefect import flow, task


@task
def load(n):
    if n == 2:
        raise ValueError(n)
    return n


@flow
def etl():
    futures = [load.submit(n) for n in (1, 2, 3)]
    while not all(future.get_state().is_final() for future in futures):
        time.sleep(0.05)
    return ", ".join(future.get_state().name for future in futures)


def observe():
    return result_of(etl)
