"""A task changes the nested lists of a dict that its caller goes on using.

codes: PF432
"""

from _observing import result_of
from prefect import flow, task


@task
def add(record: dict, step):
    record["steps"].append(step)
    return record


@flow
def etl():
    record = {"steps": []}
    added = [add.submit(record, step).result() for step in ("clean", "join")]
    return f"{record['steps']}, {added[1]['steps']}"


def observe():
    return result_of(etl)
