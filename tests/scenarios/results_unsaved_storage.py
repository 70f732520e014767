"""Results are stored in a block that was never saved.

codes: PF507
fix: none
"""

import tempfile

from _observing import result_of
from prefect import flow, task
from prefect.filesystems import LocalFileSystem


def observe():
    @task(persist_result=True, result_storage=LocalFileSystem(basepath=tempfile.mkdtemp()))
    def load():
        return 5

    @flow
    def etl():
        return load()

    return result_of(etl)
