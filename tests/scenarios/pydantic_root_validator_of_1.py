"""A block completes its values in a root validator of `pydantic.v1`.

codes: PF513
"""

from _observing import result_of
from prefect.blocks.core import Block
from pydantic.v1 import root_validator


class Warehouse(Block):
    host: str = "local"
    url: str = ""

    @root_validator
    def complete(cls, values):
        return {**values, "url": values["url"] or f"db://{values['host']}"}


def observe():
    return result_of(lambda: Warehouse(host="far").url)
