"""`as_completed` is imported where it exists, and written by hand where it does not.

codes: PF440 PF431
"""

from _observing import result_of
from prefect import flow, task

try:
    from prefect.futures import as_completed
except ImportError:

    def as_completed(futures):
        for future in futures:
            future.wait()
            yield future


@task
def load(n):
    if n == 2:
        raise ValueError(n)
    return n


@flow
def etl():
    failed = 0
    for future in as_completed([load.submit(n) for n in (1, 2, 3)]):
        if future.get_state().is_failed():
            failed += 1
    return f"{failed} failed"


def observe():
    return result_of(etl)
