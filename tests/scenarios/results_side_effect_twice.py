"""A task whose `result_serializer` is set has a side effect, and is called twice alike.

codes: PF501
"""

from _observing import note, outcome
from prefect import flow, task


@task(result_serializer="json")
def ping(host):
    note(f"ping {host}")


@flow
def check():
    ping("a")
    ping("a")
    return "checked"


def observe():
    return outcome(check)
