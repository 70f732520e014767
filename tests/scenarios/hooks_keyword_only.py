"""State hooks of a task take keywords only.

codes: PF504
"""

from functools import partial

from _observing import clear, note, notes, until
from prefect import flow, task


def report(*, task, task_run, state):
    note(f"report {type(task).__name__}")


def alert(channel, task, task_run, state):
    note(f"{channel} {state.name}")


@task(on_completion=[report, partial(alert, channel="mail")])
def load():
    return 1


@flow
def etl():
    return load()


def observe():
    clear()
    etl()
    until(lambda: len(notes()) == 2, 2)
    return sorted(notes())
