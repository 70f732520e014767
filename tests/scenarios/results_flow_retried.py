"""A flow with `retries` fails after one of its tasks has completed.

codes: PF509
"""

from _observing import note, notes, outcome
from prefect import flow, task


@task
def charge():
    note("charged")
    return 1


@task
def confirm(number):
    note("tried")
    if notes().count("tried") < 2:
        raise ValueError(number)


@flow(retries=1)
def checkout():
    confirm(charge())
    return "done"


def observe():
    return outcome(checkout)
