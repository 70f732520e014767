"""A flow with `persist_result=True` calls a task in a loop.

codes: PF501
"""

from _observing import note, outcome
from prefect import flow, task


@task
def heartbeat():
    note("beat")


@flow(persist_result=True)
def watch():
    for _ in range(3):
        heartbeat()
    return "done"


def observe():
    return outcome(watch)
