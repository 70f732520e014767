"""A block is made without a field that is `Optional`.

codes: PF513
"""

from typing import Optional

from _observing import result_of
from prefect.blocks.core import Block


class Bucket(Block):
    name: str
    prefix: Optional[str]


def observe():
    return result_of(lambda: Bucket(name="raw").prefix).partition(":")[0]
