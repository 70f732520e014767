"""The `Config` of a block speaks pydantic 1: text is stripped.

codes: PF513
"""

from _observing import result_of
from prefect.blocks.core import Block


class Bucket(Block):
    name: str = "raw"

    class Config:
        anystr_strip_whitespace = True


def observe():
    return result_of(lambda: Bucket(name=" raw ").name)
