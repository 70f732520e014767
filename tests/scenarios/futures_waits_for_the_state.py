"""The final state is taken from what `future.wait()` gives.

codes: PF430
"""

from _observing import result_of
from prefect import flow, task


@task
def load(n):
    if not n:
        raise ValueError(n)
    return n


@flow
def etl():
    good, bad = load.submit(1), load.submit(0)
    state = good.wait()
    names = [state.name, load.submit(2).wait().name]
    if bad.wait().is_failed():
        names.append("noticed")
    return ", ".join(names + [future.wait().name for future in (good, bad)])


def observe():
    return result_of(etl)
