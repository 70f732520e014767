"""A state hook of a flow has its parameters in an order of its own.

codes: PF504
"""

from _observing import clear, note, notes, until
from prefect import flow


def report(state, flow, flow_run):
    note([type(each).__name__ for each in (flow, flow_run, state)])


@flow(on_completion=[report])
def etl():
    return 1


def observe():
    clear()
    etl()
    until(notes, 5)
    return notes()
