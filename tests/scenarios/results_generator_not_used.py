"""A generator task is called for its side effects.

codes: PF505
"""

from _observing import note, outcome
from prefect import flow, task


@task
def clean(names):
    for name in names:
        note(name)
        yield name


@flow
def tidy():
    clean(["a", "b"])
    return "done"


def observe():
    return outcome(tidy)
