"""A state hook takes `**kwargs`.

codes: PF504
fix: none
"""

from _observing import clear, note, notes, until
from prefect import flow


def report(**kwargs):
    note(kwargs["state"].name)


@flow(on_completion=[report])
def etl():
    return 1


def observe():
    clear()
    etl()
    until(notes, 1)
    return notes()
