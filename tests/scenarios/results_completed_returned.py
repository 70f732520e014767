"""A task returns `Completed(data=...)` and its caller uses the data.

codes: PF506
"""

from _observing import result_of
from prefect import flow, task
from prefect.states import Completed


@task
def load():
    return Completed(message="from the cache of the day", data=5)


@flow
def etl():
    number = load()
    return str(number)[:9]


def observe():
    return result_of(etl)
