"""A mapped task changes the dict that all its runs are given with `unmapped(...)`.

codes: PF432
"""

from _observing import result_of
from prefect import flow, task, unmapped


@task
def label(name, labels: dict):
    labels[name] = True
    return len(labels)


@flow
def etl():
    labels = {}
    sizes = [future.result() for future in label.map(["a", "b", "c"], unmapped(labels))]
    return f"{sorted(sizes)}, then {len(labels)}"


def observe():
    return result_of(etl)
