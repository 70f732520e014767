"""A task with `persist_result=True` takes a lock.

codes: PF503
"""

import os
import threading

from prefect import flow, task
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH


@task(persist_result=True)
def count(lock: threading.Lock):
    with lock:
        return 5


@flow
def audit():
    return count(threading.Lock())


def observe():
    folder = str(PREFECT_LOCAL_STORAGE_PATH.value())
    before = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    result = audit()
    after = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    return f"{result}; {len(after - before)} results stored"
