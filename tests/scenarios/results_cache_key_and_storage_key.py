"""A task with a `cache_key_fn` has a `result_storage_key` too.

codes: PF502
fix: none
"""

import uuid

from _observing import note, outcome
from prefect import flow, task
from prefect.tasks import task_input_hash

KEY = uuid.uuid4().hex


@task(cache_key_fn=task_input_hash, result_storage_key=KEY)
def load(day):
    note(day)
    return day


@flow
def etl():
    return [load("monday"), load("tuesday")]


def observe():
    return outcome(etl)
