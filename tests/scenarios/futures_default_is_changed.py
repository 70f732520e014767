"""A task appends to a list that is the default of its parameter.

codes: PF432
"""

from _observing import result_of
from prefect import flow, task


@task
def collect(item, seen=[]):  # noqa: B006
    seen.append(item)
    return len(seen)


@flow
def etl():
    return [collect(item) for item in "abc"]


def observe():
    return result_of(etl)
