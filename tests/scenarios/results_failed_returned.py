"""A task returns `Failed(...)` and is called directly.

codes: PF506
"""

from _observing import note, outcome
from prefect import flow, task
from prefect.states import Failed


@task
def validate(rows):
    if not rows:
        return Failed(message="no rows")
    return rows


@flow
def etl(rows):
    validate(rows)
    note("published")
    return "done"


def observe():
    return outcome(etl, [])
