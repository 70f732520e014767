"""A loop polls `get_state()` to handle futures as their runs end.

codes: PF441 PF107
"""

import threading
import time

from _observing import result_of
from prefect import flow, task

gate = threading.Event()


@task
def load(n):
    if n == 1:
        gate.wait(30)
    return n


@flow
def etl():
    gate.clear()
    futures = [load.submit(n) for n in (1, 2)]
    handled = []
    pending = list(futures)
    while pending:
        for future in list(pending):
            state = future.get_state()
            if state.is_final():
                pending.remove(future)
                handled.append(f"{future.result()} {state.name}")
                gate.set()
        time.sleep(0.05)
    return ", ".join(handled)


def observe():
    return result_of(etl)
