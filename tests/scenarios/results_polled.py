"""A task with `persist_result=True` is called again until something is there.

codes: PF501
"""

from _observing import clear, note, notes
from prefect import flow, task


@task(persist_result=True)
def ready():
    note("looked")
    return len(notes()) >= 3


@flow
def wait_until_ready():
    for _ in range(5):
        if ready():
            return "ready"
    return "never ready"


def observe():
    clear()
    return f"{wait_until_ready()}; looked {len(notes())} times"
