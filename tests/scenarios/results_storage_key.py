"""A task with a `result_storage_key` runs in every flow run.

codes: PF508
"""

import uuid

from _observing import note, outcome
from prefect import flow, task

KEY = f"report-{uuid.uuid4().hex}"


@task(persist_result=True, result_storage_key=KEY)
def report():
    note("made")
    return 1


@flow
def daily():
    report()
    return "done"


def observe():
    return [outcome(daily), outcome(daily)]
