"""The list that a generator task gives is passed to another task.

codes: PF505
"""

from _observing import result_of
from prefect import flow, task


@task
def pages(n):
    yield from range(n)


@task
def count(found):
    return len(list(found))


@flow
def crawl():
    found = pages(3)
    return count(found)


def observe():
    return result_of(crawl)
