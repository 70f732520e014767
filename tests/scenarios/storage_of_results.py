"""A storage block of one's own keeps results; a second run asks the cache.

codes: PF601
"""

import os
import tempfile

from _observing import clear, note, notes
from prefect import flow, task
from prefect.filesystems import WritableFileSystem


class Folder(WritableFileSystem):
    basepath: str

    async def read_path(self, path):
        with open(os.path.join(self.basepath, path.replace("/", "_")), "rb") as file:
            return file.read()

    async def write_path(self, path, content):
        with open(os.path.join(self.basepath, path.replace("/", "_")), "wb") as file:
            file.write(content)


@task(persist_result=True, cache_key_fn=lambda context, parameters: f"of-{os.getpid()}")
def load():
    note("loaded")
    return 1


@flow(persist_result=True)
def etl():
    return load()


def observe():
    folder = Folder(basepath=tempfile.mkdtemp())
    folder.save("folder-of-results", overwrite=True)
    stored = etl.with_options(result_storage=folder)
    clear()
    stored()
    stored()
    return "loaded once" if len(notes()) == 1 else f"loaded {len(notes())} times"
