"""A helper function reads the states of the futures that it is given with `get_state()`.

codes: PF431
"""

from _observing import result_of
from prefect import flow, task


@task
def load(n):
    if n == 2:
        raise ValueError(n)
    return n


def failed(futures):
    return [at for at, future in enumerate(futures, start=1) if future.get_state().is_failed()]


@flow
def etl():
    futures = [load.submit(n) for n in (1, 2, 3)]
    for future in futures:
        future.wait()
    return f"failed: {failed(futures)}"


def observe():
    return result_of(etl)
