"""A subclass of `LocalFileSystem` encodes what is written.

codes: PF601
fix: none
"""

import asyncio
import glob
import os
import tempfile
from pathlib import Path

from prefect import flow, task
from prefect.filesystems import LocalFileSystem


class Encoding(LocalFileSystem):
    async def write_path(self, path, content):
        return await super().write_path(path, bytes(byte ^ 0x55 for byte in content))


@task(persist_result=True)
async def load():
    return 1


@flow(persist_result=True)
async def etl():
    return await load()


def observe():
    folder = tempfile.mkdtemp()
    storage = Encoding(basepath=folder)
    storage.save("folder-that-encodes", overwrite=True)
    asyncio.run(etl.with_options(result_storage=storage)())
    written = [path for path in glob.glob(f"{folder}/**", recursive=True) if os.path.isfile(path)]
    plain = [path for path in written if Path(path).read_bytes()[:1] == b"{"]
    return f"stored: {bool(written)}, as plain text: {bool(plain)}"
