"""A `cache_key_fn` uses the name of the task run.

codes: PF502
fix: none
"""

import uuid

from _observing import note, outcome
from prefect import flow, task

UNIQUE = uuid.uuid4().hex


@task(cache_key_fn=lambda context, parameters: f"{context.task_run.name}-{UNIQUE}")
def load():
    note("loaded")
    return 1


@flow
def etl():
    return load()


def observe():
    return [outcome(etl), outcome(etl)]
