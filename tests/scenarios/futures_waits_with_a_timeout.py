"""`if future.wait(seconds):` asks whether a run has ended in time.

codes: PF430
"""

import threading

from _observing import result_of
from prefect import flow, task

gate = threading.Event()


@task
def load():
    gate.wait(30)
    return 1


@flow
def etl():
    gate.clear()
    future = load.submit()
    said = []
    if not future.wait(0.1):
        said.append("late")
    gate.set()
    if future.wait(30):
        said.append("in time")
    return ", ".join(said)


def observe():
    return result_of(etl)
