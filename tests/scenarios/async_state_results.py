"""A sync flow reads a subflow's result with `get_state_result`.

codes: PF423
"""

from _observing import result_of
from prefect import flow
from prefect.states import get_state_result


@flow
def child():
    return 5


@flow
def parent():
    value = get_state_result(child(return_state=True))
    return type(value).__name__


def observe():
    return result_of(parent)
