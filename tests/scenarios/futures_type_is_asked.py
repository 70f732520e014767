"""`type(x) is PrefectFuture` decides whether something is a future.

codes: PF433
"""

from _observing import result_of
from prefect import flow, task
from prefect.futures import PrefectFuture


@task
def load():
    return 1


def value_of(x):
    return x.result() if type(x) is PrefectFuture else "no future"


@flow
def etl():
    return value_of(load.submit())


def observe():
    return result_of(etl)
